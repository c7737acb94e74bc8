package functional

import (
	"encoding/binary"
	"unsafe"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/binarycode"
)

// tablesAtOnce is the number of tables that are built before they are queried:
// those of 8 inputs then take 16 KiB, which stays in the first cache.
const tablesAtOnce = 32

// lookupBytes is the working memory of a tile: that of a convolution, its keys
// unpacked, and scales.
func lookupBytes(t *isa.LookupTile) int {
	n := workingBytes(t.Convolution())
	return n + 2*int(t.Planes)*int(t.OutputChannels)*t.Keys() + 2*t.ScaleBytes()
}

// lookup executes a tile of binary codes: for each pixel the tables of some
// sub-vectors are built by dynamic programming and queried by all rows and
// planes, and the sums of each group are scaled.
func (s *State) lookup(d *isa.Dynamic, t *isa.LookupTile) {
	c := t.Convolution()
	channels, outputs := int(t.InputChannels), int(t.OutputChannels)
	rows, columns := int(t.OutputRows), int(t.OutputColumns)
	patchRows := reach(rows, int(t.StrideRows), int(t.KernelRows), int(t.DilateRows))
	patchColumns := reach(columns, int(t.StrideColumns), int(t.KernelColumns), int(t.DilateColumns))
	patch := s.gatherPatch(int(d.Offsets[0]), c, 0, channels, patchRows, patchColumns)

	var biases, multipliers []int32
	var shifts []uint8
	if t.First || t.Last {
		biases, multipliers, shifts = s.parameters(int(d.Offsets[2]), outputs, c)
	}
	sums := s.scratch.sums(rows * columns * outputs)
	accumulators := s.accumulator[d.Offsets[3]/4:]
	if t.First {
		for i := 0; i < len(sums); i += outputs {
			copy(sums[i:i+outputs], biases)
		}
	} else {
		copy(sums, accumulators[:len(sums)])
	}

	weights := s.buffer[isa.WeightBuffer][d.Offsets[1]:]
	var keys []uint16
	if t.Mu != 8 {
		keys = s.unpackKeys(weights, t)
	}
	stored := s.buffer[isa.WeightBuffer][d.Offsets[5]:]
	scales := grow(&s.scratch.scales, t.ScaleBytes()/2)
	for i := range scales {
		scales[i] = int32(stored[2*i+1])<<8 | int32(uint8(stored[2*i]))
	}
	mu, count := int(t.Mu), t.Keys()
	inputs := grow(&s.scratch.inputs, count*mu)
	clear(inputs[t.Columns():])
	tables := grow(&s.scratch.tables, tablesAtOnce<<mu)
	for h := range rows {
		for w := range columns {
			origin := (h*int(t.StrideRows)*patchColumns + w*int(t.StrideColumns)) * channels
			gatherInputs(inputs, patch[origin:], t, patchColumns)
			sum := sums[(h*columns+w)*outputs:][:outputs]
			first := 0
			for g := range t.Groups() {
				for end := t.GroupEnd(g); first < end; {
					n := min(end-first, tablesAtOnce)
					for i := range n {
						binarycode.BuildTable(tables[i<<mu:(i+1)<<mu], inputs[(first+i)*mu:(first+i+1)*mu], false)
					}
					for plane := range int(t.Planes) {
						from, scale := plane*outputs*count+first, scales[(g*int(t.Planes)+plane)*outputs:]
						if mu == 8 {
							queryBytes(sum, weights[from:], count, n, tables, scale)
						} else {
							query(sum, keys[from:], count, n, tables, mu, scale)
						}
					}
					first += n
				}
			}
		}
	}
	if !t.Last {
		copy(accumulators, sums)
		return
	}
	out := int(d.Offsets[4])
	runs(&t.Output, outputs, func(channel, count int) {
		s.requantize(c, out, channel, count, sums[channel:], outputs, multipliers[channel:], shifts[channel:])
	})
}

// query adds, for each row, its scale times the sum of the entries that n of its
// keys choose. Keys of a row stand stride apart from those of the next.
func query(sums []int32, keys []uint16, stride, n int, tables []int16, mu int, scales []int32) {
	for r := range sums {
		var s int32
		for i, key := range keys[r*stride:][:n] {
			s += int32(tables[i<<mu|int(key)])
		}
		sums[r] += scales[r] * s
	}
}

// tablesABreath is the number of tables of which queryBytes takes an entry each
// with one load of keys.
const tablesABreath = 8

// queryBytes is query for keys of 8 bits, which lie in the weight buffer as they
// are queried.
func queryBytes(sums []int32, keys []int8, stride, n int, tables []int16, scales []int32) {
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(keys))), len(keys))
	first := 0
	for ; first+tablesABreath <= n; first += tablesABreath {
		t := (*[tablesABreath << 8]int16)(tables[first<<8:])
		at := first
		for r := range sums {
			k := binary.LittleEndian.Uint64(bytes[at : at+tablesABreath])
			at += stride
			s := int32(t[uint8(k)]) + int32(t[1<<8+int(uint8(k>>8))]) + int32(t[2<<8+int(uint8(k>>16))]) + int32(t[3<<8+int(uint8(k>>24))]) +
				int32(t[4<<8+int(uint8(k>>32))]) + int32(t[5<<8+int(uint8(k>>40))]) + int32(t[6<<8+int(uint8(k>>48))]) + int32(t[7<<8+int(k>>56)])
			sums[r] += scales[r] * s
		}
	}
	if first == n {
		return
	}
	for r := range sums {
		var s int32
		for i, key := range bytes[r*stride+first:][:n-first] {
			s += int32(tables[(first+i)<<8|int(key)])
		}
		sums[r] += scales[r] * s
	}
}

// gatherInputs collects the inputs of a pixel in the order of the columns:
// channel, kernel row, kernel column; the zero point is subtracted.
func gatherInputs(to []int16, patch []int8, t *isa.LookupTile, patchColumns int) {
	channels := int(t.InputChannels)
	kernelRows, kernelColumns := int(t.KernelRows), int(t.KernelColumns)
	cells := kernelRows * kernelColumns
	zero := int16(t.PadValue)
	for y := range kernelRows {
		for x := range kernelColumns {
			from := patch[(y*int(t.DilateRows)*patchColumns+x*int(t.DilateColumns))*channels:][:channels]
			cell := y*kernelColumns + x
			for c, q := range from {
				to[c*cells+cell] = int16(q) - zero
			}
		}
	}
}

// unpackKeys spreads the keys of all planes: plane, row, sub-vector.
func (s *State) unpackKeys(weights []int8, t *isa.LookupTile) []uint16 {
	mu, perPlane := uint(t.Mu), int(t.OutputChannels)*t.Keys()
	keys := grow(&s.scratch.keys, int(t.Planes)*perPlane)
	for plane := range int(t.Planes) {
		from := weights[plane*t.PlaneBytes():][:t.PlaneBytes()]
		to := keys[plane*perPlane:][:perPlane]
		var word uint32
		held, next := uint(0), 0
		for i := range to {
			for held < mu {
				word |= uint32(uint8(from[next])) << held
				held += 8
				next++
			}
			to[i] = uint16(word & (1<<mu - 1))
			word >>= mu
			held -= mu
		}
	}
	return keys
}
