package isa

import (
	"fmt"
	"strconv"
	"strings"
)

// setter stores one name=value pair of a table row.
type setter struct {
	name string
	set  func(text string) error
}

func unsigned[T uint8 | uint16 | uint32 | uint64](name string, bits int, to *T) setter {
	return setter{name, func(text string) error {
		n, err := parseUnsigned(name, text, bits)
		*to = T(n)
		return err
	}}
}

func signed[T int8 | int64](name string, bits int, to *T) setter {
	return setter{name, func(text string) error {
		n, err := parseSigned(name, text, bits)
		*to = T(n)
		return err
	}}
}

// assign carries out name=value tokens; names left out stay zero.
func assign(tokens []string, setters []setter) error {
	seen := make([]bool, len(setters))
	for _, token := range tokens {
		name, text, err := cutField(token)
		if err != nil {
			return err
		}
		names := make([]string, len(setters))
		for i := range setters {
			names[i] = setters[i].name
		}
		i, err := find("field", name, names)
		if err != nil {
			return err
		}
		if seen[i] {
			return fmt.Errorf("field %s stands twice", name)
		}
		seen[i] = true
		if err := setters[i].set(text); err != nil {
			return err
		}
	}
	return nil
}

// title takes the quoted name that opens a row off its arguments.
func title(arguments []string) (string, []string, error) {
	if len(arguments) == 0 {
		return "", nil, fmt.Errorf("a quoted name must come first")
	}
	name, err := unquote(arguments[0])
	return name, arguments[1:], err
}

func (a *assembler) tensor(name string, arguments []string) (err error) {
	if err := numbered(name, "t", len(a.p.Tensors)); err != nil {
		return err
	}
	var t Tensor
	if t.Name, arguments, err = title(arguments); err != nil {
		return err
	}
	if err := assign(arguments, []setter{
		unsigned("channels", 32, &t.Channels), unsigned("rows", 32, &t.Rows), unsigned("columns", 32, &t.Columns),
		unsigned("bits", 8, &t.Bits), signed("zero", 8, &t.Zero),
		{"scale", func(text string) (err error) {
			if t.Scale, err = strconv.ParseFloat(text, 64); err != nil {
				return fmt.Errorf("scale: %q is no number", text)
			}
			return checkScale(t.Scale)
		}},
	}); err != nil {
		return err
	}
	a.p.Tensors = append(a.p.Tensors, t)
	return nil
}

func (a *assembler) layer(name string, arguments []string) (err error) {
	if err := numbered(name, "l", len(a.p.Layers)); err != nil {
		return err
	}
	var l Layer
	if l.Name, arguments, err = title(arguments); err != nil {
		return err
	}
	if err := assign(arguments, []setter{
		{"op", func(text string) (err error) { l.Op, err = unquote(text); return err }},
		unsigned("tensor", 32, &l.Tensor), signed("macs", 64, &l.MACs), unsigned("weight_bits", 8, &l.WeightBits),
	}); err != nil {
		return err
	}
	a.p.Layers = append(a.p.Layers, l)
	return nil
}

func (a *assembler) semaphore(name string, arguments []string) (err error) {
	if err := numbered(name, "s", len(a.p.Semaphores)); err != nil {
		return err
	}
	if len(a.p.Semaphores) == MaxSemaphores {
		return fmt.Errorf("the machine has %d semaphores", MaxSemaphores)
	}
	if len(arguments) < 3 || arguments[1] != "->" {
		return fmt.Errorf("a semaphore is written: signalling unit -> waiting unit initial=credits")
	}
	var s Semaphore
	if s.Signaller, err = parseUnit(arguments[0]); err != nil {
		return err
	}
	if s.Waiter, err = parseUnit(arguments[2]); err != nil {
		return err
	}
	if err := assign(arguments[3:], []setter{unsigned("initial", 32, &s.Initial)}); err != nil {
		return err
	}
	a.p.Semaphores = append(a.p.Semaphores, s)
	return nil
}

func (a *assembler) binding(list *[]Binding, arguments []string) error {
	var b Binding
	if err := assign(arguments, []setter{
		unsigned("tensor", 32, &b.Tensor),
		{"shape", func(text string) error {
			for part := range strings.SplitSeq(text, ",") {
				extent, err := parseSigned("shape", part, 64)
				if err != nil {
					return err
				}
				b.Shape = append(b.Shape, extent)
			}
			return nil
		}},
		{"space", func(text string) (err error) { b.Space, err = parseSpace(text); return err }},
		unsigned("offset", 64, &b.Offset), unsigned("block", 16, &b.Block), unsigned("pixel_bytes", 32, &b.PixelBytes),
		unsigned("row_stride", 32, &b.RowStride), unsigned("block_stride", 32, &b.BlockStride),
	}); err != nil {
		return err
	}
	if !b.Space.IsDRAM() {
		return fmt.Errorf("a binding lies in a region of DRAM, not in %s", b.Space)
	}
	*list = append(*list, b)
	return nil
}

// size sets the bytes of a space.
func (a *assembler) size(table *[NumSpaces]uint64, arguments []string) error {
	s, err := parseSpace(arguments[0])
	if err != nil {
		return err
	}
	table[s], err = parseUnsigned("size", arguments[1], 64)
	return err
}

// trace appends records written tensor:channel:row:column, the tensor - for
// an instruction that completes nothing.
func (a *assembler) trace(arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("trace lacks its unit")
	}
	u, err := parseUnit(arguments[0])
	if err != nil {
		return err
	}
	for _, text := range arguments[1:] {
		parts := strings.Split(text, ":")
		if len(parts) != 4 {
			return fmt.Errorf("%q is not of the form tensor:channel:row:column", text)
		}
		var values [4]uint32
		for k, part := range parts {
			if k == 0 && part == "-" {
				values[k] = NoTensor
				continue
			}
			n, err := parseUnsigned("trace record", part, 32)
			if err != nil {
				return err
			}
			values[k] = uint32(n)
		}
		a.p.Trace[u] = append(a.p.Trace[u], TraceRecord{values[0], values[1], values[2], values[3]})
	}
	return nil
}
