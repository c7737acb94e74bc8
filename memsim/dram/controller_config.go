package dram

import (
	"fmt"
	"slices"
)

// Scheduling is the order in which a controller serves waiting requests.
type Scheduling uint8

const (
	// FirstReady is FR-FCFS: of the requests in the read or the write buffer
	// whose next command may issue now, the oldest goes first.
	FirstReady Scheduling = iota + 1
	// BankQueues sorts requests into one command queue per bank and serves
	// the queues round robin.
	BankQueues
)

// RowPolicy says when a row is closed that nobody waits for.
type RowPolicy uint8

const (
	// OpenRow leaves rows open until another row of the bank or a refresh
	// needs the bank.
	OpenRow RowPolicy = iota + 1
	// ClosedRow closes a row with its last waiting access (BankQueues: with
	// every access), by automatic precharge.
	ClosedRow
	// TimeoutRow closes a row that nobody has used for RowTimeout clocks.
	TimeoutRow
)

// Refresh is the way a controller refreshes the banks.
type Refresh uint8

const (
	// RanksTogether refreshes all banks of all ranks every tREFI, one rank
	// after the other; reads and writes wait until the last one has issued.
	RanksTogether Refresh = iota + 1
	// RanksInTurn refreshes one rank every tREFI / ranks; the other
	// ranks go on.
	RanksInTurn
	// BanksInTurn refreshes one bank every tREFIpb, banks in turn.
	BanksInTurn
	// NoRefresh is for studies.
	NoRefresh
)

// Controller is the configuration of a memory controller; one controller
// drives one channel. The zero value is invalid: start from
// DefaultController or ControllerPreset.
type Controller struct {
	Scheduling Scheduling
	// AddressMap names the address fields from the most significant down:
	// ro, ba, bg, ra, co, ch.
	AddressMap string
	// HashBanks XORs bank bits with row bits.
	HashBanks bool

	ReadEntries, WriteEntries int // of the request buffers
	// WriteHigh and WriteLow are shares of the write buffer (FirstReady):
	// writes go when more than WriteHigh is filled or no read waits, until
	// less than WriteLow or nothing is filled and a read waits.
	WriteHigh, WriteLow float64
	// BankEntries is the length of the command queue of a bank (BankQueues).
	BankEntries int
	// IdleWrites (BankQueues): more writes than this are drained when all
	// command queues are empty; a full write buffer always is. A drain takes
	// as many writes as were buffered when it began.
	IdleWrites int

	// RowHitCap bounds the accesses to an open row while a request for
	// another row of the bank waits; 0 is no bound.
	RowHitCap int
	// KeepRows (FirstReady) keeps a row open for waiting accesses to it that
	// are older than the request for another row, even when a precharge could
	// issue before them.
	KeepRows   bool
	RowPolicy  RowPolicy
	RowTimeout Clock // of TimeoutRow

	Refresh Refresh

	// ReturnClocks pass between the last beat of data and the requester.
	ReturnClocks Clock
	// ForwardClocks is the latency of a read served from the write buffer.
	ForwardClocks Clock

	// SecondActivateWithin is the time in which the second command of a
	// two-command activate must go (LPDDR5: tAAD).
	SecondActivateWithin Clock
	// DataClockTail, if not 0, is how long the data clock runs on after a
	// burst (LPDDR5: tWCKPST). Once it has stopped, the next read or write
	// costs one more command and clock to start it. 0: it never stops.
	DataClockTail Clock

	// IssueWidth is the number of requests offered per clock in a replay.
	IssueWidth int
}

// DefaultController is FR-FCFS with bank groups below the columns of a row.
func DefaultController() Controller {
	return Controller{
		Scheduling: FirstReady, AddressMap: "rorabacobgch",
		ReadEntries: 32, WriteEntries: 32, WriteHigh: 0.8, WriteLow: 0.2,
		RowHitCap: 16, KeepRows: true, RowPolicy: OpenRow, Refresh: RanksTogether,
		ForwardClocks: 1, SecondActivateWithin: 8, IssueWidth: 1,
	}
}

// ramulatorController is the policy of Ramulator 2.1 (commit c5b1c3a4):
// controller_base.cpp, frfcfs.cpp, all_bank.cpp, open.cpp, ro_ba_ra_co_ch.cpp
// and the line-interleaving channel mapper; sizes from params.csv of the
// validation data.
func ramulatorController() Controller {
	c := DefaultController()
	c.AddressMap, c.RowHitCap, c.KeepRows, c.ForwardClocks = "robabgracoch", 0, false, 0
	return c
}

// dramsim3Controller is the policy of DRAMsim3 (commit 29817593):
// controller.cc, command_queue.cc, refresh.cc; sizes from params.csv of the
// validation data. A transaction enters its command queue in the clock it is
// accepted and can issue in the next; callbacks come one clock after the
// data.
func dramsim3Controller(addressMap string) Controller {
	return Controller{
		Scheduling: BankQueues, AddressMap: addressMap,
		ReadEntries: 32, WriteEntries: 32, BankEntries: 8, IdleWrites: 8,
		RowHitCap: 4, RowPolicy: OpenRow, Refresh: RanksInTurn,
		ReturnClocks: 1, ForwardClocks: 2,
		IssueWidth: 1,
	}
}

// Preset is a memory standard with a controller.
type Preset struct {
	Name       string
	Standard   string // of Load
	Controller Controller
	Channels   int
}

// Presets lists the presets that mimic a reference simulator.
func Presets() []Preset {
	wide := dramsim3Controller("rorabgbachco")
	wide.IssueWidth = 8
	wideRamulator := ramulatorController()
	wideRamulator.IssueWidth = 8
	mobile := ramulatorController()
	mobile.DataClockTail = 1
	return []Preset{
		{"dramsim3-ddr4-2400", "dramsim3-ddr4-2400", dramsim3Controller("rochrababgco"), 1},
		{"dramsim3-ddr4-3200", "dramsim3-ddr4-3200", dramsim3Controller("rochrababgco"), 1},
		{"dramsim3-ddr4-3200-bgint", "dramsim3-ddr4-3200", dramsim3Controller("rochracobabg"), 1},
		{"dramsim3-lpddr4-2400", "dramsim3-lpddr4-2400", dramsim3Controller("rochrababgco"), 1},
		{"dramsim3-lpddr4-2400-bus32", "dramsim3-lpddr4-2400-bus32", dramsim3Controller("rochrababgco"), 1},
		{"dramsim3-hbm2", "dramsim3-hbm2", wide, 8},
		{"ramulator2-ddr4-2400", "ramulator2-ddr4-2400", ramulatorController(), 1},
		{"ramulator2-ddr4-3200", "ramulator2-ddr4-3200", ramulatorController(), 1},
		{"ramulator2-lpddr5-6400", "ramulator2-lpddr5-6400", mobile, 1},
		{"ramulator2-hbm2", "ramulator2-hbm2", wideRamulator, 8},
	}
}

// FindPreset returns a preset by its name.
func FindPreset(name string) (Preset, bool) {
	list := Presets()
	i := slices.IndexFunc(list, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return list[i], true
}

// Limits of a Controller.
const (
	maxEntries     = 4096
	maxBankEntries = 1024
	maxIssueWidth  = 1 << 20
)

// Validate says what is wrong with a configuration.
func (c *Controller) Validate() error {
	for _, rule := range []struct {
		ok  bool
		say string
	}{
		{c.Scheduling == FirstReady || c.Scheduling == BankQueues, "scheduling must be first-ready or bank-queues"},
		{c.ReadEntries >= 1 && c.ReadEntries <= maxEntries && c.WriteEntries >= 1 && c.WriteEntries <= maxEntries, fmt.Sprintf("read and write entries must be 1 to %d", maxEntries)},
		{c.Scheduling != FirstReady || c.WriteLow >= 0 && c.WriteLow <= c.WriteHigh && c.WriteHigh < 1, "watermarks must be 0 <= low <= high < 1"},
		{c.Scheduling != BankQueues || c.BankEntries >= 1 && c.BankEntries <= maxBankEntries, fmt.Sprintf("bank entries must be 1 to %d", maxBankEntries)},
		{c.IdleWrites >= 0, "idle writes must not be negative"},
		{c.RowHitCap >= 0, "the row-hit cap must not be negative"},
		{c.RowPolicy >= OpenRow && c.RowPolicy <= TimeoutRow, "the row policy must be open, closed or timeout"},
		{c.RowPolicy != TimeoutRow || c.RowTimeout >= 1, "the row timeout must be at least 1 clock"},
		{c.RowPolicy != TimeoutRow || c.Scheduling == FirstReady, "the timeout row policy needs first-ready scheduling"},
		{c.Refresh >= RanksTogether && c.Refresh <= NoRefresh, "refresh must be together, staggered, per-bank or none"},
		{c.ReturnClocks >= 0 && c.ForwardClocks >= 0 && c.SecondActivateWithin >= 0 && c.DataClockTail >= 0, "latencies must not be negative"},
		{c.IssueWidth >= 1 && c.IssueWidth <= maxIssueWidth, fmt.Sprintf("the issue width must be 1 to %d", maxIssueWidth)},
	} {
		if !rule.ok {
			return fmt.Errorf("memory controller: %s", rule.say)
		}
	}
	return nil
}
