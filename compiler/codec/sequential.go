package codec

import (
	"fmt"

	"github.com/npusim/npusim/isa/xorcode"
)

// DefaultWindow is the number of slices that the sequential encoder looks at
// before it decides the older half of them. Parts of at most that many slices
// have a path with the fewest corrections of all.
//
// Measured on random bits (1600 slices in one part, n_in = 8, sparsity 0.7,
// n_out = 26, n_s = 2; corrections against 40 without a window): window 16: 85,
// 32: 47, 64 and more: 40.
const DefaultWindow = 512

// SequentialOptions are the parameters of the sequential code.
type SequentialOptions struct {
	Network    *xorcode.Network // (Registers+1) x SymbolBits inputs, n_out outputs
	Seed       uint64           // with BySeed: Network is SpreadNetwork of this seed
	BySeed     bool             // store the seed in place of the matrix
	SymbolBits int              // n_in, 1..xorcode.MaxSymbolBits
	Registers  int              // n_s, 0..xorcode.MaxRegisters
	PartSlices int              // slices between two resets of the registers; 0: no reset
	Inverting  bool             // store planes inverted whose care bits have more ones than zeros
	// Window bounds the memory for tracing the path back: at n_s = 2 it is 64
	// KiB a slice and goroutine (32 MiB at the default), at n_s = 1 256 bytes.
	// When that many slices wait, the older half is decided along the best
	// path so far. 0 is DefaultWindow; the least is 8.
	Window  int
	Workers int // goroutines; 0: as many as processors. Parts are encoded in parallel.
}

// minWindow is the smallest window: its half reaches further back than the
// registers.
const minWindow = 8

// normalize checks the options and fills in defaults.
func (o *SequentialOptions) normalize() error {
	if err := xorcode.CheckSequentialShape(o.SymbolBits, o.Registers, 1); err != nil {
		return err
	}
	if o.Network == nil {
		return errNoNetwork
	}
	if err := o.Network.Validate(); err != nil {
		return err
	}
	if want := o.SymbolBits * (o.Registers + 1); o.Network.Inputs != want {
		return fmt.Errorf("the network has %d inputs, n_in = %d and n_s = %d need %d", o.Network.Inputs, o.SymbolBits, o.Registers, want)
	}
	if o.PartSlices < 0 || o.PartSlices > 1<<31-1 {
		return fmt.Errorf("slices of a part = %d: must be 0..%d", o.PartSlices, 1<<31-1)
	}
	if o.Window == 0 {
		o.Window = DefaultWindow
	}
	if o.Window < minWindow {
		return fmt.Errorf("window = %d slices: must be at least %d", o.Window, minWindow)
	}
	return nil
}

// EncodeSequential encodes planes of one length. The path through a part is the
// one with the fewest corrections of all, if the part fits into the window and
// no slice has more than 40 care bits (of those, 40 are weighed).
func EncodeSequential(targets []Target, o SequentialOptions) (*xorcode.Sequential, error) {
	if err := checkTargets(targets); err != nil {
		return nil, fmt.Errorf("xor-sequential: %w", err)
	}
	if err := o.normalize(); err != nil {
		return nil, fmt.Errorf("xor-sequential: %w", err)
	}
	out := &xorcode.Sequential{Network: o.Network, Seed: o.Seed, BySeed: o.BySeed, SymbolBits: o.SymbolBits, Registers: o.Registers,
		PartSlices: o.PartSlices, Weights: targets[0].Bits.Len(), Planes: make([]xorcode.SequentialPlane, len(targets))}
	slices := out.Slices()
	partSlices := o.PartSlices
	if partSlices == 0 || partSlices > slices {
		partSlices = max(slices, 1)
	}
	parts := (slices + partSlices - 1) / partSlices
	for i := range targets {
		if o.Inverting {
			out.Planes[i].Inverted = moreOnes(targets[i])
		}
	}
	codes := make([][]byte, len(targets))
	for i := range codes {
		codes[i] = make([]byte, slices)
	}
	inParallel(o.Workers, len(targets)*parts, func() *trellis { return newTrellis(&o) }, func(t *trellis, i int) {
		plane, first := i/parts, i%parts*partSlices
		t.encode(part{targets[plane], out.Planes[plane].Inverted, first, codes[plane][first:min(first+partSlices, slices)]})
	})
	for i := range targets {
		plane := &out.Planes[i]
		for _, code := range codes[i] {
			plane.Codes.Append(uint64(code), o.SymbolBits)
		}
		if err := correct(out, i, targets[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// moreOnes says whether ones outnumber zeros among the care bits.
func moreOnes(t Target) bool {
	ones := xorcode.NewPlane(t.Bits.Len())
	for i, care := range t.Care.Words {
		ones.Words[i] = t.Bits.Words[i] & care
	}
	return 2*ones.Count() > t.Care.Count()
}

// correct decodes a plane, of which only the codes stand, and lists the care
// bits that come out wrong.
func correct(q *xorcode.Sequential, plane int, t Target) error {
	p := &q.Planes[plane]
	slices := q.Slices()
	partBits := q.PartSlices * q.Network.Outputs
	if q.PartSlices == 0 || q.PartSlices > slices {
		partBits = q.Weights
	}
	// A plane without corrections is valid and decodes to what the network
	// gives.
	eachVector(q.Weights, partBits, func(int, int) { p.AppendVector(nil) })
	decoded, err := q.Decode(plane)
	if err != nil {
		return err
	}
	p.Corrections = xorcode.Bitstream{}
	positions := make([]int, 0, xorcode.VectorBits)
	eachVector(q.Weights, partBits, func(begin, end int) {
		positions = positions[:0]
		for at := begin; at < end; at += 64 {
			here := min(64, end-at)
			wrong := (decoded.Bits(at, here) ^ t.Bits.Bits(at, here)) & t.Care.Bits(at, here)
			positions = appendPositions(positions, wrong, at-begin)
		}
		p.AppendVector(positions)
	})
	return nil
}

// eachVector visits the vectors of corrections of all parts: bits begin..end-1.
func eachVector(weights, partBits int, visit func(begin, end int)) {
	for part := 0; part < weights; part += partBits {
		partEnd := min(part+partBits, weights)
		for begin := part; begin < partEnd; begin += xorcode.VectorBits {
			visit(begin, min(begin+xorcode.VectorBits, partEnd))
		}
	}
}

// SequentialErrors is the number of corrections of all planes.
func SequentialErrors(q *xorcode.Sequential) (int, error) {
	errors := 0
	for i := range q.Planes {
		d, err := q.Decoder(i)
		if err != nil {
			return 0, err
		}
		errors += d.Errors(0, d.Parts())
	}
	return errors, nil
}
