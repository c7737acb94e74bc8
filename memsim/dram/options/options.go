// Package options makes a memory out of texts that people write: the name of a
// preset, of a standard or of a file, and settings "key=value" of its
// controller. It holds the one table of those keys.
//
// A preset, such as dramsim3-ddr4-2400, brings the controller of the simulator
// that it mimics. A plain standard, such as ddr4-2400, and a file get the
// default controller, which then takes as many requests a clock as there are
// channels that could move one: a trace is held up by the memory, never by the
// way to it.
//
// Units are in the names of the keys; clocks are those of the command bus.
package options

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/memsim/dram"
)

// Memory is a standard with as many channels as were asked for, and the
// controller of each of them.
type Memory struct {
	Name       string // as the user gave it
	Standard   *dram.Standard
	Controller dram.Controller
}

// Names lists the presets and the built-in standards without one of that name.
func Names() []string {
	var names []string
	for _, p := range dram.Presets() {
		names = append(names, p.Name)
	}
	for _, name := range dram.Standards() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Load makes a memory of a name: a preset, a standard, or a file whose name
// ends in ".toml". The settings, "key=value" each, change its controller and
// the number of channels; of two of the same key the later one counts. An
// error lists every fault, with the file or setting, the rule and the nearest
// valid name.
func Load(name string, sets []string) (*Memory, error) {
	memory, plain, err := find(name)
	if err != nil {
		return nil, err
	}
	v := &values{controller: memory.Controller, channels: int(memory.Standard.Organization.Channels)}
	chosen, faults := v.apply(sets)
	if faults != nil {
		return nil, faults
	}
	if memory.Standard, err = memory.Standard.WithChannels(v.channels); err != nil {
		return nil, err
	}
	if plain && !slices.Contains(chosen, "issue_width") {
		v.controller.IssueWidth = int(dataBuses(memory.Standard))
	}
	memory.Controller = v.controller
	return memory, memory.check()
}

// dataBuses is the number of bursts that can be on their way at once.
func dataBuses(s *dram.Standard) int32 {
	o := &s.Organization
	if o.RanksAreIndependent {
		return o.Channels * o.Ranks
	}
	return o.Channels
}

// find looks up a name. It is plain if the controller is the default one.
func find(name string) (memory *Memory, plain bool, err error) {
	memory = &Memory{Name: name, Controller: dram.DefaultController()}
	standard, channels := name, 0
	preset, isPreset := dram.FindPreset(name)
	switch {
	case isPreset:
		standard, channels, memory.Controller = preset.Standard, preset.Channels, preset.Controller
	case !slices.Contains(dram.Standards(), name) && !strings.HasSuffix(name, ".toml"):
		return nil, false, unknown(name)
	}
	if memory.Standard, err = dram.Load(standard); err != nil {
		return nil, false, readable(err)
	}
	if channels > 0 {
		memory.Standard, err = memory.Standard.WithChannels(channels)
	}
	return memory, !isPreset, err
}

// unknown explains a name that stands for no memory.
func unknown(name string) error {
	names := Names()
	fault := strict.Fault{File: "--dram " + shorten(name), Rule: "no such memory; a standard of your own is a .toml file", Nearest: strict.Nearest(name, names)}
	if fault.Nearest == "" {
		fault.Rule += "; there are " + strings.Join(names, ", ")
	}
	return fault
}

// readable names the file of an error of the file system, without the call.
func readable(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return err
}

// check refuses what cannot work together.
func (m *Memory) check() error {
	c, s := &m.Controller, m.Standard
	if c.Refresh == dram.BanksInTurn && s.Timing.REFIPB == 0 {
		return fmt.Errorf("--set refresh=per-bank: %s has no refresh of single banks (refi_pb, rfc_pb)", s.Name)
	}
	if _, err := dram.NewMapper(c.AddressMap, s, c.HashBanks); err != nil {
		return fmt.Errorf("--set address_map: %w", err)
	}
	// A replay of nothing checks all that a replay checks.
	_, err := dram.Replay(s, *c, &dram.SliceTrace{}, dram.ReplayOptions{})
	return err
}
