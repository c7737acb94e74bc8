package xorcode

import "fmt"

// SequentialDecoder decodes ranges of parts of one plane. It may be used by one
// goroutine at a time.
type SequentialDecoder struct {
	table      *Table
	symbolBits int
	registers  int
	outputs    int
	weights    int
	partSlices int // at least 1
	plane      *SequentialPlane
	parts      []Bits   // where the corrections of each part begin, and their end
	slice      []uint64 // outputs of one slice
}

// decoder checks the streams of a plane, whose parameters are checked, and
// finds where the corrections of its parts begin: one pass over them, 8 bytes a
// part. Without a table it cannot decode.
func (q *Sequential) decoder(table *Table, plane int) (*SequentialDecoder, error) {
	d := &SequentialDecoder{table: table, symbolBits: q.SymbolBits, registers: q.Registers, outputs: q.Network.Outputs,
		weights: q.Weights, partSlices: q.PartSlices, plane: &q.Planes[plane], slice: make([]uint64, Words(q.Network.Outputs))}
	slices := q.Slices()
	if d.partSlices == 0 || d.partSlices > slices {
		d.partSlices = max(slices, 1)
	}
	if err := d.plane.Codes.Validate(); err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	if want := Bits(slices * d.symbolBits); d.plane.Codes.Length != want {
		return nil, fmt.Errorf("codes: %d bits, %d slices of n_in = %d have %d", d.plane.Codes.Length, slices, d.symbolBits, want)
	}
	if err := d.plane.Corrections.Validate(); err != nil {
		return nil, fmt.Errorf("corrections: %w", err)
	}
	if err := d.walk(slicesOf(slices, d.partSlices)); err != nil {
		return nil, fmt.Errorf("corrections: %w", err)
	}
	return d, nil
}

// walk checks all corrections and notes where those of each part begin.
func (d *SequentialDecoder) walk(parts int) error {
	d.parts = make([]Bits, 0, parts+1)
	at := Bits(0)
	for part := range parts {
		d.parts = append(d.parts, at)
		length := d.partBits(part)
		for vector := 0; vector < length; vector += VectorBits {
			end, err := d.checkVector(at, min(VectorBits, length-vector))
			if err != nil {
				return fmt.Errorf("part %d: vector %d: %w", part, vector/VectorBits, err)
			}
			at = end
		}
	}
	if d.parts = append(d.parts, at); at != d.plane.Corrections.Length {
		return fmt.Errorf("%d bits, the plane has %d", d.plane.Corrections.Length, at)
	}
	return nil
}

// checkVector checks the corrections from bit at on of a vector of the given
// length and finds their end.
func (d *SequentialDecoder) checkVector(at Bits, length int) (Bits, error) {
	stream := &d.plane.Corrections
	last := -1
	for stream.At(at, 1) != 0 {
		position := int(stream.At(at+1, vectorPositionBits))
		if at += correctionBits; at >= stream.Length {
			break
		}
		if position <= last || position >= length {
			return 0, fmt.Errorf("bit %d after bit %d of %d", position, last, length)
		}
		last = position
	}
	if at >= stream.Length {
		return 0, fmt.Errorf("cut off at bit %d", stream.Length)
	}
	return at + 1, nil
}

// partBits is the number of bits of a part.
func (d *SequentialDecoder) partBits(part int) int {
	return min(d.partSlices*d.outputs, d.weights-part*d.partSlices*d.outputs)
}

// Parts is the number of parts of the plane.
func (d *SequentialDecoder) Parts() int { return len(d.parts) - 1 }

// PartSlices is the number of slices of every part but the last, which may
// have fewer.
func (d *SequentialDecoder) PartSlices() int { return d.partSlices }

// Corrections is where the corrections of a part begin, a bit of
// SequentialPlane.Corrections: what a tile that starts there has to be told. It
// takes 0..Parts, where Parts gives the end.
func (d *SequentialDecoder) Corrections(part int) Bits { return d.parts[part] }

// Errors is the number of corrections of parts first..first+count-1, all of
// them parts of the plane.
func (d *SequentialDecoder) Errors(first, count int) int {
	vectors := 0
	for part := first; part < first+count; part++ {
		vectors += slicesOf(d.partBits(part), VectorBits)
	}
	return (int(d.parts[first+count]-d.parts[first]) - vectors) / correctionBits
}

// Decode writes the bits of parts first..first+count-1, all of them parts of
// the plane, to into from bit 0 on and returns how many bits that is. Into
// needs the words for them and is overwritten. It allocates nothing.
func (d *SequentialDecoder) Decode(first, count int, into []uint64) int {
	begin := first * d.partSlices * d.outputs
	total := min(count*d.partSlices*d.outputs, d.weights-begin)
	if count == 0 || total <= 0 {
		return 0
	}
	into = into[:Words(total)]
	clear(into)
	for part, at := first, 0; part < first+count; part++ {
		length := d.partBits(part)
		d.codes(part, length, into, at)
		at += length
	}
	if d.plane.Inverted {
		for i := range into {
			into[i] = ^into[i]
		}
		if total%64 != 0 {
			into[len(into)-1] &= lowMask(total % 64)
		}
	}
	for part, at := first, 0; part < first+count; part++ {
		length := d.partBits(part)
		d.correct(part, length, into, at)
		at += length
	}
	return total
}

// codes writes the outputs of the network for the codes of a part of length
// bits to into from bit at on.
func (d *SequentialDecoder) codes(part, length int, into []uint64, at int) {
	code := Bits(part * d.partSlices * d.symbolBits)
	register := uint64(0) // the present code and those before, as the network taps them
	inputs := lowMask(d.symbolBits * (d.registers + 1))
	for out := 0; out < length; out += d.outputs {
		register = (register<<d.symbolBits | d.plane.Codes.At(code, d.symbolBits)) & inputs
		d.table.Apply(register, d.slice)
		place(d.slice, min(d.outputs, length-out), into, at+out)
		code += Bits(d.symbolBits)
	}
}

// correct flips the bits of a part, at bit at of into, that its corrections
// list.
func (d *SequentialDecoder) correct(part, length int, into []uint64, at int) {
	stream := &d.plane.Corrections
	bit := d.parts[part]
	for vector := 0; vector < length; vector += VectorBits {
		for stream.At(bit, 1) != 0 {
			flip := at + vector + int(stream.At(bit+1, vectorPositionBits))
			into[flip>>6] ^= 1 << (flip & 63)
			bit += correctionBits
		}
		bit++
	}
}
