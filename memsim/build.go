package memsim

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/configs"
)

// New builds the memory that a validated Spec describes.
func New(d *configs.DRAM) (Memory, error) {
	bandwidth := int64(math.Round(d.PeakGBPerS() * 1e9))
	switch d.Tier {
	case configs.IdealTier:
		return NewLinear(bandwidth, 0, 1)
	case configs.LinearTier:
		return NewLinear(bandwidth, Picoseconds(math.Round(d.LatencyNS*1000)), d.BurstBytes)
	}
	return nil, fmt.Errorf("dram.tier %q is not modelled by this version", d.Tier)
}
