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
	n := workingBytes(&t.Window, t.InputChannels, t.OutputChannels)
	return n + 2*int(t.Planes)*int(t.OutputChannels)*t.Keys() + 2*t.ScaleBytes()
}

// lookup executes a tile of binary codes: for each pixel the tables of some
// sub-vectors are built by dynamic programming and queried by all rows and
// planes, and the sums of each group are scaled.
func (s *State) lookup(d *isa.Dynamic, t *isa.LookupTile) {
	p := s.newPatches(d, t)
	sums := s.startSums(d, &t.Window, int(t.OutputChannels))
	codes := s.newCodes(d, t)
	mu := int(t.Mu)
	tables := grow(&s.scratch.tables, tablesAtOnce<<mu)
	for pixel := range int(t.OutputRows) * int(t.OutputColumns) {
		p.gather(pixel)
		first := 0
		for g := range t.Groups() {
			for end := t.GroupEnd(g); first < end; {
				n := min(end-first, tablesAtOnce)
				p.build(tables, mu, first, n)
				codes.query(sums.values[pixel*sums.outputs:][:sums.outputs], tables, g, first, n)
				first += n
			}
		}
	}
	s.finishSums(d, &t.Window, &sums)
}

// buildTables executes BuildTables.
func (s *State) buildTables(d *isa.Dynamic, t *isa.LookupTile) {
	p := s.newPatches(d, t)
	keys, shift := t.Keys(), int(s.engine.tableShift)
	for pixel := range int(t.OutputRows) * int(t.OutputColumns) {
		p.gather(pixel)
		p.build(s.tables[(int(d.Offsets[1])+pixel*keys)<<shift:], shift, 0, keys)
	}
}

// queryTables executes QueryTables.
func (s *State) queryTables(d *isa.Dynamic, t *isa.LookupTile) {
	sums := s.startSums(d, &t.Window, int(t.OutputChannels))
	codes := s.newCodes(d, t)
	keys, mu, shift := t.Keys(), int(t.Mu), int(s.engine.tableShift)
	dense := grow(&s.scratch.tables, tablesAtOnce<<mu)
	for pixel := range int(t.OutputRows) * int(t.OutputColumns) {
		first := 0
		for g := range t.Groups() {
			for end := t.GroupEnd(g); first < end; {
				n := min(end-first, tablesAtOnce)
				tables := s.tables[(int(d.Offsets[0])+pixel*keys+first)<<shift:]
				if shift != mu { // only in programs with keys of several widths
					for i := range n {
						copy(dense[i<<mu:(i+1)<<mu], tables[i<<shift:])
					}
					tables = dense
				}
				codes.query(sums.values[pixel*sums.outputs:][:sums.outputs], tables, g, first, n)
				first += n
			}
		}
	}
	s.finishSums(d, &t.Window, &sums)
}

// patches are the inputs of a tile, pixel by pixel in the order of the columns
// of the codes.
type patches struct {
	t       *isa.LookupTile
	patch   []int8
	columns int // of the patch
	inputs  []int16
}

func (s *State) newPatches(d *isa.Dynamic, t *isa.LookupTile) patches {
	p := patches{t: t, patch: s.gatherPatch(int(d.Offsets[0]), &t.Window, 0, int(t.InputChannels))}
	_, p.columns = patchExtent(&t.Window)
	p.inputs = grow(&s.scratch.inputs, t.Keys()*int(t.Mu))
	clear(p.inputs[t.Columns():])
	return p
}

// gather collects the inputs of a pixel: channel, kernel row, kernel column; the
// zero point is subtracted.
func (p *patches) gather(pixel int) {
	t := p.t
	channels := int(t.InputChannels)
	h, w := pixel/int(t.OutputColumns), pixel%int(t.OutputColumns)
	patch := p.patch[(h*int(t.StrideRows)*p.columns+w*int(t.StrideColumns))*channels:]
	cells := int(t.KernelRows) * int(t.KernelColumns)
	zero := int16(t.PadValue)
	for y := range int(t.KernelRows) {
		for x := range int(t.KernelColumns) {
			from := patch[(y*int(t.DilateRows)*p.columns+x*int(t.DilateColumns))*channels:][:channels]
			cell := y*int(t.KernelColumns) + x
			for c, q := range from {
				p.inputs[c*cells+cell] = int16(q) - zero
			}
		}
	}
}

// build makes the tables of n sub-vectors of the pixel, 2^shift entries apart.
func (p *patches) build(tables []int16, shift, first, n int) {
	mu := int(p.t.Mu)
	for i := range n {
		binarycode.BuildTable(tables[i<<shift:i<<shift+1<<mu], p.inputs[(first+i)*mu:(first+i+1)*mu], false)
	}
}

// codes are the keys and scales of a tile.
type codes struct {
	t      *isa.LookupTile
	stored []int8   // keys as they lie in the weight buffer
	keys   []uint16 // unpacked, unless keys are bytes
	scales []int32
}

func (s *State) newCodes(d *isa.Dynamic, t *isa.LookupTile) codes {
	c := codes{t: t, stored: s.buffer[isa.WeightBuffer][d.Offsets[1]:], scales: grow(&s.scratch.scales, t.ScaleBytes()/2)}
	if t.Mu != 8 {
		c.keys = s.unpackKeys(c.stored, t)
	}
	stored := s.buffer[isa.WeightBuffer][d.Offsets[5]:]
	for i := range c.scales {
		c.scales[i] = int32(stored[2*i+1])<<8 | int32(uint8(stored[2*i]))
	}
	return c
}

// query adds to the sums of a pixel what n tables from sub-vector first on, of
// one group, give with the keys of all rows and planes.
func (c *codes) query(sums []int32, tables []int16, group, first, n int) {
	outputs, count := int(c.t.OutputChannels), c.t.Keys()
	for plane := range int(c.t.Planes) {
		from, scales := plane*outputs*count+first, c.scales[(group*int(c.t.Planes)+plane)*outputs:]
		if c.t.Mu == 8 {
			queryBytes(sums, c.stored[from:], count, n, tables, scales)
		} else {
			query(sums, c.keys[from:], count, n, tables, int(c.t.Mu), scales)
		}
	}
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
