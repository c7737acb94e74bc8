package dram

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/npusim/npusim/configs/strict"
)

// Standard is a DRAM type at one speed: everything a controller and a device
// model need to know. It does not change after Load.
type Standard struct {
	Name   string // "ddr4-2400"; of a built-in one that of its file
	Source string // where the values come from

	Organization     Organization
	ClockPicoseconds int64 // of the command clock
	CommandBus       CommandBus
	Timing           Timing
	// Constraints is every timing rule between two commands. Rows whose
	// clocks come out as zero or less constrain nothing and are left out.
	Constraints []Constraint
	Energy      EnergyTable
	// Derived and Guessed name the timing keys that were computed from
	// another speed grade and those that no public source states.
	Derived, Guessed []string
}

// Organization is the shape of the memory. All counts are powers of two.
type Organization struct {
	Channels      int32 // pseudo-channels count as channels unless RanksAreIndependent
	Ranks         int32 // per channel
	BankGroups    int32 // per rank; 1 where the standard has none
	BanksPerGroup int32
	Rows          int32 // per bank
	Columns       int32 // per row, in words of the bus
	DeviceWidth   int32 // bits of one device
	BusWidth      int32 // bits
	BurstLength   int32 // words of the bus moved by one read or write
	// RanksAreIndependent says that the rank level stands for pseudo-channels
	// that share the command bus but have a data bus each.
	RanksAreIndependent bool
}

// CommandBus says what a controller may send in one clock.
type CommandBus struct {
	// Dual: row commands (ACT, PRE, PREA, REF) and column commands (RD, WR)
	// have a bus each, so one of either kind may go out in the same clock.
	Dual bool
	// ActivateCommands is the number of commands that open a row: 2 where the
	// row address takes two (LPDDR5: ACT-1, ACT-2). Timing counts from the
	// first; the others occupy the command bus in a later clock, before the
	// first read or write.
	ActivateCommands int32
}

// BytesPerAccess is what one read or write moves.
func (o *Organization) BytesPerAccess() int64 {
	return int64(o.BusWidth) / 8 * int64(o.BurstLength)
}

// BanksPerRank counts all bank groups.
func (o *Organization) BanksPerRank() int32 { return o.BankGroups * o.BanksPerGroup }

// BurstsPerRow is the number of columns as an Address counts them.
func (o *Organization) BurstsPerRow() int32 { return o.Columns / o.BurstLength }

// RowBytes is the size of an open row of a channel.
func (o *Organization) RowBytes() int64 { return int64(o.Columns) * int64(o.BusWidth) / 8 }

// ChannelBytes is the capacity of one channel.
func (o *Organization) ChannelBytes() int64 {
	return o.RowBytes() * int64(o.Rows) * int64(o.BanksPerRank()) * int64(o.Ranks)
}

// PeakBytesPerSecond is the bandwidth of one channel.
func (s *Standard) PeakBytesPerSecond() int64 {
	perBurst := s.Organization.BytesPerAccess()
	if s.Organization.RanksAreIndependent {
		perBurst *= int64(s.Organization.Ranks)
	}
	return int64(float64(perBurst) / float64(int64(s.Timing.Burst)*s.ClockPicoseconds) * 1e12)
}

// ReadLatency is from a read command to the last word of its burst.
func (s *Standard) ReadLatency() Clock { return s.Timing.CL + s.Timing.Burst }

// UnloadedRead is what a read takes that waits for nobody, from the clock at
// which its first command goes to the last word of its burst: with its row
// open (CL + burst), no row open (tRCD more) and another row open (tRP more).
// The constraint rows decide, which in some standards count an activate from
// its second clock.
func (s *Standard) UnloadedRead() (hit, closed, conflict Clock) {
	hit = s.ReadLatency()
	closed = hit + s.between(Activate, Read)
	conflict = closed + s.between(Precharge, Activate)
	return hit, closed, conflict
}

// between is how soon one command may follow another in the same bank.
func (s *Standard) between(after, before Command) Clock {
	clocks := Clock(1) // the command bus
	for i := range s.Constraints {
		row := &s.Constraints[i]
		if row.Window == 1 && !row.Sibling && slices.Contains(row.After, after) && slices.Contains(row.Before, before) {
			clocks = max(clocks, row.Clocks)
		}
	}
	return clocks
}

// WithChannels returns a copy with another number of channels.
func (s *Standard) WithChannels(channels int) (*Standard, error) {
	if channels < 1 || channels > maxChannels || channels&(channels-1) != 0 {
		return nil, fmt.Errorf("%s: %d channels: must be a power of two up to %d", s.Name, channels, maxChannels)
	}
	other := *s
	other.Organization.Channels = int32(channels)
	return &other, nil
}

// Constraint is a row of the timing table: a command of Before may follow the
// Window-th latest command of After, both within the same channel, rank, bank
// group or bank (Level), no earlier than Clocks later. With Sibling, the
// command of After went to another rank of the channel.
type Constraint struct {
	Name          string // as the standard calls it: "tFAW"
	Level         Level
	After, Before []Command
	Clocks        Clock
	Window        int // 1 for most rows, 4 for the four-activate window
	Sibling       bool
}

// String is the row in words.
func (c Constraint) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", c.Name)
	if c.Window > 1 {
		fmt.Fprintf(&b, "%d x ", c.Window)
	}
	place := "same " + c.Level.String()
	if c.Sibling {
		place = "other " + c.Level.String()
	}
	fmt.Fprintf(&b, "%s to %s, %s, %d clocks", joinCommands(c.After), joinCommands(c.Before), place, c.Clocks)
	return b.String()
}

func joinCommands(list []Command) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.String()
	}
	return strings.Join(names, "/")
}

//go:embed standards
var standardFiles embed.FS

// Standards lists the built-in standards in alphabetical order.
func Standards() []string { return standardNames("standards") }

// standardNames lists the TOML files of a folder of standardFiles, without
// their ending, in alphabetical order.
func standardNames(folder string) []string {
	entries, err := standardFiles.ReadDir(folder)
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".toml"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// builtIn keeps the built-in standards that have been read, by name.
var builtIn sync.Map

// Load returns a built-in standard by name or reads a file, whose name must
// end in ".toml"; without a name of its own the standard is called as the file
// is, without folder and ending. An error names the file, the key and the rule.
func Load(nameOrPath string) (*Standard, error) {
	if known, ok := builtIn.Load(nameOrPath); ok {
		s := *known.(*Standard)
		s.Constraints = slices.Clone(s.Constraints)
		return &s, nil
	}
	if slices.Contains(Standards(), nameOrPath) {
		file := nameOrPath + ".toml"
		text, err := standardFiles.ReadFile("standards/" + file)
		if err != nil {
			return nil, err
		}
		s, err := parseStandard(nameOrPath, file, text)
		if err != nil {
			return nil, err
		}
		kept := *s
		kept.Constraints = slices.Clone(s.Constraints)
		builtIn.Store(nameOrPath, &kept)
		return s, nil
	}
	name, isFile := strings.CutSuffix(nameOrPath, ".toml")
	if !isFile {
		return nil, fmt.Errorf("no DRAM standard %q: there are %s, or give a .toml file", nameOrPath, strings.Join(Standards(), ", "))
	}
	f, err := os.Open(nameOrPath)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, strict.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > strict.MaxBytes {
		return nil, fmt.Errorf("%s: %w", nameOrPath, errTooLarge)
	}
	return parseStandard(filepath.Base(name), nameOrPath, text)
}

var errTooLarge = errors.New("larger than 1 MiB, which no DRAM standard is")
