package lower

import (
	"fmt"

	"github.com/npusim/npusim/compiler/integer"
)

// memo keeps the tilings of steps: those of a network are asked for again for
// every bandwidth, and of equal layers too. It is of one network, machine and
// set of options, whatever the bandwidth, and not for several goroutines.
type memo struct {
	classes []int // of each step
	found   map[memoKey]*tilings
	tried   []fitting // room for enumerate
}

// memoKey is what the tilings of a step follow from.
type memoKey struct {
	class    int
	resident uint64 // a bit for each read operand that stays on chip, the highest for the output
	capacity need
}

// alone is the class of a step with too many operands for a memoKey.
const alone = -1

// newMemo sorts the steps of a lowering into classes of equal ones.
func newMemo(l *lowering) *memo {
	m := &memo{classes: make([]int, len(l.steps)), found: map[memoKey]*tilings{}}
	first := map[string]int{}
	var key []byte
	for k, s := range l.steps {
		if len(s.reads) > 62 {
			m.classes[k] = alone
			continue
		}
		key = l.class(key[:0], s)
		class, ok := first[string(key)]
		if !ok {
			class = k
			first[string(key)] = k
		}
		m.classes[k] = class
	}
	return m
}

// class appends all that the search looks at in a step, but for what is on
// chip. Of the kinds that networks repeat it is told in full; others stand for
// themselves by their number.
func (l *lowering) class(key []byte, s *step) []byte {
	n := s.anchor
	key = fmt.Append(key, n.Kind, l.graph.Tensors[n.Output].Shape, l.layout(s.output), len(n.Inputs))
	for _, id := range s.reads {
		key = fmt.Append(key, " ", l.layout(id))
	}
	for _, t := range s.tables {
		key = fmt.Append(key, " ", len(t))
	}
	for _, f := range s.followers {
		key = fmt.Append(key, " ", f.Kind)
		if f.Kind == integer.Binary {
			key = fmt.Append(key, f.Binary.Mode)
		}
	}
	switch a := n.Convolution; {
	case n.Kind == integer.Convolution && a.Codes == nil:
		return fmt.Append(key, a.Geometry, a.Groups, a.WeightBits, multiplierMode(a), l.shape(s).weightTotal)
	case n.Kind == integer.Binary:
		return fmt.Append(key, n.Binary.Mode)
	case n.Kind == integer.Pool:
		return fmt.Append(key, n.Pool.Geometry, poolMode(n.Pool))
	case n.Kind == integer.Table, n.Kind == integer.Softmax:
		return key
	}
	return fmt.Append(key, " ", s.index)
}

// tilings are those of a step that fit a capacity.
func (l *lowering) tilings(s *step, capacity need) *tilings {
	if l.memo == nil {
		l.memo = newMemo(l)
	}
	key := memoKey{class: l.memo.classes[s.index], capacity: capacity}
	if key.class == alone {
		return l.enumerate(s, capacity)
	}
	for i, id := range s.reads {
		if l.resident[id] {
			key.resident |= 1 << i
		}
	}
	if l.resident[s.output] {
		key.resident |= 1 << 63
	}
	found := l.memo.found[key]
	if found == nil {
		found = l.enumerate(s, capacity)
		l.memo.found[key] = found
	}
	return found
}
