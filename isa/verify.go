package isa

import (
	"fmt"
	"strings"

	"github.com/npusim/npusim/isa/fixed"
)

// Limits are the capacities of a core's scratchpads in bytes.
type Limits struct {
	Activation, Weight, Accumulator uint64 // bytes
	Tables                          uint64 // of the LUT-GEMM unit, those that are queried and those that are built
}

// Fault is one rule that a program breaks.
type Fault struct {
	Unit        Unit // InvalidUnit if the fault is not in code
	Instruction int  // index in the code section, -1 if it is not about one
	Rule        string
}

func (f Fault) String() string {
	switch {
	case f.Unit == InvalidUnit:
		return f.Rule
	case f.Instruction < 0:
		return fmt.Sprintf("unit %s: %s", f.Unit, f.Rule)
	}
	return fmt.Sprintf("unit %s, instruction %d: %s", f.Unit, f.Instruction, f.Rule)
}

// MaxFaults bounds the list of a VerifyError.
const MaxFaults = 20

// VerifyError lists what is wrong with a program.
type VerifyError struct {
	Program string
	Faults  []Fault
	More    bool // the list was cut at MaxFaults
}

func (e *VerifyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "program %q is not valid:", e.Program)
	for _, f := range e.Faults {
		b.WriteString("\n\t")
		b.WriteString(f.String())
	}
	if e.More {
		b.WriteString("\n\tmore faults follow")
	}
	return b.String()
}

// Verify proves on the program alone, whatever the timing, that it can run:
// the tables are consistent, code has the form the instruction table states,
// loops are bounded, no queue waits for ever, semaphores end with the credits
// they started with, every access stays inside its space, look-up tables are
// queried only after they were built for keys of that width, and no two accesses
// of different queues to the same bytes, at least one a write, are unordered.
// Accesses are compared as StridedSets, which may hold more bytes than are
// touched. The error is a *VerifyError with the faults found; ordering is
// only examined in code that passes the other checks.
func Verify(p *Program, limits Limits) error {
	v := &verifier{p: p, limits: limits}
	v.tables()
	v.bindings()
	for u := range NumUnits {
		v.code(Unit(u))
	}
	if len(v.faults) == 0 {
		v.order()
	}
	if len(v.faults) > 0 {
		return &VerifyError{p.Name, v.faults, v.more}
	}
	return nil
}

type verifier struct {
	p       *Program
	limits  Limits
	streams [NumUnits]*Stream
	touched [NumUnits][][]Access // per static instruction, for offsets of 0
	faults  []Fault
	more    bool
}

func (v *verifier) fail(u Unit, instruction int, format string, arguments ...any) {
	if len(v.faults) == MaxFaults {
		v.more = true
		return
	}
	v.faults = append(v.faults, Fault{u, instruction, fmt.Sprintf(format, arguments...)})
}

func (v *verifier) failTable(format string, arguments ...any) {
	v.fail(InvalidUnit, -1, format, arguments...)
}

// capacity is the size of a space in bytes.
func (v *verifier) capacity(s Space) uint64 {
	switch s {
	case ActivationBuffer:
		return v.limits.Activation
	case WeightBuffer:
		return v.limits.Weight
	case AccumulatorBuffer:
		return v.limits.Accumulator
	case TableBuffer:
		return v.limits.Tables
	}
	return v.p.RegionBytes[s]
}

// tables checks everything outside code and bindings.
func (v *verifier) tables() {
	p := v.p
	for s := range Space(NumSpaces) {
		switch {
		case !s.IsDRAM() && p.RegionBytes[s] != 0:
			v.failTable("%s is no region of DRAM, yet it has %d bytes of region", s, p.RegionBytes[s])
		case p.RegionBytes[s] > addressLimit:
			v.failTable("region %s of %d bytes does not fit %d address bits", s, p.RegionBytes[s], addressBits)
		case (s.IsDRAM() || s == InvalidSpace) && p.Buffers[s] != 0:
			v.failTable("%s is no scratchpad, yet it has a peak of %d bytes", s, p.Buffers[s])
		case !s.IsDRAM() && s != InvalidSpace && p.Buffers[s] > v.capacity(s):
			v.failTable("the peak of %d bytes in %s exceeds its capacity of %d", p.Buffers[s], s, v.capacity(s))
		}
	}
	if p.ShapeOnly {
		if len(p.Constants) > 0 {
			v.failTable("a program of layer shapes alone has %d bytes of constants", len(p.Constants))
		}
	} else if uint64(len(p.Constants)) != p.RegionBytes[Weights] {
		v.failTable("the constants have %d bytes, region %s has %d", len(p.Constants), Weights, p.RegionBytes[Weights])
	}
	if !validEnum(roundingNames[:], uint64(p.Rounding)) {
		v.failTable("rounding is %d, must name %s", uint8(p.Rounding), enumList(roundingNames[:]))
	}
	if len(p.Semaphores) > MaxSemaphores {
		v.failTable("%d semaphores, the machine has %d", len(p.Semaphores), MaxSemaphores)
	}
	for i := range p.Semaphores {
		s := &p.Semaphores[i]
		if err := checkSemaphore(s); err != nil {
			v.failTable("s%d: %v", i, err)
		} else if s.Signaller == s.Waiter {
			v.failTable("s%d: unit %s both signals and waits", i, s.Waiter)
		}
	}
	for i, d := range p.Descriptors {
		if d == nil {
			v.failTable("d%d is missing", i)
		} else if err := d.Validate(); err != nil {
			v.failTable("d%d: %s: %v", i, d.Kind(), err)
		} else if d.LayerIndex() >= len(p.Layers) {
			v.failTable("d%d: layer is %d, the layer table has %d rows", i, d.LayerIndex(), len(p.Layers))
		} else if t, is := d.(*EncodedWeights); is {
			if err := t.fits(p.Networks); err != nil {
				v.failTable("d%d: %s: %v", i, d.Kind(), err)
			}
		} else if t, is := d.(*SealedKeys); is {
			if err := t.fits(p.Networks); err != nil {
				v.failTable("d%d: %s: %v", i, d.Kind(), err)
			}
		}
	}
	for i, n := range p.Networks {
		if n == nil {
			v.failTable("x%d is missing", i)
		} else if err := n.Validate(); err != nil {
			v.failTable("x%d: %v", i, err)
		}
	}
	for i := range p.Layers {
		l := &p.Layers[i]
		if int(l.Tensor) >= len(p.Tensors) {
			v.failTable("layer %d (%s): tensor is %d, the tensor table has %d rows", i, l.Name, l.Tensor, len(p.Tensors))
		}
		if l.MACs < 0 {
			v.failTable("layer %d (%s): %d multiply-accumulates", i, l.Name, l.MACs)
		}
	}
	for i := range p.Tensors {
		t := &p.Tensors[i]
		var r rules
		r.positive("channels", uint64(t.Channels))
		r.positive("rows", uint64(t.Rows))
		r.positive("columns", uint64(t.Columns))
		r.span("channels x rows x columns", uint64(t.Channels), uint64(t.Rows), uint64(t.Columns))
		r.require(t.Bits >= 2 && t.Bits <= 8, "bits is %d, must be 2 to 8", t.Bits)
		r.require(t.Scale > 0, "scale is %g, must be positive", t.Scale)
		if r.err == nil {
			low, high := fixed.Range(t.Bits)
			r.require(t.Zero >= low && t.Zero <= high, "zero is %d, must be %d to %d for %d bits", t.Zero, low, high, t.Bits)
		}
		if r.err == nil {
			r.err = checkScale(t.Scale)
		}
		if r.err != nil {
			v.failTable("tensor %d (%s): %v", i, t.Name, r.err)
		}
	}
}

// bindings checks that inputs and outputs lie inside their regions.
func (v *verifier) bindings() {
	for k, list := range [2][]Binding{v.p.Inputs, v.p.Outputs} {
		what := [2]string{"input", "output"}[k]
		for i := range list {
			if err := v.binding(&list[i]); err != nil {
				v.failTable("%s %d: %v", what, i, err)
			}
		}
	}
}

func (v *verifier) binding(b *Binding) error {
	var r rules
	r.require(int(b.Tensor) < len(v.p.Tensors), "tensor is %d, the tensor table has %d rows", b.Tensor, len(v.p.Tensors))
	r.require(b.Space.IsDRAM(), "space is %s, which is no region of DRAM", b.Space)
	r.positive("block", uint64(b.Block))
	r.require(b.Offset < addressLimit, "offset %#x does not fit %d bits", b.Offset, addressBits)
	elements := uint64(1)
	for i, extent := range b.Shape {
		r.require(extent >= 1, "shape[%d] is %d, must be at least 1", i, extent)
		r.span("the product of shape", elements, uint64(max(extent, 1)))
		elements *= uint64(extent)
	}
	if r.err != nil {
		return r.err
	}
	t := &v.p.Tensors[b.Tensor]
	channels, rows, columns := uint64(t.Channels), uint64(t.Rows), uint64(t.Columns)
	r.require(elements == channels*rows*columns, "shape %v has %d elements, tensor %s has %d", b.Shape, elements, t.Name, channels*rows*columns)
	blocks := (channels + uint64(b.Block) - 1) / uint64(b.Block)
	pixel := uint64(PackedBytes(min(int(b.Block), int(t.Channels)), int(t.Bits)))
	r.require(uint64(b.PixelBytes) >= pixel || columns <= 1, "pixel_bytes is %d, a pixel takes %d", b.PixelBytes, pixel)
	r.span("blocks x block_stride", blocks, uint64(b.BlockStride))
	r.span("rows x row_stride", rows, uint64(b.RowStride))
	r.span("columns x pixel_bytes", columns, uint64(b.PixelBytes))
	if r.err != nil || channels*rows*columns == 0 { // an empty tensor is a fault of its own
		return r.err
	}
	end := b.Offset + (blocks-1)*uint64(b.BlockStride) + (rows-1)*uint64(b.RowStride) + (columns-1)*uint64(b.PixelBytes) + pixel
	r.require(end <= v.p.RegionBytes[b.Space], "tensor %s ends at byte %d, region %s has %d", t.Name, end, b.Space, v.p.RegionBytes[b.Space])
	return r.err
}
