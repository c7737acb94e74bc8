package dram

import (
	"fmt"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

// Clock is a point in time or a duration in clocks of the command bus.
type Clock int64

// Command is what a controller sends over the command bus.
type Command uint8

// The commands, by their JEDEC mnemonics ACT, PRE, PREA, RD, WR, RDA, WRA,
// REFab and REFpb. PREA and REFab go to a whole rank, all others to one bank.
const (
	InvalidCommand Command = iota
	Activate
	Precharge
	PrechargeAll
	Read
	Write
	ReadAutoPrecharge
	WriteAutoPrecharge
	RefreshAllBank
	RefreshPerBank

	commandCount
)

var commandNames = [commandCount]string{
	Activate: "ACT", Precharge: "PRE", PrechargeAll: "PREA",
	Read: "RD", Write: "WR", ReadAutoPrecharge: "RDA", WriteAutoPrecharge: "WRA",
	RefreshAllBank: "REFab", RefreshPerBank: "REFpb",
}

func (c Command) valid() bool { return c > InvalidCommand && c < commandCount }

// String is the mnemonic of the command.
func (c Command) String() string {
	if !c.valid() {
		return fmt.Sprintf("Command(%d)", uint8(c))
	}
	return commandNames[c]
}

// IsColumn is true of reads and writes, with or without auto-precharge: the
// commands of the column bus where a standard has two.
func (c Command) IsColumn() bool { return c >= Read && c <= WriteAutoPrecharge }

// IsRead is true of reads with or without auto-precharge.
func (c Command) IsRead() bool { return c == Read || c == ReadAutoPrecharge }

// IsWrite is true of writes with or without auto-precharge.
func (c Command) IsWrite() bool { return c == Write || c == WriteAutoPrecharge }

// WholeRank is true of the commands that go to all banks of a rank.
func (c Command) WholeRank() bool { return c == PrechargeAll || c == RefreshAllBank }

// Address is a place in the memory. Bank counts within its bank group, Column
// counts whole bursts. Pseudo-channels count as channels.
type Address struct{ Channel, Rank, BankGroup, Bank, Row, Column int32 }

// Level is a stage of the hierarchy at which a timing constraint applies.
type Level uint8

// The levels, outermost first.
const (
	InvalidLevel Level = iota
	ChannelLevel
	RankLevel
	BankGroupLevel
	BankLevel

	levelCount
)

var levelNames = [levelCount]string{ChannelLevel: "channel", RankLevel: "rank", BankGroupLevel: "bank_group", BankLevel: "bank"}

func (l Level) valid() bool { return l > InvalidLevel && l < levelCount }

// String is the name of the level in standard files.
func (l Level) String() string {
	if !l.valid() {
		return fmt.Sprintf("Level(%d)", uint8(l))
	}
	return levelNames[l]
}

// UnmarshalText reads a mnemonic.
func (c *Command) UnmarshalText(text []byte) error {
	i, err := indexOf("command", commandNames[:], string(text))
	*c = Command(i)
	return err
}

// UnmarshalText reads the name of a level.
func (l *Level) UnmarshalText(text []byte) error {
	i, err := indexOf("level", levelNames[:], string(text))
	*l = Level(i)
	return err
}

// indexOf finds a name in a list whose element 0 is invalid.
func indexOf(kind string, names []string, name string) (int, error) {
	for i, n := range names {
		if i > 0 && n == name {
			return i, nil
		}
	}
	return 0, &strict.ValueError{
		Rule:    fmt.Sprintf("%s is no %s; there are %s", quote(name), kind, strings.Join(names[1:], ", ")),
		Nearest: strict.Nearest(name, names[1:]),
	}
}

// quote shows a name from a file without trusting its length.
func quote(name string) string {
	const longest = 40
	if len(name) > longest {
		return fmt.Sprintf("%q...", name[:longest])
	}
	return fmt.Sprintf("%q", name)
}
