package dram

// A delay says that a command may follow no earlier than so many clocks.
type delay struct {
	before Command
	clocks Clock
}

// windowRow is a row over the latest few commands. Each node of its level
// keeps the clocks of those commands in a ring.
type windowRow struct {
	level    Level
	clocks   Clock
	window   int32
	before   []Command
	headBase int32 // of the first node in Channel.ringHeads
	ringBase int32 // of the first node in Channel.rings
}

// compiledRows is the constraint table by the command that was issued: what
// to push back at every level, rows of the channel as rows of the rank and of
// the other ranks. Of rows that say the same about two commands only the
// longest counts.
type compiledRows struct {
	rank, otherRanks, bankGroup, bank [commandCount][]delay
	windows                           [commandCount][]windowRow
	heads, ringClocks                 int32
}

func compileRows(s *Standard) *compiledRows {
	r := &compiledRows{}
	o := &s.Organization
	nodes := [levelCount]int32{
		ChannelLevel: 1, RankLevel: o.Ranks, BankGroupLevel: o.Ranks * o.BankGroups,
		BankLevel: o.Ranks * o.BankGroups * o.BanksPerGroup,
	}
	for _, row := range s.Constraints {
		if row.Window > 1 {
			w := windowRow{
				level: row.Level, clocks: row.Clocks, window: int32(row.Window), before: row.Before,
				headBase: r.heads, ringBase: r.ringClocks,
			}
			r.heads += nodes[row.Level]
			r.ringClocks += nodes[row.Level] * int32(row.Window)
			for _, after := range row.After {
				r.windows[after] = append(r.windows[after], w)
			}
			continue
		}
		for _, after := range row.After {
			for _, before := range row.Before {
				for _, list := range r.delays(&row, after) {
					*list = longest(*list, delay{before, row.Clocks})
				}
			}
		}
	}
	return r
}

// delays is where a row about a command belongs.
func (r *compiledRows) delays(row *Constraint, after Command) []*[]delay {
	switch {
	case row.Sibling:
		return []*[]delay{&r.otherRanks[after]}
	case row.Level == ChannelLevel:
		return []*[]delay{&r.rank[after], &r.otherRanks[after]}
	case row.Level == RankLevel:
		return []*[]delay{&r.rank[after]}
	case row.Level == BankGroupLevel:
		return []*[]delay{&r.bankGroup[after]}
	}
	return []*[]delay{&r.bank[after]}
}

func longest(list []delay, d delay) []delay {
	for i := range list {
		if list[i].before == d.before {
			list[i].clocks = max(list[i].clocks, d.clocks)
			return list
		}
	}
	return append(list, d)
}

// update pushes back what the command at a clock delays.
func (c *Channel) update(cmd Command, a *Address, at Clock) {
	r := c.compiled
	pushBack(&c.ranks[a.Rank], r.rank[cmd], at)
	if others := r.otherRanks[cmd]; len(others) > 0 {
		for i := range c.ranks {
			if i != int(a.Rank) {
				pushBack(&c.ranks[i], others, at)
			}
		}
	}
	if !cmd.WholeRank() {
		pushBack(&c.bankGroup[c.group(a)], r.bankGroup[cmd], at)
		pushBack(&c.banks[c.bank(a)], r.bank[cmd], at)
	}
	for i := range r.windows[cmd] {
		c.updateWindow(&r.windows[cmd][i], a, at)
	}
}

func pushBack(node *commandClocks, delays []delay, at Clock) {
	for i := range delays {
		d := &delays[i]
		p := &node[d.before&commandMask]
		*p = max(*p, at+d.clocks)
	}
}

// updateWindow puts the clock in the ring of its node, in place of the oldest.
// The one after it is then the oldest of the window: the next command must
// keep its distance from it.
func (c *Channel) updateWindow(w *windowRow, a *Address, at Clock) {
	var node int
	var concerned []commandClocks
	switch w.level {
	case ChannelLevel:
		concerned = c.ranks
	case RankLevel:
		node = int(a.Rank)
		concerned = c.ranks[node : node+1]
	case BankGroupLevel:
		node = c.group(a)
		concerned = c.bankGroup[node : node+1]
	default:
		node = c.bank(a)
		concerned = c.banks[node : node+1]
	}
	ring := c.rings[int(w.ringBase)+node*int(w.window):][:w.window]
	head := &c.ringHeads[int(w.headBase)+node]
	ring[*head] = at
	*head++
	if *head == w.window {
		*head = 0
	}
	for i := range concerned {
		for _, before := range w.before {
			p := &concerned[i][before&commandMask]
			*p = max(*p, ring[*head]+w.clocks)
		}
	}
}
