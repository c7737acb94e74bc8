package floatref

import "github.com/npusim/npusim/compiler/graph"

// memory says where the elements of a value are.
type memory uint8

const (
	noMemory       memory = iota // a value that nothing computes, or an integer
	constantMemory               // in the graph
	inputMemory                  // in the slice given to Run
	slotMemory                   // in a buffer of the state
	viewMemory                   // in the memory of another value
)

// storage is where a value is; root is the value whose memory it shares, itself
// unless it is a view.
type storage struct {
	kind memory
	slot int
	root graph.ValueID
	kept bool // nothing else ever uses its memory
}

// plan gives every value its memory. Lifetimes run from the producing node to
// the last node that reads the value or a view of it, or to the end for graph
// outputs. A new value takes the smallest free buffer that holds it, else the
// largest free one grows, else there is a new one.
func (e *Executor) plan(keepAll bool) {
	g := e.graph
	e.storage = make([]storage, len(g.Values))
	for id := range e.storage {
		e.storage[id].root = graph.ValueID(id)
		if g.Values[id].Constant != nil {
			e.storage[id].kind = constantMemory
		}
	}
	for _, id := range g.Inputs {
		e.storage[id].kind, e.storage[id].kept = inputMemory, keepAll
	}
	for i := range e.steps {
		if n := e.steps[i].node; e.steps[i].view {
			out := n.Outputs[0]
			e.storage[out].kind = viewMemory
			e.storage[out].root = e.storage[n.Inputs[0]].root
		}
	}
	lastUse := e.lifetimes()
	var free []int // buffers without a living value
	for i := range e.steps {
		n := e.steps[i].node
		reused := graph.None
		if !keepAll && e.steps[i].kernel.InPlace && !e.steps[i].view {
			reused = e.inPlaceRoot(i, lastUse)
		}
		for k, id := range n.Outputs {
			if id == graph.None || e.steps[i].view {
				continue
			}
			at := &e.storage[id]
			at.kind, at.kept = slotMemory, keepAll
			if k == 0 && reused != graph.None {
				at.slot = e.storage[reused].slot
				continue
			}
			at.slot = e.takeSlot(&free, graph.Elements(g.Values[id].Shape))
		}
		if keepAll {
			continue
		}
		// Buffers become free after the node that reads them last.
		seen := map[graph.ValueID]bool{}
		for _, list := range [][]graph.ValueID{n.Inputs, n.Outputs} {
			for _, id := range list {
				if id == graph.None {
					continue
				}
				root := e.storage[id].root
				if e.storage[root].kind == slotMemory && lastUse[root] == i && root != reused && !seen[root] {
					seen[root] = true
					free = append(free, e.storage[root].slot)
				}
			}
		}
	}
}

// lifetimes gives for each root value the last step that reads it or a view of
// it; a value that nothing reads dies where it is made, a graph output never.
func (e *Executor) lifetimes() []int {
	lastUse := make([]int, len(e.graph.Values))
	for i := range e.steps {
		n := e.steps[i].node
		for _, list := range [][]graph.ValueID{n.Inputs, n.Outputs} {
			for _, id := range list {
				if id != graph.None {
					lastUse[e.storage[id].root] = i
				}
			}
		}
	}
	for _, id := range e.graph.Outputs {
		lastUse[e.storage[id].root] = len(e.steps)
	}
	return lastUse
}

// inPlaceRoot is the value whose buffer the first output of step i may take
// over: that of the first input, if it dies here and no other input is in it.
func (e *Executor) inPlaceRoot(i int, lastUse []int) graph.ValueID {
	n := e.steps[i].node
	root := e.storage[n.Inputs[0]].root
	if e.storage[root].kind != slotMemory || lastUse[root] != i {
		return graph.None
	}
	if graph.Elements(e.graph.Values[root].Shape) != graph.Elements(e.graph.Values[n.Outputs[0]].Shape) {
		return graph.None
	}
	for _, id := range n.Inputs[1:] {
		if id != graph.None && e.storage[id].root == root {
			return graph.None
		}
	}
	return root
}

// takeSlot finds or makes a buffer of that many elements.
func (e *Executor) takeSlot(free *[]int, elements int) int {
	best := -1
	for i, slot := range *free {
		if best < 0 {
			best = i
			continue
		}
		size, bestSize := e.slots[slot], e.slots[(*free)[best]]
		fits, bestFits := size >= elements, bestSize >= elements
		if fits && (!bestFits || size < bestSize) || !fits && !bestFits && size > bestSize {
			best = i
		}
	}
	if best < 0 {
		e.slots = append(e.slots, elements)
		return len(e.slots) - 1
	}
	slot := (*free)[best]
	*free = append((*free)[:best], (*free)[best+1:]...)
	e.slots[slot] = max(e.slots[slot], elements)
	return slot
}

// keeps tells whether a value is still there after a run.
func (e *Executor) keeps(id graph.ValueID) bool {
	root := e.storage[e.storage[id].root]
	return root.kind == constantMemory || root.kept
}
