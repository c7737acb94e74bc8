package codec

import (
	"fmt"
	"math/bits"

	"github.com/npusim/npusim/isa/xorcode"
)

// MaxExactInputs is the largest n_in of the exact search, which tries up to
// 2^n_in codes for a slice.
const MaxExactInputs = 20

// BlockOptions are the parameters of the block code.
type BlockOptions struct {
	Network *xorcode.Network // n_in = Inputs, n_out = Outputs
	Seed    uint64           // with BySeed: Network is RandomNetwork of this seed
	BySeed  bool             // store the seed in place of the matrix
	Exact   bool             // fewest patches of every slice; n_in up to MaxExactInputs
	Workers int              // goroutines; 0: as many as processors
}

// blockTask is the number of blocks of patch counts that one task encodes. Any
// number of blocks takes whole bytes of codes.
const blockTask = 16

// EncodeBlock encodes planes of one length. Without Exact, care bits become
// equations in rising order, and those that contradict the ones before become
// patches.
func EncodeBlock(targets []Target, o BlockOptions) (*xorcode.Block, error) {
	if err := checkTargets(targets); err != nil {
		return nil, fmt.Errorf("xor-block: %w", err)
	}
	if o.Network == nil {
		return nil, fmt.Errorf("xor-block: %w", errNoNetwork)
	}
	if err := o.Network.Validate(); err != nil {
		return nil, fmt.Errorf("xor-block: %w", err)
	}
	if o.Exact && o.Network.Inputs > MaxExactInputs {
		return nil, fmt.Errorf("xor-block: n_in = %d: the exact search takes at most %d", o.Network.Inputs, MaxExactInputs)
	}
	out := &xorcode.Block{Network: o.Network, Seed: o.Seed, BySeed: o.BySeed, Weights: targets[0].Bits.Len(),
		Planes: make([]xorcode.BlockPlane, len(targets))}
	taskSlices := blockTask * xorcode.BlockSlices
	tasks := (out.Slices() + taskSlices - 1) / taskSlices
	pieces := make([]xorcode.BlockPlane, len(targets)*tasks)
	inParallel(o.Workers, len(pieces), func() *blockEncoder { return newBlockEncoder(o.Network, o.Exact) },
		func(e *blockEncoder, i int) {
			first := i % tasks * taskSlices
			pieces[i] = e.encode(targets[i/tasks], first, min(taskSlices, out.Slices()-first))
		})
	for i := range pieces {
		plane := &out.Planes[i/tasks]
		plane.Codes.AppendStream(&pieces[i].Codes)
		plane.Counts.AppendStream(&pieces[i].Counts)
		plane.Positions.AppendStream(&pieces[i].Positions)
	}
	return out, nil
}

// blockEncoder encodes slices one after another.
type blockEncoder struct {
	network *xorcode.Network
	width   int // of a position
	exact   *exactSearch
	system  equations
	patches []int // of the present slice
	counts  [xorcode.BlockSlices]int
}

func newBlockEncoder(m *xorcode.Network, exact bool) *blockEncoder {
	e := &blockEncoder{network: m, width: xorcode.PositionBits(m.Outputs), patches: make([]int, 0, m.Outputs)}
	if exact {
		e.exact = newExactSearch(m)
	}
	return e
}

// encode encodes slices first..first+count-1, where first begins a block.
func (e *blockEncoder) encode(t Target, first, count int) xorcode.BlockPlane {
	var out xorcode.BlockPlane
	out.Codes.Bytes = make([]byte, 0, (count*e.network.Inputs+7)/8)
	for s := first; s < first+count; s += xorcode.BlockSlices {
		here := min(xorcode.BlockSlices, first+count-s)
		most := 0
		for i := range here {
			code := e.slice(t, s+i)
			out.Codes.Append(code, e.network.Inputs)
			for _, position := range e.patches {
				out.Positions.Append(uint64(position), e.width)
			}
			e.counts[i] = len(e.patches)
			most = max(most, len(e.patches))
		}
		width := bits.Len(uint(most))
		out.Counts.Append(uint64(width), 4)
		for _, patches := range e.counts[:here] {
			out.Counts.Append(uint64(patches), width)
		}
	}
	return out
}

// slice finds the code of a slice and leaves its patches in e.patches.
func (e *blockEncoder) slice(t Target, s int) uint64 {
	e.system.reset()
	e.patches = e.patches[:0]
	begin := s * e.network.Outputs
	end := min(begin+e.network.Outputs, t.Bits.Len())
	for at := begin; at < end; at += 64 {
		here := min(64, end-at)
		value := t.Bits.Bits(at, here)
		for care := t.Care.Bits(at, here); care != 0; care &= care - 1 {
			bit := bits.TrailingZeros64(care)
			output := at - begin + bit
			if !e.system.add(e.network.Rows[output], value>>bit&1) {
				e.patches = append(e.patches, output)
			}
		}
	}
	// No code is without patches if the equations contradict each other, so
	// that a single patch cannot be improved.
	if e.exact == nil || len(e.patches) < 2 {
		return e.system.solve()
	}
	code, patches := e.exact.search(t, begin, end, e.system.solve(), e.patches)
	e.patches = patches
	return code
}

// equations is a system of linear equations over GF(2) in up to 64 unknowns,
// in echelon form: pivots[h] has h as its highest unknown.
type equations struct {
	pivots [64]uint64
	known  uint64 // bit h: pivots[h] is there
	values uint64 // right-hand sides
}

func (q *equations) reset() { q.known, q.values = 0, 0 }

// add takes the equation row x = value, unless it contradicts the system: then
// it is false.
func (q *equations) add(row, value uint64) bool {
	for row != 0 {
		high := bits.Len64(row) - 1
		if q.known>>high&1 == 0 {
			q.pivots[high&63] = row
			q.known |= 1 << high
			q.values |= value << high
			return true
		}
		row ^= q.pivots[high&63]
		value ^= q.values >> high & 1
	}
	return value == 0
}

// solve gives the solution whose free unknowns are zero.
func (q *equations) solve() uint64 {
	x := uint64(0)
	for known := q.known; known != 0; known &= known - 1 {
		h := bits.TrailingZeros64(known)
		parity := uint64(bits.OnesCount64(q.pivots[h]&x)) & 1
		x |= (q.values>>h ^ parity) & 1 << h
	}
	return x
}
