package options

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/memsim/dram"
)

// values is what the keys change.
type values struct {
	controller dram.Controller
	channels   int
}

// names are those of an enumerated type; the position is the value, and
// position 0 is invalid and has no name.
type names []string

var (
	onOff       = names{"false", "true"} // of booleans, both valid
	schedulings = names{dram.FirstReady: "first-ready", dram.BankQueues: "bank-queues"}
	rowPolicies = names{dram.OpenRow: "open", dram.ClosedRow: "closed", dram.TimeoutRow: "timeout"}
	refreshes   = names{dram.RanksTogether: "together", dram.RanksInTurn: "staggered", dram.BanksInTurn: "per-bank", dram.NoRefresh: "none"}
)

// Key documents one key of a setting.
type Key struct {
	Name    string
	Meaning string
	// Only is the scheduling that the key belongs to, 0 for both.
	Only     dram.Scheduling
	Min, Max float64 // bounds of numbers, both allowed

	field func(*values) any // pointer to what the key changes
}

// Bounds of settings: far above any controller, low enough that no sum of
// clocks overflows.
const (
	maxEntries    = 4096
	maxIssueWidth = 4096
	maxChannels   = 1024
	maxClocks     = 1 << 20
	maxCount      = 1 << 30
)

// keys is in the order of the documentation.
var keys = []Key{
	{Name: "channels", Min: 1, Max: maxChannels, Meaning: "independent channels, a power of two; each has a controller of its own",
		field: func(v *values) any { return &v.channels }},
	{Name: "address_map", Meaning: "fields of an address from the most significant down: ro (row), ba (bank), bg (bank group), ra (rank), co (column, in bursts), ch (channel); co2 is two bits of one that comes in parts",
		field: func(v *values) any { return &v.controller.AddressMap }},
	{Name: "hash_banks", Meaning: "bank bits are combined with row bits by exclusive or",
		field: func(v *values) any { return &v.controller.HashBanks }},
	{Name: "scheduling", Meaning: "first-ready: FR-FCFS over a read and a write buffer, the oldest request that can go now; bank-queues: a command queue per bank, served in turn",
		field: func(v *values) any { return &v.controller.Scheduling }},
	{Name: "read_entries", Min: 1, Max: maxEntries, Meaning: "reads that can wait in a channel",
		field: func(v *values) any { return &v.controller.ReadEntries }},
	{Name: "write_entries", Min: 1, Max: maxEntries, Meaning: "writes that can wait in a channel",
		field: func(v *values) any { return &v.controller.WriteEntries }},
	{Name: "write_high", Only: dram.FirstReady, Min: 0, Max: 0.999, Meaning: "share of the write buffer above which writes go before reads",
		field: func(v *values) any { return &v.controller.WriteHigh }},
	{Name: "write_low", Only: dram.FirstReady, Min: 0, Max: 0.999, Meaning: "share of the write buffer below which waiting reads go again",
		field: func(v *values) any { return &v.controller.WriteLow }},
	{Name: "bank_entries", Only: dram.BankQueues, Min: 1, Max: 1024, Meaning: "length of the command queue of a bank",
		field: func(v *values) any { return &v.controller.BankEntries }},
	{Name: "idle_writes", Only: dram.BankQueues, Min: 0, Max: maxEntries, Meaning: "more writes than this go when all command queues are empty",
		field: func(v *values) any { return &v.controller.IdleWrites }},
	{Name: "row_hit_cap", Min: 0, Max: maxCount, Meaning: "accesses to an open row while another row of the bank is waited for; 0: no bound",
		field: func(v *values) any { return &v.controller.RowHitCap }},
	{Name: "keep_rows", Only: dram.FirstReady, Meaning: "a row stays open for waiting accesses to it that are older than the request for another row",
		field: func(v *values) any { return &v.controller.KeepRows }},
	{Name: "row_policy", Meaning: "open: a row is closed when the bank is needed for another or for refresh; closed: with the last access that waits for it; timeout: when unused for row_timeout_clocks",
		field: func(v *values) any { return &v.controller.RowPolicy }},
	{Name: "row_timeout_clocks", Only: dram.FirstReady, Min: 1, Max: maxClocks, Meaning: "for row_policy=timeout",
		field: func(v *values) any { return &v.controller.RowTimeout }},
	{Name: "refresh", Meaning: "together: all ranks one after the other; staggered: a rank every tREFI/ranks; per-bank: a bank every tREFIpb; none: for studies",
		field: func(v *values) any { return &v.controller.Refresh }},
	{Name: "return_clocks", Min: 0, Max: maxClocks, Meaning: "from the last beat of data to the requester",
		field: func(v *values) any { return &v.controller.ReturnClocks }},
	{Name: "forward_clocks", Min: 0, Max: maxClocks, Meaning: "latency of a read served from the write buffer",
		field: func(v *values) any { return &v.controller.ForwardClocks }},
	{Name: "second_activate_clocks", Only: dram.FirstReady, Min: 0, Max: maxClocks, Meaning: "time in which the second command of a two-command activate must go (LPDDR5 tAAD)",
		field: func(v *values) any { return &v.controller.SecondActivateWithin }},
	{Name: "data_clock_tail_clocks", Only: dram.FirstReady, Min: 0, Max: maxClocks, Meaning: "the data clock runs on after a burst (LPDDR5 tWCKPST); 0: it never stops",
		field: func(v *values) any { return &v.controller.DataClockTail }},
	{Name: "issue_width", Min: 1, Max: maxIssueWidth, Meaning: "requests of the trace offered a clock; unless set, with a plain standard or a file: one a channel",
		field: func(v *values) any { return &v.controller.IssueWidth }},
}

// Keys documents the keys of settings.
func Keys() []Key { return slices.Clone(keys) }

// Choices lists the values of a key with few of them, nil for the others.
func (k *Key) Choices() []string {
	switch k.field(new(values)).(type) {
	case *bool:
		return onOff
	case *dram.Scheduling:
		return schedulings[1:]
	case *dram.RowPolicy:
		return rowPolicies[1:]
	case *dram.Refresh:
		return refreshes[1:]
	}
	return nil
}

// Type is the form of the value.
func (k *Key) Type() string {
	switch k.field(new(values)).(type) {
	case *int, *dram.Clock:
		return "integer"
	case *float64:
		return "number"
	case *string:
		return "text"
	}
	return strings.Join(k.Choices(), ", ")
}

// text is the value of the key.
func (k *Key) text(v *values) string {
	switch p := k.field(v).(type) {
	case *int:
		return strconv.Itoa(*p)
	case *dram.Clock:
		return strconv.FormatInt(int64(*p), 10)
	case *float64:
		return strconv.FormatFloat(*p, 'g', -1, 64)
	case *bool:
		return strconv.FormatBool(*p)
	case *string:
		return *p
	case *dram.Scheduling:
		return schedulings[*p]
	case *dram.RowPolicy:
		return rowPolicies[*p]
	case *dram.Refresh:
		return refreshes[*p]
	}
	panic("options: key " + k.Name + " has a type without a text")
}

// KeysMarkdown is the reference of the keys as a Markdown table. Defaults are
// those of the default controller; for keys of bank queues, which it has not,
// those of the preset dramsim3-ddr4-2400.
func KeysMarkdown() string {
	var b strings.Builder
	b.WriteString("| key | value | range | default | scheduling | meaning |\n|---|---|---|---|---|---|\n")
	for i := range keys {
		k := &keys[i]
		reference := referenceOf(k.Only)
		bounds := ""
		if k.Max > 0 {
			bounds = fmt.Sprintf("%s to %s", number(k.Min), number(k.Max))
		}
		fallback := k.text(&reference)
		switch k.Name {
		case "channels":
			fallback = "of the memory"
		case "issue_width":
			fallback = "one a channel"
		case "row_timeout_clocks":
			fallback = "none"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", k.Name, k.Type(), bounds, fallback, schedulings[k.Only], k.Meaning)
	}
	return b.String()
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// referenceOf is a controller that has the values of a scheduling.
func referenceOf(s dram.Scheduling) values {
	v := values{controller: dram.DefaultController(), channels: 1}
	if s == dram.BankQueues {
		p, ok := dram.FindPreset("dramsim3-ddr4-2400")
		if !ok {
			panic("options: there is no preset with bank queues")
		}
		v.controller = p.Controller
	}
	return v
}
