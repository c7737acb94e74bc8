package fractionalcode

import (
	"errors"
	"fmt"
	"math"

	"github.com/npusim/npusim/isa/xorcode"
)

// Decoder decodes ranges of slices of a code. It may be used by one goroutine
// at a time; the code must not change.
type Decoder struct {
	code   *Code
	tables []*xorcode.Table
	slice  []uint64 // [plane][word]: the bits of one slice
	words  int      // of a slice
}

// Decoder checks the code and prepares decoding.
func (c *Code) Decoder() (*Decoder, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d := &Decoder{code: c, words: xorcode.Words(c.Outputs())}
	d.slice = make([]uint64, len(c.Planes)*d.words)
	for p := range c.Planes {
		d.tables = append(d.tables, xorcode.NewTable(c.Planes[p].Network.Matrix))
	}
	return d, nil
}

// bits is how many weights slices first..first+count-1 hold.
func (d *Decoder) bits(first, count int) int {
	outputs := d.code.Outputs()
	return min(count*outputs, d.code.Weights-first*outputs)
}

// Plane writes the bits of slices first..first+count-1 of a plane, all of them
// slices of the code, to into from bit 0 on, and returns how many bits that is:
// count times n_out, less at the end of the plane. Into needs the words for
// them and is overwritten; bits past them are zero. It allocates nothing.
func (d *Decoder) Plane(plane, first, count int, into []uint64) int {
	inputs, outputs := d.code.Inputs(), d.code.Outputs()
	codes, table := &d.code.Planes[plane].Codes, d.tables[plane]
	total := d.bits(first, count)
	into = into[:xorcode.Words(total)]
	slice := d.slice[:d.words]
	var word uint64 // the bits of into from at on, at = 64*next + used
	next, used := 0, 0
	for k := first; k < first+count; k++ {
		table.Apply(codes.At(xorcode.Bits(k)*xorcode.Bits(inputs), inputs), slice)
		left := outputs
		for _, v := range slice {
			n := min(left, 64)
			word |= v << used
			if used+n >= 64 {
				if next < len(into) {
					into[next] = word
				}
				next++
				word = v >> 1 >> (63 - used)
			}
			used = (used + n) & 63
			left -= n
		}
	}
	if next < len(into) {
		into[next] = word
	}
	if total&63 != 0 {
		into[len(into)-1] &= 1<<(total&63) - 1
	}
	return total
}

// load decodes a slice of all planes.
func (d *Decoder) load(slice int) {
	inputs := d.code.Inputs()
	for p, table := range d.tables {
		table.Apply(d.code.Planes[p].Codes.At(xorcode.Bits(slice)*xorcode.Bits(inputs), inputs), d.slice[p*d.words:][:d.words])
	}
}

// run is how many weights from weight i on, up to weight end, lie in the same
// word of a slice and have one channel (channel-major) or rising ones
// (channel-minor), and the channel of the first.
func (d *Decoder) run(i, end int) (count, channel int) {
	outputs := d.code.Outputs()
	place := i % outputs
	count = min(end-i, outputs-place, 64-place&63)
	if d.code.Order == ChannelMinor {
		channel = i % d.code.Channels
		return min(count, d.code.Channels-channel), channel
	}
	rest := d.code.Weights / d.code.Channels
	channel = i / rest
	return min(count, (channel+1)*rest-i), channel
}

// signs gives the bits of a plane from weight i on, whose slice is loaded.
func (d *Decoder) signs(plane, i int) uint64 {
	place := i % d.code.Outputs()
	return d.slice[plane*d.words+place>>6] >> (place & 63)
}

// runs decodes slices first..first+count-1, all of them slices of the code, and
// hands on their weights run by run, by number from the first of them. It
// returns their number.
func (d *Decoder) runs(first, count int, each func(from, n, i, channel int)) int {
	outputs, total := d.code.Outputs(), d.bits(first, count)
	from := first * outputs
	for i := from; i < from+total; {
		if i%outputs == 0 {
			d.load(i / outputs)
		}
		n, channel := d.run(i, from+total)
		each(i-from, n, i, channel)
		i += n
	}
	return total
}

// Floats writes the weights of slices first..first+count-1, all of them slices
// of the code, in the order of the code, and returns their number. A weight is
// the sum of its scaled signs from plane 0 up, each step rounded to float32. It
// needs as many elements in into and allocates nothing.
func (d *Decoder) Floats(first, count int, into []float32) int {
	return d.runs(first, count, func(from, n, i, channel int) {
		own := into[from:][:n]
		clear(own)
		for p := range d.code.Planes {
			signs, scales := d.signs(p, i), d.code.Planes[p].Scales[channel:]
			if d.code.Order == ChannelMinor {
				for k, a := range scales[:n] {
					own[k] += withSign(a, signs>>k)
				}
				continue
			}
			for k := range own {
				own[k] += withSign(scales[0], signs>>k)
			}
		}
	})
}

// withSign is a if the lowest bit of signs is set, else -a.
func withSign(a float32, signs uint64) float32 {
	return math.Float32frombits(math.Float32bits(a) ^ uint32(^signs&1)<<31)
}

// Integers writes the int8 weights of slices first..first+count-1 as Floats
// writes the real ones. The code must have an integer form.
func (d *Decoder) Integers(first, count int, into []int8) int {
	return d.runs(first, count, func(from, n, i, channel int) {
		own := into[from:][:n]
		clear(own)
		for p := range d.code.Planes {
			signs, scales := d.signs(p, i), d.code.Integer.Scales[p*d.code.Channels+channel:]
			if d.code.Order == ChannelMinor {
				for k, a := range scales[:n] {
					flip := int8(signs>>k&1) - 1 // 0, or -1 to negate
					own[k] += a ^ flip - flip
				}
				continue
			}
			for k := range own {
				flip := int8(signs>>k&1) - 1
				own[k] += scales[0] ^ flip - flip
			}
		}
	})
}

// Plane decodes all bits of a plane.
func (c *Code) Plane(plane int) (xorcode.Plane, error) {
	d, err := c.Decoder()
	if err != nil {
		return xorcode.Plane{}, err
	}
	if plane < 0 || plane >= len(c.Planes) {
		return xorcode.Plane{}, fmt.Errorf("xor-fractional: plane %d of %d", plane, len(c.Planes))
	}
	out := xorcode.NewPlane(c.Weights)
	d.Plane(plane, 0, c.Slices(), out.Words)
	return out, nil
}

// Floats decodes all weights, in the order of the code.
func (c *Code) Floats() ([]float32, error) {
	d, err := c.Decoder()
	if err != nil {
		return nil, err
	}
	out := make([]float32, c.Weights)
	d.Floats(0, c.Slices(), out)
	return out, nil
}

// Integers decodes all int8 weights, in the order of the code.
func (c *Code) Integers() ([]int8, error) {
	if c.Integer == nil {
		return nil, errors.New("xor-fractional: the code has no integer form")
	}
	d, err := c.Decoder()
	if err != nil {
		return nil, err
	}
	out := make([]int8, c.Weights)
	d.Integers(0, c.Slices(), out)
	return out, nil
}
