package options

import (
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/memsim/dram"
)

// Configure changes a controller by settings, "key=value" each, and checks it
// against the standard, whose channels it is to drive, for a dram.Memory. Keys
// that have no effect there are refused. Errors are of type strict.Faults, with
// every fault under the name of the source.
func Configure(source string, s *dram.Standard, c dram.Controller, sets []string) (dram.Controller, error) {
	var faults strict.Faults
	for _, text := range sets {
		name, _, found := strings.Cut(text, "=")
		if rule, nearest := foreign(strings.TrimSpace(name)); found && rule != "" {
			faults = append(faults, strict.Fault{File: source, Key: strconv.Quote(shorten(text)), Rule: rule, Nearest: nearest})
		}
	}
	if faults != nil {
		return c, faults
	}
	v := &values{controller: c, channels: int(s.Organization.Channels)}
	if _, faults = v.apply(sets); faults != nil {
		for i := range faults {
			faults[i].Key = strconv.Quote(strings.TrimPrefix(faults[i].File, "--set "))
			faults[i].File = source
		}
		return c, faults
	}
	refuse := func(what, rule string) (dram.Controller, error) {
		return c, strict.Faults{{File: source, Key: what, Rule: rule}}
	}
	if v.controller.Refresh == dram.BanksInTurn && s.Timing.REFIPB == 0 {
		return refuse(`"refresh=per-bank"`, s.Name+" has no refresh of single banks (refi_pb, rfc_pb)")
	}
	if _, err := dram.NewMapper(v.controller.AddressMap, s, v.controller.HashBanks); err != nil {
		return refuse(strconv.Quote("address_map="+shorten(v.controller.AddressMap)), err.Error())
	}
	// A replay of nothing checks all that a memory checks.
	if _, err := dram.Replay(s, v.controller, &dram.SliceTrace{}, dram.ReplayOptions{}); err != nil {
		return refuse("", err.Error())
	}
	return v.controller, nil
}

// traceKeys are the keys that a controller has for traces only, with what
// holds in a run.
var traceKeys = map[string]string{
	"channels":    "the number of channels is dram.channels",
	"issue_width": "is for traces: a run sends requests as its DMA units do",
	"idle_writes": "is for traces: a run waits for its writes, which are drained to the last one",
}

// InRuns reports whether a key is one of the controllers of runs, not of traces
// alone.
func (k *Key) InRuns() bool { return traceKeys[k.Name] == "" }

// foreign says why a key is not one of a run's controller, if it is not.
func foreign(name string) (rule, nearest string) {
	if rule := traceKeys[name]; rule != "" {
		return rule, ""
	}
	var all []string
	for i := range keys {
		if k := keys[i].Name; traceKeys[k] == "" {
			all = append(all, k)
		}
	}
	if slices.Contains(all, name) {
		return "", ""
	}
	rule, nearest = strict.UnknownKey, strict.Nearest(name, all)
	if nearest == "" {
		rule += "; npusim dram --keys lists them. Timings and organization belong to a standard: dram.standard"
	}
	return rule, nearest
}
