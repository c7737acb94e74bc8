package codec

import (
	"github.com/npusim/npusim/isa/xorcode"
)

// unreachable is the cost of states that no path reaches. Reached states cost
// at most 2*maxWeighed more than the cheapest one, because n_s codes lead from
// any state to any other; so the cost is above all of theirs, and with the
// costs of one slice on top it still fits into 7 bits.
const unreachable = 127 - maxWeighed

// trellis finds the cheapest path of codes through the slices of a part. The
// state after slice t is the last n_s codes. With n_s = 2, row x of the costs
// holds the states with x_t = x, column z those with x_(t-1) = z; with n_s = 1
// there is one row, with x_t along it. All rows have 256 columns.
//
// What stands in the registers before slice start is known. That is the first
// slice of the part, where they are reset, until decisions have to be kept.
type trellis struct {
	network    *xorcode.Network
	symbolBits int
	registers  int
	values     int // 2^symbolBits
	rows       int
	window     int
	costs      [][]byte // of the states after each slice, a ring of window+1
	before     []byte   // of the states before slice start: one is reached
	start      int
	reached    int // in before
	present    sliceView
	traced     sliceView
	step       *stepper
}

// newTrellis takes checked options.
func newTrellis(o *SequentialOptions) *trellis {
	t := &trellis{network: o.Network, symbolBits: o.SymbolBits, registers: o.Registers, values: 1 << o.SymbolBits, window: o.Window}
	if t.registers == 0 {
		return t
	}
	t.rows = 1
	if t.registers == 2 {
		t.rows = t.values
	}
	t.step = newStepper(fastestKernel)
	t.costs = make([][]byte, t.window+1)
	t.before = t.newCosts()
	return t
}

// newCosts makes costs with no state reached.
func (t *trellis) newCosts() []byte {
	costs := make([]byte, t.rows*codeValues)
	for i := range costs {
		costs[i] = unreachable
	}
	return costs
}

// restart makes x, and y before it, the known codes before slice s.
func (t *trellis) restart(s int, x, y byte) {
	t.before[t.reached] = unreachable
	t.start, t.reached = s, int(x)
	if t.registers == 2 {
		t.reached = int(x)*codeValues + int(y)
	}
	t.before[t.reached] = 0
}

// after is the costs after slice s of the part, start-1 at least.
func (t *trellis) after(s int) []byte {
	if s < t.start {
		return t.before
	}
	slot := &t.costs[s%len(t.costs)]
	if *slot == nil {
		*slot = t.newCosts()
	}
	return *slot
}

// part is what the trellis encodes: codes for the slices from first on of a
// plane.
type part struct {
	target   Target
	inverted bool
	first    int
	codes    []byte
}

// encode finds the codes of a part.
func (t *trellis) encode(p part) {
	if t.registers == 0 {
		for s := range p.codes {
			t.view(&t.present, p, s)
			p.codes[s] = nearest(&t.present.taps[0], t.values, t.present.target, nil)
		}
		return
	}
	t.restart(0, 0, 0)
	decided := 0
	for s := range p.codes {
		t.advance(p, s)
		if s+1 == len(p.codes) {
			t.decide(p, decided, s)
		} else if s+1-decided == t.window {
			t.decide(p, decided, s)
			decided += t.window / 2
		}
	}
}

// decide writes the best codes of slices begin..last, given those before. The
// cheapest path may have others before begin, if those were decided too early;
// then the costs are computed again from the decided ones on.
func (t *trellis) decide(p part, begin, last int) {
	x, y := t.trace(p, begin, last)
	if begin == 0 || x == p.codes[begin-1] && (t.registers == 1 || y == p.codes[begin-2]) {
		return
	}
	t.restart(begin, p.codes[begin-1], p.codes[begin-2])
	for s := begin; s <= last; s++ {
		t.advance(p, s)
	}
	t.trace(p, begin, last)
}

// view restricts network and target to the care bits of slice s of the part.
func (t *trellis) view(v *sliceView, p part, s int) {
	v.view(t.network, t.symbolBits, p.target, p.inverted, p.first+s)
}

// advance computes the costs after slice s.
func (t *trellis) advance(p part, s int) {
	from, to := t.after(s-1), t.after(s)
	v := &t.present
	t.view(v, p, s)
	if t.registers == 1 {
		t.step.prepare(v, &v.taps[0], &v.taps[1], t.values)
		t.step.minima(from, v.target, to, 1)
		normalize(to[:t.values])
		return
	}
	t.step.prepare(v, &v.taps[0], &v.taps[2], t.values)
	if s == t.start { // only the column of the known code is reached
		y := t.reached / codeValues
		for x := range t.values {
			row := to[x*codeValues:][:t.values]
			for z := range row {
				row[z] = unreachable
			}
		}
		t.step.minima(from[y*codeValues:][:codeValues], v.target^v.taps[1][y], to[y:], codeValues)
		return
	}
	for y := range t.values {
		t.step.minima(from[y*codeValues:][:codeValues], v.target^v.taps[1][y], to[y:], codeValues)
	}
	if t.values == codeValues {
		normalize(to)
		return
	}
	least := byte(unreachable + maxWeighed)
	for x := range t.values {
		for _, cost := range to[x*codeValues:][:t.values] {
			least = min(least, cost)
		}
	}
	for x := range t.values {
		row := to[x*codeValues:][:t.values]
		for z := range row {
			row[z] -= least
		}
	}
}

// trace follows the best path back from slice last, writes its codes of slices
// begin..last and gives the two before, of which n_s = 1 has one.
func (t *trellis) trace(p part, begin, last int) (x, y byte) {
	x, y = t.best(last)
	for s := last; s >= begin; s-- {
		p.codes[s] = x
		v := &t.traced
		t.view(v, p, s)
		from := t.after(s - 1)
		if t.registers == 1 {
			x = nearest(&v.taps[1], t.values, v.target^v.taps[0][x], from)
			continue
		}
		base := v.target ^ v.taps[0][x] ^ v.taps[1][y]
		x, y = y, nearest(&v.taps[2], t.values, base, from[int(y)*codeValues:][:codeValues])
	}
	return x, y
}

// best is the cheapest state after slice s, the lowest of equals: its last two
// codes, of which n_s = 1 has one.
func (t *trellis) best(s int) (x, y byte) {
	costs := t.after(s)
	at := 0
	for i, cost := range costs {
		if cost < costs[at] {
			at = i
		}
	}
	if t.registers == 1 {
		return byte(at), 0
	}
	return byte(at / codeValues), byte(at % codeValues)
}
