package prune

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// BlockWeights is a good size of blocks: the 5 bytes of each cost 0.0024 bits a
// weight.
const BlockWeights = 1 << 14

// EncodeRaw codes a mask of rows x cols weights as one bit a weight.
func EncodeRaw(mask xorcode.Plane, rows, cols int) ([]byte, error) {
	h, err := exactHeader(weightmask.Raw, mask, rows, cols, BlockWeights)
	if err != nil {
		return nil, err
	}
	var out bitWriter
	writeRaw(&out, mask, 0, mask.Len())
	return weightmask.Seal(h, out.close())
}

// EncodeRunLength codes a mask as runs, each block with the Rice parameter and
// the kind of runs that make it smallest, or raw.
func EncodeRunLength(mask xorcode.Plane, rows, cols, blockWeights int) ([]byte, error) {
	h, err := exactHeader(weightmask.RunLength, mask, rows, cols, blockWeights)
	if err != nil {
		return nil, err
	}
	var index []byte
	var out bitWriter
	for from := 0; from < mask.Len(); from += blockWeights {
		index = binary.LittleEndian.AppendUint32(index, uint32(len(out.close())))
		writeBlock(&out, mask, from, min(from+blockWeights, mask.Len()))
	}
	return weightmask.Seal(h, append(index, out.close()...))
}

// EncodeSmaller is the smaller of the two exact formats, raw where they are
// equal.
func EncodeSmaller(mask xorcode.Plane, rows, cols int) ([]byte, error) {
	raw, err := EncodeRaw(mask, rows, cols)
	if err != nil {
		return nil, err
	}
	runs, err := EncodeRunLength(mask, rows, cols, BlockWeights)
	if err != nil || len(runs) >= len(raw) {
		return raw, err
	}
	return runs, nil
}

func exactHeader(f weightmask.Format, mask xorcode.Plane, rows, cols, blockWeights int) (weightmask.Header, error) {
	h := weightmask.Header{Format: f, Rows: rows, Cols: cols, Kept: mask.Count(), BlockWeights: blockWeights}
	if rows > 0 && cols > 0 && (mask.Len()%rows != 0 || mask.Len()/rows != cols) {
		return h, fmt.Errorf("prune: a mask of %d bits for %d x %d weights", mask.Len(), rows, cols)
	}
	return h, h.Check()
}

func writeRaw(out *bitWriter, mask xorcode.Plane, from, to int) {
	for at := from; at < to; at += 64 {
		n := min(64, to-at)
		out.write(mask.Bits(at, n), n)
	}
}

// writeBlock appends the smallest form of a block. The writer stands at a whole
// byte.
func writeBlock(out *bitWriter, mask xorcode.Plane, from, to int) {
	size, k, kept := weightmask.RawBytes(to-from), -1, false
	for _, kind := range [2]bool{false, true} {
		total := riceBits(mask, from, to, kind)
		for parameter, n := range total {
			if bytes := (n + 7) / 8; bytes < size {
				size, k, kept = bytes, parameter, kind
			}
		}
	}
	if k < 0 {
		out.write(weightmask.RawBlock, 8)
		writeRaw(out, mask, from, to)
		out.close()
		return
	}
	tag := uint64(k)
	if kept {
		tag |= weightmask.RunsOfKept
	}
	out.write(tag, 8)
	eachRun(mask, from, to, kept, func(run int) {
		out.zeros(run >> k)
		out.write(uint64(run)<<1&(2<<k-1)|1, k+1)
	})
	out.close()
}

// riceBits is the size of a block's runs for every Rice parameter.
func riceBits(mask xorcode.Plane, from, to int, kept bool) (total [weightmask.MaxRice + 1]int) {
	runs := 0
	eachRun(mask, from, to, kept, func(run int) {
		runs++
		for k := range total {
			total[k] += run >> k
		}
	})
	for k := range total {
		total[k] += runs * (k + 1)
	}
	return total
}

// eachRun calls f with the length of every run of pruned (or of kept) weights,
// as the format cuts them: a run ends before a weight of the other kind, which
// belongs to it, or with the block.
func eachRun(mask xorcode.Plane, from, to int, kept bool, f func(run int)) {
	start := from
	for at := from; at < to; at += 64 {
		n := min(64, to-at)
		other := mask.Bits(at, n)
		if kept {
			other = ^other & (^uint64(0) >> (64 - n))
		}
		for ; other != 0; other &= other - 1 {
			end := at + bits.TrailingZeros64(other)
			f(end - start)
			start = end + 1
		}
	}
	if start < to {
		f(to - start)
	}
}
