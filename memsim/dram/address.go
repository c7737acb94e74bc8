package dram

import (
	"fmt"
	"math/bits"
	"strings"
)

// maxAddressBits are those of a physical address.
const maxAddressBits = 62

// field is a part of an Address in an address map.
type field uint8

const (
	invalidField field = iota
	channelField
	rankField
	bankGroupField
	bankField
	rowField
	columnField

	fieldCount
)

var fieldNames = [fieldCount]string{channelField: "ch", rankField: "ra", bankGroupField: "bg", bankField: "ba", rowField: "ro", columnField: "co"}

// segment is a run of address bits that is a part of a field.
type segment struct {
	from, to uint8 // lowest bit in the burst number and in the field
	mask     uint64
}

// Mapper turns physical addresses into places of the memory.
type Mapper struct {
	spec       string
	burstShift uint8
	first      [fieldCount]segment // the lowest segment of every field
	more       []fieldSegment      // of fields in several segments
	hash       bool
	groupBits  uint8
	bankMask   uint64 // of bank group and bank together
	groupMask  uint64
}

type fieldSegment struct {
	field
	segment
}

// NewMapper reads an address map: the fields ch, ra, bg, ba, ro and co from
// the most significant to the least, in any case, as in "rochrababgco"
// (DRAMsim3) or "RoBaRaCoCh" (Ramulator). Below the last field lie the bytes of
// one burst. Without a field bg, ba holds the bank group in its lower bits. A
// field may come in parts: "co2" is the next two bits of the column, and the
// one part without a number takes the bits that are left, as in
// "rocobarabgco2ch". A field of one value (one channel, one rank) may be left
// out. Addresses beyond the capacity wrap around.
//
// With hash, the bank (bank group and bank together) is combined by exclusive
// or with the lowest bits of the row, so that strides of whole rows do not
// meet in one bank.
func NewMapper(spec string, s *Standard, hash bool) (*Mapper, error) {
	m := &Mapper{spec: spec, hash: hash}
	fail := func(format string, arguments ...any) (*Mapper, error) {
		return nil, fmt.Errorf("address map %s: %s", quote(spec), fmt.Sprintf(format, arguments...))
	}
	o := &s.Organization
	width := [fieldCount]int{
		channelField: log2(o.Channels), rankField: log2(o.Ranks), bankGroupField: log2(o.BankGroups),
		bankField: log2(o.BanksPerGroup), rowField: log2(o.Rows), columnField: log2(o.BurstsPerRow()),
	}
	parts, err := splitMap(spec)
	if err != nil {
		return fail("%v", err)
	}
	if parts, err = giveWidths(parts, &width); err != nil {
		return fail("%v", err)
	}
	m.burstShift = uint8(bits.TrailingZeros64(uint64(o.BytesPerAccess())))
	m.groupBits = uint8(width[bankGroupField])
	m.groupMask = 1<<width[bankGroupField] - 1
	m.bankMask = 1<<(width[bankGroupField]+width[bankField]) - 1
	var from uint8
	var filled [fieldCount]uint8
	for i := len(parts) - 1; i >= 0; i-- {
		p := parts[i]
		seg := segment{from: from, to: filled[p.field], mask: 1<<p.bits - 1}
		if filled[p.field] == 0 {
			m.first[p.field] = seg
		} else if p.bits > 0 {
			m.more = append(m.more, fieldSegment{p.field, seg})
		}
		from += uint8(p.bits)
		filled[p.field] += uint8(p.bits)
	}
	if from+m.burstShift > maxAddressBits {
		return fail("the memory needs %d address bits; at most %d", from+m.burstShift, maxAddressBits)
	}
	return m, nil
}

// mapPart is a field of a map as written; bits is -1 where no number stands.
type mapPart struct {
	field
	bits int
}

func splitMap(spec string) ([]mapPart, error) {
	const longest = 64
	if len(spec) > longest {
		return nil, fmt.Errorf("longer than %d characters", longest)
	}
	var parts []mapPart
	for rest := strings.ToLower(spec); rest != ""; {
		if len(rest) < 2 {
			return nil, fmt.Errorf("%q at the end is no field", rest)
		}
		name := rest[:2]
		i, err := indexOf("field", fieldNames[:], name)
		if err != nil {
			return nil, err
		}
		rest = rest[2:]
		part := mapPart{field(i), -1}
		for rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			if part.bits = 10*max(part.bits, 0) + int(rest[0]-'0'); part.bits > maxAddressBits {
				return nil, fmt.Errorf("a part of %s has more than %d bits", name, maxAddressBits)
			}
			rest = rest[1:]
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// giveWidths gives every part its bits and a bank field that stands for both
// bank and bank group its second part.
func giveWidths(parts []mapPart, width *[fieldCount]int) ([]mapPart, error) {
	var open, fixed [fieldCount]int
	for _, p := range parts {
		if p.bits < 0 {
			open[p.field]++
		} else {
			fixed[p.field] += p.bits
		}
	}
	joined := open[bankGroupField] == 0 && fixed[bankGroupField] == 0 && width[bankGroupField] > 0
	if joined && (open[bankField] != 1 || fixed[bankField] != 0) {
		return nil, fmt.Errorf("without a field bg, ba must come once and without a number")
	}
	var out []mapPart
	for f := channelField; f < fieldCount; f++ {
		name := fieldNames[f]
		switch left := width[f] - fixed[f]; {
		case joined && f == bankGroupField:
		case open[f] > 1:
			return nil, fmt.Errorf("%s stands twice; give all but one of its parts a number of bits, as in %s2", name, name)
		case left < 0 || open[f] == 0 && left > 0:
			return nil, fmt.Errorf("%s has %d bits, the map gives it %d", name, width[f], fixed[f])
		}
	}
	for _, p := range parts {
		if p.bits < 0 {
			p.bits = width[p.field] - fixed[p.field]
		}
		out = append(out, p)
		if joined && p.field == bankField {
			out = append(out, mapPart{bankGroupField, width[bankGroupField]})
		}
	}
	return out, nil
}

// log2 is the logarithm of a power of two.
func log2[T int32 | int64](n T) int { return bits.TrailingZeros64(uint64(n)) }

// Spec is the map as written.
func (m *Mapper) Spec() string { return m.spec }

// Map is the place of a physical byte address. The bytes of one burst share it.
func (m *Mapper) Map(physical uint64) Address {
	burst := physical >> (m.burstShift & 63) // the masks spare the compiler the case of 64 and more
	pick := func(s *segment) uint64 { return burst >> (s.from & 63) & s.mask }
	v := [fieldCount]uint64{
		channelField:   pick(&m.first[channelField]),
		rankField:      pick(&m.first[rankField]),
		bankGroupField: pick(&m.first[bankGroupField]),
		bankField:      pick(&m.first[bankField]),
		rowField:       pick(&m.first[rowField]),
		columnField:    pick(&m.first[columnField]),
	}
	for i := range m.more {
		s := &m.more[i]
		v[s.field] |= pick(&s.segment) << (s.to & 63)
	}
	if m.hash {
		m.mix(&v)
	}
	return Address{
		Channel: int32(v[channelField]), Rank: int32(v[rankField]), BankGroup: int32(v[bankGroupField]),
		Bank: int32(v[bankField]), Row: int32(v[rowField]), Column: int32(v[columnField]),
	}
}

// mix applies the hash, which undoes itself.
func (m *Mapper) mix(v *[fieldCount]uint64) {
	bank := (v[bankField]<<m.groupBits | v[bankGroupField]) ^ v[rowField]&m.bankMask
	v[bankGroupField], v[bankField] = bank&m.groupMask, bank>>m.groupBits
}

// Unmap is the address of the first byte of a place: Map(Unmap(a)) is a.
func (m *Mapper) Unmap(a Address) uint64 {
	v := [fieldCount]uint64{
		channelField: uint64(a.Channel), rankField: uint64(a.Rank), bankGroupField: uint64(a.BankGroup),
		bankField: uint64(a.Bank), rowField: uint64(a.Row), columnField: uint64(a.Column),
	}
	if m.hash {
		m.mix(&v)
	}
	var burst uint64
	put := func(f field, s *segment) { burst |= v[f] >> s.to & s.mask << s.from }
	for f := channelField; f < fieldCount; f++ {
		put(f, &m.first[f])
	}
	for i := range m.more {
		put(m.more[i].field, &m.more[i].segment)
	}
	return burst << m.burstShift
}
