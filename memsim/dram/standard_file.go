package dram

import (
	"fmt"
	"maps"
	"slices"

	"github.com/npusim/npusim/configs/strict"
)

// Bounds of an acceptable standard: beyond them lies no memory that exists,
// and within them no sum or table can overflow.
const (
	maxChannels    = 1024
	maxRanks       = 64
	maxBankGroups  = 64
	maxBanks       = 64 // per bank group
	maxRows        = 1 << 24
	maxColumns     = 1 << 16
	maxWidth       = 4096 // bits
	maxBurst       = 256  // words
	maxClocks      = 1 << 20
	maxClockPS     = 1_000_000
	maxWindow      = 32
	maxWindowRows  = 8 // rows with a window above 1, which need memory in every node
	maxConstraints = 256
	maxBanksTotal  = 4096 // of a channel
)

// standardFile is a TOML file as written.
type standardFile struct {
	Name         string           `toml:"name"`
	Source       string           `toml:"source"`
	Rules        string           `toml:"rules"`
	ClockPS      int64            `toml:"clock_ps"`
	Organization organizationFile `toml:"organization"`
	CommandBus   commandBusFile   `toml:"command_bus"`
	Timing       map[string]Clock `toml:"timing"`
	Derived      []string         `toml:"derived"`
	Guessed      []string         `toml:"guessed"`
	Constraints  []constraintFile `toml:"constraint"`
	Currents     *currentsFile    `toml:"currents"`
	Energy       *energyFile      `toml:"energy"`
}

type organizationFile struct {
	Channels            int32 `toml:"channels"`
	Ranks               int32 `toml:"ranks"`
	BankGroups          int32 `toml:"bank_groups"`
	BanksPerGroup       int32 `toml:"banks_per_group"`
	Rows                int32 `toml:"rows"`
	Columns             int32 `toml:"columns"`
	DeviceWidth         int32 `toml:"device_width_bits"`
	BusWidth            int32 `toml:"bus_width_bits"`
	BurstLength         int32 `toml:"burst_length"`
	RanksAreIndependent bool  `toml:"ranks_are_independent"`
}

type commandBusFile struct {
	Dual             bool  `toml:"dual"`
	ActivateCommands int32 `toml:"activate_commands"`
}

// constraintFile is a row of a standard or of a rule set.
type constraintFile struct {
	Name    string    `toml:"name"`
	Level   Level     `toml:"level"`
	After   []Command `toml:"after"`
	Before  []Command `toml:"before"`
	Clocks  string    `toml:"clocks"` // an expression of timing keys in capitals
	Window  int       `toml:"window"`
	Sibling bool      `toml:"sibling"`
}

// rulesFile is a rule set: rows shared by standards.
type rulesFile struct {
	Source      string           `toml:"source"`
	Constraints []constraintFile `toml:"constraint"`
}

// reader collects the faults of a standard.
type reader struct {
	path     string
	document *strict.Document
	faults   strict.Faults
	// rulesOnly: the file is a rule set, whose rows about commands that the
	// standard does not have fall away.
	rulesOnly bool
}

func (r *reader) fault(key, nearest, format string, arguments ...any) {
	r.faults = append(r.faults, strict.Fault{
		File: r.path, Line: r.document.Line(key), Key: key,
		Rule: fmt.Sprintf(format, arguments...), Nearest: nearest,
	})
}

// between reports a number outside of its range.
func (r *reader) between(key string, value, low, high int64) bool {
	if value < low || value > high {
		r.fault(key, "", "must be from %d to %d, not %d", low, high, value)
		return false
	}
	return true
}

// parseStandard reads a standard; name is what it is called if the text does
// not say.
func parseStandard(name, path string, text []byte) (*Standard, error) {
	document, faults := strict.Parse(path, text)
	if faults != nil {
		return nil, faults
	}
	file := standardFile{
		Organization: organizationFile{Channels: 1, Ranks: 1, BankGroups: 1},
		CommandBus:   commandBusFile{ActivateCommands: 1},
		Rules:        "jedec",
	}
	if faults := document.Decode(&file); faults != nil {
		return nil, faults
	}
	r := &reader{path: path, document: document}
	s := &Standard{Name: file.Name, Source: file.Source, ClockPicoseconds: file.ClockPS,
		Derived: file.Derived, Guessed: file.Guessed,
		CommandBus: CommandBus{Dual: file.CommandBus.Dual, ActivateCommands: file.CommandBus.ActivateCommands}}
	if s.Name == "" {
		s.Name = name
	}
	r.between("clock_ps", file.ClockPS, 1, maxClockPS)
	r.between("command_bus.activate_commands", int64(file.CommandBus.ActivateCommands), 1, 4)
	r.organization(&file.Organization, s)
	r.timing(file.Timing, s)
	for _, list := range []struct {
		key   string
		names []string
	}{{"derived", file.Derived}, {"guessed", file.Guessed}} {
		for i, n := range list.names {
			if _, ok := file.Timing[n]; !ok {
				r.fault(fmt.Sprintf("%s[%d]", list.key, i), strict.Nearest(n, slices.Sorted(maps.Keys(file.Timing))), "%s is no key of [timing]", quote(n))
			}
		}
	}
	if r.faults != nil { // the rest builds on these
		return nil, r.faults
	}
	r.constraints(&file, s)
	r.energy(&file, s)
	if r.faults != nil {
		return nil, r.faults
	}
	return s, nil
}

func (r *reader) organization(o *organizationFile, s *Standard) {
	for _, f := range []struct {
		key   string
		value int32
		high  int64
	}{
		{"channels", o.Channels, maxChannels}, {"ranks", o.Ranks, maxRanks},
		{"bank_groups", o.BankGroups, maxBankGroups}, {"banks_per_group", o.BanksPerGroup, maxBanks},
		{"rows", o.Rows, maxRows}, {"columns", o.Columns, maxColumns},
		{"device_width_bits", o.DeviceWidth, maxWidth}, {"bus_width_bits", o.BusWidth, maxWidth},
		{"burst_length", o.BurstLength, maxBurst},
	} {
		key := "organization." + f.key
		if r.between(key, int64(f.value), 1, f.high) && f.value&(f.value-1) != 0 {
			r.fault(key, "", "must be a power of two, not %d", f.value)
		}
	}
	if r.faults == nil && int64(o.Ranks)*int64(o.BankGroups)*int64(o.BanksPerGroup) > maxBanksTotal {
		r.fault("organization.banks_per_group", "", "a channel may have %d banks at most", maxBanksTotal)
	}
	if o.BusWidth < 8 {
		r.fault("organization.bus_width_bits", "", "must be whole bytes, not %d bits", o.BusWidth)
	}
	if o.BurstLength > o.Columns {
		r.fault("organization.burst_length", "", "must not exceed the %d columns of a row, not %d", o.Columns, o.BurstLength)
	}
	s.Organization = Organization{
		Channels: o.Channels, Ranks: o.Ranks, BankGroups: o.BankGroups, BanksPerGroup: o.BanksPerGroup,
		Rows: o.Rows, Columns: o.Columns, DeviceWidth: o.DeviceWidth, BusWidth: o.BusWidth,
		BurstLength: o.BurstLength, RanksAreIndependent: o.RanksAreIndependent,
	}
}

func (r *reader) timing(given map[string]Clock, s *Standard) {
	var keys []string
	for _, k := range timingKeys {
		keys = append(keys, k.key)
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(keys, key) {
			r.fault("timing."+key, strict.Nearest(key, keys), strict.UnknownKey)
		}
	}
	for _, k := range timingKeys {
		value, ok := given[k.key]
		switch {
		case ok:
			low := int64(0)
			if k.required {
				low = 1
			}
			r.between("timing."+k.key, int64(value), low, maxClocks)
		case k.required:
			r.fault("timing."+k.key, "", "is missing: every standard needs it")
		case k.absent != nil:
			value = k.absent(&s.Timing)
		}
		*k.field(&s.Timing) = value
	}
	t := &s.Timing
	if r.faults != nil {
		return
	}
	for _, rule := range []struct {
		key        string
		low, value Clock
		what       string
	}{
		{"rc", t.RAS, t.RC, "ras"}, {"ras", t.RCD, t.RAS, "rcd"}, {"refi", t.RFC + 1, t.REFI, "rfc + 1"},
		{"ccd_l", t.CCDS, t.CCDL, "ccd_s"}, {"rrd_l", t.RRDS, t.RRDL, "rrd_s"}, {"wtr_l", t.WTRS, t.WTRL, "wtr_s"},
		{"bl_l", t.Burst, t.BurstL, "bl"}, {"rp_ab", t.RP, t.RPAll, "rp"},
	} {
		if rule.value < rule.low {
			r.fault("timing."+rule.key, "", "must be at least %s = %d, not %d", rule.what, rule.low, rule.value)
		}
	}
	if (t.RFCPB > 0) != (t.REFIPB > 0) {
		r.fault("timing.refi_pb", "", "per-bank refresh needs both rfc_pb and refi_pb")
	}
}
