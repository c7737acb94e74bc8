package timing

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
	"github.com/npusim/npusim/memsim/dram/options"
)

// newMemory builds the memory of a validated Spec. Tier bank takes timing and
// organization from dram.standard, or from the standard that dram.preset
// names, and the controller that belongs to it, changed by dram.controller. A
// preset that mimics a simulator has its controller, other standards have the
// default one. A bandwidth or burst that contradicts the standard is an error.
func newMemory(d *configs.DRAM) (memsim.Memory, error) {
	if d.Tier != configs.BankTier {
		return memsim.New(d)
	}
	standard, controller, err := standardOf(d)
	if err != nil {
		return nil, err
	}
	if standard, err = standard.WithChannels(d.Channels); err != nil {
		return nil, fmt.Errorf("dram.channels: %w", err)
	}
	if err := agrees(d, standard); err != nil {
		return nil, err
	}
	if controller, err = options.Configure("dram.controller", standard, controller, d.Controller); err != nil {
		return nil, err
	}
	return dram.NewMemory(standard, controller, d.Channels)
}

// standardOf finds the standard that the memory has, and the controller that
// it has unless told otherwise.
func standardOf(d *configs.DRAM) (*dram.Standard, dram.Controller, error) {
	controller := dram.DefaultController()
	if d.Standard != "" {
		standard, err := dram.ParseStandard("dram.standard", []byte(d.Standard))
		return standard, controller, err
	}
	name := d.Preset
	if preset, ok := dram.FindPreset(name); ok {
		name, controller = preset.Standard, preset.Controller
	}
	standard, err := dram.Load(name)
	if err != nil {
		err = fmt.Errorf("dram.tier = \"bank\" with dram.preset = %q: %w", d.Preset, err)
	}
	return standard, controller, err
}

// tolerance is the share by which the bandwidth of the configuration may
// differ from that of the standard, which is made of whole picoseconds.
const tolerance = 0.005

// agrees compares the figures of the simple tiers with the standard.
func agrees(d *configs.DRAM, s *dram.Standard) error {
	peak := float64(s.PeakBytesPerSecond()) / 1e9
	if math.Abs(peak-d.BandwidthGBPerS) > tolerance*peak {
		return fmt.Errorf("dram.bandwidth_gb_per_s = %g contradicts the standard %s, which has %.4g GB/s a channel", d.BandwidthGBPerS, s.Name, peak)
	}
	if burst := s.Organization.BytesPerAccess(); int64(d.BurstBytes) != burst {
		return fmt.Errorf("dram.burst_bytes = %d contradicts the standard %s, which has bursts of %d bytes", d.BurstBytes, s.Name, burst)
	}
	return nil
}
