package configs

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/npusim/npusim/configs/strict"
)

// MemoryPreset holds what a [dram] preset supplies, per channel, for the
// tiers that know neither banks nor rows.
type MemoryPreset struct {
	Name            string  // as dram.preset names it
	Description     string  `toml:"description"`        // one line for people
	BandwidthGBPerS float64 `toml:"bandwidth_gb_per_s"` // 10^9 bytes a second, peak
	LatencyNS       float64 `toml:"latency_ns"`         // ns, unloaded read, device and controller
	BurstBytes      int     `toml:"burst_bytes"`        // bytes of one access
	EnergyPJPerBit  float64 `toml:"energy_pj_per_bit"`  // pJ a bit, core and interface
	Efficiency      float64 `toml:"efficiency"`         // share of the peak that tier linear reaches, fitted to tier bank
}

// MemoryPresets lists the embedded memory presets, sorted by name.
func MemoryPresets() []MemoryPreset { return slices.Clone(memoryPresets()) }

// MemorySource returns the text of an embedded memory preset with the sources
// of its values as comments, and whether there is one of that name.
func MemorySource(name string) (string, bool) {
	if !slices.Contains(embeddedNames("memory"), name) {
		return "", false
	}
	return string(embedded("memory", name)), true
}

var memoryPresets = sync.OnceValue(func() []MemoryPreset {
	var presets []MemoryPreset
	for _, name := range embeddedNames("memory") {
		preset := MemoryPreset{Name: name}
		if faults := strict.Decode("preset "+name, embedded("memory", name), &preset); faults != nil {
			panic(fmt.Sprintf("configs: embedded memory preset: %v", faults))
		}
		presets = append(presets, preset)
	}
	return presets
})

// findMemory looks a memory preset up; the error says what there is.
func findMemory(name string) (MemoryPreset, error) {
	var names []string
	for _, preset := range memoryPresets() {
		if preset.Name == name {
			return preset, nil
		}
		names = append(names, preset.Name)
	}
	return MemoryPreset{}, &strict.ValueError{
		Rule:    fmt.Sprintf("%q is no memory preset; there are %s", shorten(name), strings.Join(names, ", ")),
		Nearest: strict.Nearest(name, names),
	}
}

// memoryKeys are the keys that a memory preset supplies.
var memoryKeys = []string{"dram.bandwidth_gb_per_s", "dram.latency_ns", "dram.burst_bytes", "dram.efficiency", "energy.dram_pj_per_bit"}

// apply stores what the preset supplies, under memoryKeys.
func (m *MemoryPreset) apply(s *Spec) {
	s.DRAM.Preset = m.Name
	s.DRAM.BandwidthGBPerS, s.DRAM.LatencyNS, s.DRAM.BurstBytes = m.BandwidthGBPerS, m.LatencyNS, m.BurstBytes
	s.DRAM.Efficiency = m.Efficiency
	s.Energy.DRAMPJPerBit = m.EnergyPJPerBit
}

// shorten bounds text that goes into a message.
func shorten(s string) string {
	const longest = 60
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "..."
}
