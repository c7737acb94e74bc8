package codecstudy

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/xorcode"
)

// UsageError is an error of the arguments of a study, not of its work.
type UsageError struct{ error }

func (e *UsageError) Unwrap() error { return e.error }

// Run studies a source with one set of options. What the two ask for that is
// not possible is a *UsageError.
func Run(ctx context.Context, s *Source, o Options) (*Result, error) {
	began := time.Now()
	if err := o.Check(); err != nil {
		return nil, &UsageError{err}
	}
	r := &Result{Codec: o.Codec.String(), Source: s.Name, Shape: s.Shape, Weights: int64(s.Weights()), Seed: o.Seed, Networks: o.Networks,
		Inputs: o.Inputs, Outputs: o.Outputs, Registers: o.Registers, Exact: o.Exact, MaskFormat: "none"}
	r.Host.Workers = o.workers()
	var err error
	if o.Codec == Fractional {
		err = r.fractional(ctx, s, &o)
	} else {
		err = r.lossless(ctx, s, &o)
	}
	if err != nil {
		return nil, err
	}
	r.finish()
	r.Host.WallSeconds = time.Since(began).Seconds()
	return r, nil
}

// lossless studies the block or the sequential code.
func (r *Result) lossless(ctx context.Context, s *Source, o *Options) error {
	m, err := prepare(s, o)
	if err != nil {
		return &UsageError{err}
	}
	if err := m.mask.measure(m.keep, s, o); err != nil {
		return err
	}
	r.Planes, r.Material, r.Notes = len(m.targets), m.what, m.notes
	r.CareBits = int64(codec.CareBits(m.targets))
	r.Sparsity = 1 - float64(m.keep.Count())/float64(m.keep.Len())
	if m.ints != nil {
		r.Representation = m.representation.String()
	}
	r.mask(m)

	began := time.Now()
	if o.Outputs == 0 {
		r.Searched = true
		if o.Outputs, err = searchOutputs(ctx, m.targets, o); err != nil {
			return err
		}
		r.Outputs = o.Outputs
	}
	network, seed, err := choose(ctx, m.targets, o.Outputs, o)
	if err != nil {
		return err
	}
	r.NetworkSeed = seed
	r.Host.ChooseSeconds = time.Since(began).Seconds()
	return r.encode(ctx, m, network, seed, o)
}

// mask reports the mask.
func (r *Result) mask(m *material) {
	r.MaskEntropy = entropy(r.Sparsity)
	r.MaskSizes = m.mask.sizes
	if m.mask.chosen >= 0 {
		r.MaskFormat = r.MaskSizes[m.mask.chosen].Format
		r.BitsPerWeight.Mask = r.MaskSizes[m.mask.chosen].BitsPerWeight
	}
	if f := m.mask.factorization; f != nil {
		r.LowRank = &LowRank{f.Shape.TileRows, f.Shape.TileCols, f.Shape.Rank, f.KeptShare, f.Unstructured}
	}
}

// stream is a coded tensor.
type stream interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	Decode(plane int) (xorcode.Plane, error)
	Sizes() xorcode.Sizes
	Slices() int
}

// encode encodes all planes, and decodes and checks them.
func (r *Result) encode(ctx context.Context, m *material, network *xorcode.Network, seed uint64, o *Options) error {
	began := time.Now()
	var coded, read stream // as encoded, and as read back
	var errs int
	switch o.Codec {
	case Block:
		b, err := encodeBlock(ctx, m.targets, network, seed, o)
		if err != nil {
			return err
		}
		errs, coded, read = b.Patches(), b, new(xorcode.Block)
	default:
		q, err := encodeSequential(ctx, m.targets, network, seed, o)
		if err != nil {
			return err
		}
		if errs, err = codec.SequentialErrors(q); err != nil {
			return err
		}
		coded, read, r.PartSlices = q, new(xorcode.Sequential), q.PartSlices
	}
	bits := float64(r.Weights) * float64(r.Planes)
	r.Host.EncodeSeconds = time.Since(began).Seconds()
	r.EncodeRate = bits / r.Host.EncodeSeconds
	r.Corrections, r.Slices = int64(errs), int64(coded.Slices())
	r.Efficiency = codec.Efficiency(int(r.CareBits), errs)

	sizes, b, n := coded.Sizes(), &r.BitsPerWeight, int(r.Weights)
	b.Code = sizes.Codes.PerWeight(n)
	b.Patch = (sizes.PatchCounts + sizes.PatchPositions).PerWeight(n)
	b.Correction = sizes.Corrections.PerWeight(n)

	data, err := coded.MarshalBinary()
	if err != nil {
		return err
	}
	r.StreamBytes = int64(len(data))
	if err := read.UnmarshalBinary(data); err != nil {
		return fmt.Errorf("the stream cannot be read back: %w", err)
	}
	if err := m.check(read); err != nil {
		return err
	}
	r.Lossless = true
	return r.measureDecoding(ctx, bits, func() error {
		for k := range m.targets {
			if _, err := read.Decode(k); err != nil {
				return err
			}
		}
		return nil
	})
}

var errLossy = errors.New("the code does not decode to its weights: this is a fault of the codec")

// check decodes all planes and compares care bits and weights.
func (m *material) check(coded stream) error {
	planes := make([]xorcode.Plane, len(m.targets))
	for k, t := range m.targets {
		var err error
		if planes[k], err = coded.Decode(k); err != nil {
			return err
		}
		if err := codec.Verify(t, planes[k]); err != nil {
			return fmt.Errorf("%w: plane %d: %w", errLossy, k, err)
		}
	}
	if m.ints == nil {
		return nil
	}
	decoded := make([]int8, len(m.ints))
	if err := bitplane.Assemble(decoded, planes, m.keep, m.representation); err != nil {
		return err
	}
	if !slices.Equal(decoded, m.ints) {
		return errLossy
	}
	return nil
}

// leastDecoding is how long decoding is repeated, so that the clock can tell
// its rate.
const leastDecoding = 20 * time.Millisecond

// measureDecoding takes the rate of decoding so many plane bits.
func (r *Result) measureDecoding(ctx context.Context, bits float64, decode func() error) error {
	began, times := time.Now(), 0
	for times == 0 || time.Since(began) < leastDecoding {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := decode(); err != nil {
			return err
		}
		times++
	}
	r.Host.DecodeSeconds = time.Since(began).Seconds() / float64(times)
	r.DecodeRate = bits / r.Host.DecodeSeconds
	return nil
}
