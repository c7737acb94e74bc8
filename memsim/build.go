package memsim

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/configs"
)

// New builds the memory of the tiers ideal and linear that a validated Spec
// describes; package dram has the one with banks.
func New(d *configs.DRAM) (Memory, error) {
	bandwidth := int64(math.Round(d.PeakGBPerS() * 1e9))
	switch d.Tier {
	case configs.IdealTier:
		return NewLinear(bandwidth, 0, 1)
	case configs.LinearTier:
		m, err := NewLinear(int64(math.Round(d.PeakGBPerS()*d.Efficiency*1e9)), Picoseconds(math.Round(d.LatencyNS*1000)), d.BurstBytes)
		if err != nil {
			return nil, err
		}
		m.peak = bandwidth
		return m, nil
	}
	return nil, fmt.Errorf("dram.tier %q has a model of its own", d.Tier)
}
