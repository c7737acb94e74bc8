package dram

import "fmt"

// refreshOrder is a refresh that is due and waits for its banks.
type refreshOrder struct {
	address Address
	bank    int32 // of BanksInTurn
	command Command
}

// refreshTimer makes refreshes due.
type refreshTimer struct {
	policy   Refresh
	interval Clock
	next     Clock
	turn     int32 // rank or bank whose turn it is
	shape    Organization
	groups   bool // per-bank order: bank groups fastest
	waiting  []refreshOrder
}

// newRefreshTimer starts a timer whose first refresh is due at the end of the
// first interval.
func newRefreshTimer(s *Standard, policy Refresh) refreshTimer {
	t := refreshTimer{policy: policy, shape: s.Organization, next: forever}
	switch policy {
	case RanksTogether:
		t.interval = s.Timing.REFI
	case RanksInTurn:
		t.interval = s.Timing.REFI / Clock(s.Organization.Ranks)
	case BanksInTurn:
		t.interval = s.Timing.REFIPB
	}
	if t.interval > 0 {
		t.next = t.interval
	}
	return t
}

// due appends what has become due by a time.
func (t *refreshTimer) due(now Clock) {
	for ; t.next <= now; t.next += t.interval {
		switch t.policy {
		case RanksTogether:
			for rank := range t.shape.Ranks {
				t.waiting = append(t.waiting, refreshOrder{address: Address{Rank: rank}, command: RefreshAllBank})
			}
		case RanksInTurn:
			t.waiting = append(t.waiting, refreshOrder{address: Address{Rank: t.turn}, command: RefreshAllBank})
			t.turn = (t.turn + 1) % t.shape.Ranks
		case BanksInTurn:
			banks := t.shape.BanksPerRank()
			within := t.turn % banks
			a := Address{Rank: t.turn / banks, BankGroup: within / t.shape.BanksPerGroup, Bank: within % t.shape.BanksPerGroup}
			if t.groups {
				a.BankGroup, a.Bank = within%t.shape.BankGroups, within/t.shape.BankGroups
			}
			bank := (a.Rank*t.shape.BankGroups+a.BankGroup)*t.shape.BanksPerGroup + a.Bank
			t.waiting = append(t.waiting, refreshOrder{address: a, bank: bank, command: RefreshPerBank})
			t.turn = (t.turn + 1) % (banks * t.shape.Ranks)
		}
	}
}

// finish drops the refresh that waited longest.
func (t *refreshTimer) finish() {
	copy(t.waiting, t.waiting[1:])
	t.waiting = t.waiting[:len(t.waiting)-1]
}

// checkRefresh refuses a kind of refresh that the standard does not have and
// timings with which refreshes would pile up, for a controller that always has
// one to wait for would serve nobody.
func checkRefresh(s *Standard, c *Controller) error {
	t := &s.Timing
	var interval, busy Clock
	switch c.Refresh {
	case RanksTogether, RanksInTurn:
		interval, busy = t.REFI, t.RFC+t.RPAll
		if c.Scheduling == BankQueues {
			// Banks that wait for another one's refresh go on being opened.
			busy += t.RC + t.CWL + t.Burst + t.WR
		}
	case BanksInTurn:
		if t.REFIPB <= 0 || t.RFCPB <= 0 {
			return fmt.Errorf("memory controller: per-bank refresh needs a standard that has it, %s has not", s.Name)
		}
		return checkBankRefresh(s)
	default:
		return nil
	}
	if interval <= busy {
		return fmt.Errorf("%s: refreshes every %d clocks, each of which takes up to %d, would never end", s.Name, interval, busy)
	}
	return nil
}

// checkBankRefresh is checkRefresh for banks in turn.
func checkBankRefresh(s *Standard) error {
	t, o := &s.Timing, &s.Organization
	// From the activate of a row that is written until the bank is closed.
	row := max(t.RC, t.RCDWrite+t.CWL+t.Burst+t.WR+t.RP)
	// A refresh waits for its bank to be closed and for the one before it; then
	// other banks may be opened.
	each := row + max(t.PBRPBR, t.PBRACT)
	if t.REFIPB <= each {
		return fmt.Errorf("%s: a bank to refresh every %d clocks (refi_pb), for each of which the others wait up to %d, would leave no time for requests", s.Name, t.REFIPB, each)
	}
	// A bank's turn comes again after those of all others. By then it must have
	// been refreshed, late by what the refresh before it and it itself had to
	// wait, opened and closed.
	banks := o.Ranks * o.BanksPerRank()
	turn := t.REFIPB * Clock(banks)
	if taken := t.RFCPB + 2*each; turn <= taken {
		return fmt.Errorf("%s: the refresh of a bank (rfc_pb = %d) with closing and opening it takes up to %d clocks, but its turn comes every %d (refi_pb = %d, %d banks): refreshes would pile up", s.Name, t.RFCPB, taken, turn, t.REFIPB, banks)
	}
	return nil
}
