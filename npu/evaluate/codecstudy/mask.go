package codecstudy

import (
	"errors"
	"math"

	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// maskStudy is the mask of a tensor in every format that can hold it.
type maskStudy struct {
	factorization *prune.Factorization // of a mask of low rank
	sizes         []MaskSize
	chosen        int // row of sizes; -1 if nothing is pruned
}

var errMask = errors.New("the mask does not decode to itself: this is a fault of the mask codec")

// measure encodes the mask in all formats, checks them by decoding, and chooses.
func (k *maskStudy) measure(keep xorcode.Plane, s *Source, o *Options) error {
	k.chosen = -1
	if keep.Count() == keep.Len() {
		return nil
	}
	add := func(f weightmask.Format, stream []byte, err error) error {
		if err != nil {
			return err
		}
		opened, err := weightmask.Open(stream)
		if err != nil {
			return err
		}
		decoded, err := opened.Decode()
		if err != nil {
			return err
		}
		for i, w := range decoded.Words {
			if w != keep.Words[i] {
				return errMask
			}
		}
		k.sizes = append(k.sizes, MaskSize{f.String(), int64(len(stream)), 8 * float64(len(stream)) / float64(keep.Len())})
		return nil
	}
	raw, err := prune.EncodeRaw(keep, s.Rows, s.Cols)
	if err := add(weightmask.Raw, raw, err); err != nil {
		return err
	}
	runs, err := prune.EncodeRunLength(keep, s.Rows, s.Cols, prune.BlockWeights)
	if err := add(weightmask.RunLength, runs, err); err != nil {
		return err
	}
	switch o.Mask {
	case RawMask:
		k.chosen = 0
	case RunLengthMask:
		k.chosen = 1
	case LowRankMask:
		k.chosen = 2
		return add(weightmask.LowRank, k.factorization.Stream, nil)
	default:
		k.chosen = 0
		if k.sizes[1].Bytes < k.sizes[0].Bytes {
			k.chosen = 1
		}
	}
	return nil
}

// entropy is that of a mask that prunes each weight with a probability, in bits
// a weight.
func entropy(sparsity float64) float64 {
	if sparsity <= 0 || sparsity >= 1 {
		return 0
	}
	return -sparsity*math.Log2(sparsity) - (1-sparsity)*math.Log2(1-sparsity)
}
