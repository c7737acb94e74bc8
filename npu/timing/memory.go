package timing

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
)

// newMemory builds the memory of a validated Spec. Tier bank takes its timing
// from the standard that dram.preset names; a bandwidth that contradicts it is
// an error.
func newMemory(d *configs.DRAM) (memsim.Memory, error) {
	if d.Tier != configs.BankTier {
		return memsim.New(d)
	}
	standard, err := dram.Load(d.Preset)
	if err != nil {
		return nil, fmt.Errorf("dram.tier = \"bank\" with dram.preset = %q: %w", d.Preset, err)
	}
	peak := float64(standard.PeakBytesPerSecond()) / 1e9
	if math.Abs(peak-d.BandwidthGBPerS) > 0.01*peak {
		return nil, fmt.Errorf("dram.tier = \"bank\" takes its bandwidth from %s, %.2f GB/s a channel: dram.bandwidth_gb_per_s = %g contradicts it", standard.Name, peak, d.BandwidthGBPerS)
	}
	return dram.NewMemory(standard, dram.DefaultController(), d.Channels)
}
