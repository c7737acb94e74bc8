package configs

import (
	"fmt"
	"math"
)

// bandwidthTolerance is the share by which dram.bandwidth_gb_per_s may differ
// from that of the standard on tier bank: clocks are whole picoseconds there,
// nominal figures go by transfers a second.
const bandwidthTolerance = 0.005

// memoryRules are the relations between the keys of the memory.
var memoryRules = []rule{
	{
		[]string{"dram.standard", "dram.preset"},
		func(s *Spec) string {
			if s.DRAM.Standard == "" || s.DRAM.Preset == "" {
				return ""
			}
			return "dram.preset and dram.standard exclude each other: give one of them"
		},
	},
	{
		[]string{"dram.tier", "dram.preset", "dram.standard"},
		func(s *Spec) string {
			if s.DRAM.Tier != BankTier || s.DRAM.Preset != "" || s.DRAM.Standard != "" {
				return ""
			}
			return `tier "bank" needs the timing of a memory: name dram.preset or dram.standard, or set dram.tier = "linear"`
		},
	},
	{
		[]string{"dram.controller", "dram.tier"},
		func(s *Spec) string {
			if s.DRAM.Tier == BankTier || len(s.DRAM.Controller) == 0 {
				return ""
			}
			return fmt.Sprintf(`dram.controller acts on tier bank only: set dram.tier = "bank" or leave dram.controller empty, not %q`, s.DRAM.Tier)
		},
	},
	{
		[]string{"dram.channels", "dram.tier"},
		func(s *Spec) string {
			if s.DRAM.Tier != BankTier || powerOfTwo(s.DRAM.Channels) == "" {
				return ""
			}
			return fmt.Sprintf(`dram.channels must be a power of two on tier "bank", not %d`, s.DRAM.Channels)
		},
	},
	{
		[]string{"dram.bandwidth_gb_per_s", "dram.preset", "dram.tier"},
		func(s *Spec) string {
			m, err := findMemory(s.DRAM.Preset)
			if s.DRAM.Tier != BankTier || s.DRAM.Standard != "" || err != nil || math.Abs(s.DRAM.BandwidthGBPerS-m.BandwidthGBPerS) <= bandwidthTolerance*m.BandwidthGBPerS {
				return ""
			}
			return fmt.Sprintf(`%g GB/s contradicts dram.preset = %q, a channel of which has %g on tier "bank": choose another dram.preset or dram.channels, or set dram.tier = "linear"`,
				s.DRAM.BandwidthGBPerS, m.Name, m.BandwidthGBPerS)
		},
	},
	{
		[]string{"dram.burst_bytes", "dram.preset", "dram.tier"},
		func(s *Spec) string {
			m, err := findMemory(s.DRAM.Preset)
			if s.DRAM.Tier != BankTier || s.DRAM.Standard != "" || err != nil || s.DRAM.BurstBytes == m.BurstBytes {
				return ""
			}
			return fmt.Sprintf(`%d bytes contradict dram.preset = %q, whose bursts have %d on tier "bank": choose another dram.preset, or set dram.tier = "linear"`,
				s.DRAM.BurstBytes, m.Name, m.BurstBytes)
		},
	},
}
