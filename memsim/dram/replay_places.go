package dram

// places maps the numbers of bursts with a table for their lower bits: an
// address map only moves and combines bits by exclusive or, so that the places
// of two numbers without common bits combine to that of their sum.
type places struct {
	mapper *Mapper
	burst  uint // bits of a burst
	high   uint64
	base   Address // of the high bits
	low    [1 << placesBits]Address
}

const placesBits = 9

func newPlaces(m *Mapper, burst uint) *places {
	p := &places{mapper: m, burst: burst}
	for i := range p.low {
		p.low[i] = m.Map(uint64(i) << burst)
	}
	return p
}

// find is the place of a burst.
func (p *places) find(number uint64) Address {
	low := &p.low[number&(1<<placesBits-1)]
	if high := number >> placesBits; high != p.high {
		p.high, p.base = high, p.mapper.Map(high<<(placesBits+p.burst))
	}
	b := &p.base
	return Address{
		Channel: b.Channel ^ low.Channel, Rank: b.Rank ^ low.Rank, BankGroup: b.BankGroup ^ low.BankGroup,
		Bank: b.Bank ^ low.Bank, Row: b.Row ^ low.Row, Column: b.Column ^ low.Column,
	}
}
