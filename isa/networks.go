package isa

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/npusim/npusim/isa/xorcode"
)

// MaxNetworks bounds the network table: descriptors name rows in 16 bits.
const MaxNetworks = 1 << 12

// writeNetworks: of each network inputs u16, outputs u16, then a u64 of taps for
// every output.
func writeNetworks(p *Program, _ Unit) ([]byte, error) {
	if len(p.Networks) > MaxNetworks {
		return nil, fmt.Errorf("%d networks, a program may have %d", len(p.Networks), MaxNetworks)
	}
	var data []byte
	for i, n := range p.Networks {
		if n == nil {
			return nil, fmt.Errorf("x%d is nil", i)
		}
		if err := n.Validate(); err != nil {
			return nil, fmt.Errorf("x%d: %w", i, err)
		}
		data = binary.LittleEndian.AppendUint16(data, uint16(n.Inputs))
		data = binary.LittleEndian.AppendUint16(data, uint16(n.Outputs))
		for _, row := range n.Rows {
			data = binary.LittleEndian.AppendUint64(data, row)
		}
	}
	return data, nil
}

func readNetworks(p *Program, _ Unit, r *reader) {
	for r.more() {
		start := r.at
		inputs, outputs := int(r.u16()), int(r.u16())
		if r.err == nil {
			if err := xorcode.CheckShape(inputs, outputs); err != nil {
				r.failAt(start, fmt.Errorf("x%d: %w", len(p.Networks), err))
			} else if len(p.Networks) == MaxNetworks {
				r.failAt(start, fmt.Errorf("a program may have %d networks", MaxNetworks))
			}
		}
		data := r.take(8 * outputs)
		if r.err != nil {
			return
		}
		rows := make([]uint64, outputs)
		for k := range rows {
			rows[k] = binary.LittleEndian.Uint64(data[8*k:])
		}
		n, err := xorcode.NewNetwork(inputs, outputs, rows)
		if err != nil {
			r.failAt(start, fmt.Errorf("x%d: %w", len(p.Networks), err))
			return
		}
		p.Networks = append(p.Networks, n)
	}
}

// network reads a row such as "x0 = network inputs=2 rows=1,2,3".
func (a *assembler) network(name string, arguments []string) error {
	if err := numbered(name, "x", len(a.p.Networks)); err != nil {
		return err
	}
	if len(a.p.Networks) == MaxNetworks {
		return fmt.Errorf("a program may have %d networks", MaxNetworks)
	}
	var inputs uint16
	var rows []uint64
	if err := assign(arguments, []setter{
		unsigned("inputs", 16, &inputs),
		{"rows", func(text string) error {
			for part := range strings.SplitSeq(text, ",") {
				row, err := strconv.ParseUint(part, 16, 64)
				if err != nil {
					return fmt.Errorf("rows: %q is no hexadecimal number of 64 bits", part)
				}
				if rows = append(rows, row); len(rows) > xorcode.MaxOutputs {
					return fmt.Errorf("rows: a network has at most %d outputs", xorcode.MaxOutputs)
				}
			}
			return nil
		}},
	}); err != nil {
		return err
	}
	n, err := xorcode.NewNetwork(int(inputs), len(rows), rows)
	if err != nil {
		return err
	}
	a.p.Networks = append(a.p.Networks, n)
	return nil
}

// fits checks a descriptor against the networks that it names.
func (t *EncodedWeights) fits(networks []*xorcode.Network) error {
	first, count := int(t.Network), 1
	if t.Codec == FractionalCodec {
		count = int(t.Bits)
	}
	if first+count > len(networks) {
		return fmt.Errorf("network is %d to %d, the table has %d rows", first, first+count-1, len(networks))
	}
	bytes := uint64(0)
	for k := range int(t.Bits) {
		n := networks[first+k%count]
		if n == nil {
			return nil // reported with the networks
		}
		inputs := uint64(n.Inputs)
		if t.Codec == SequentialCodec {
			if n.Inputs%(int(t.Registers)+1) != 0 {
				return fmt.Errorf("network %d has %d inputs, which %d registers and the code do not share evenly", first, n.Inputs, t.Registers)
			}
			inputs /= uint64(t.Registers) + 1
		}
		slices := (uint64(t.Elements) + uint64(n.Outputs) - 1) / uint64(n.Outputs)
		bytes += (slices*inputs + 7) / 8
	}
	if uint64(t.CodeBytes) != bytes {
		return fmt.Errorf("code_bytes is %d, must be %d for %d weights of %d bits", t.CodeBytes, bytes, t.Elements, t.Bits)
	}
	return nil
}
