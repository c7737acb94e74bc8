package isa

import "fmt"

// Stream is the code of one unit prepared for walking: loops matched and
// their level known. It is immutable and may be shared.
type Stream struct {
	code  []Instruction
	match []int32 // of a Loop, the index of its EndLoop
	outer []bool  // of a Loop, whether it contains another loop
}

// NewStream matches the loops of a code section.
func NewStream(code []Instruction) (*Stream, error) {
	s := &Stream{code: code, match: make([]int32, len(code)), outer: make([]bool, len(code))}
	var open []int
	for i := range code {
		switch code[i].Op {
		case Loop:
			if code[i].Count < 1 {
				return nil, fmt.Errorf("instruction %d: a loop must repeat at least once", i)
			}
			if len(open) == 2 {
				return nil, fmt.Errorf("instruction %d: loops nest at most two deep", i)
			}
			if len(open) == 1 {
				s.outer[open[0]] = true
			}
			open = append(open, i)
		case EndLoop:
			if len(open) == 0 {
				return nil, fmt.Errorf("instruction %d: end_loop without a loop", i)
			}
			s.match[open[len(open)-1]] = int32(i)
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("instruction %d: loop without end_loop", open[0])
	}
	return s, nil
}

// DynamicLength counts the instructions that execute, loops unrolled and
// loop brackets left out. It stops growing above MaxDynamicInstructions.
func (s *Stream) DynamicLength() int {
	length, _ := s.count(0, len(s.code))
	return length
}

func (s *Stream) count(from, to int) (length, next int) {
	for i := from; i < to; i++ {
		if s.code[i].Op != Loop {
			length++
			continue
		}
		end := int(s.match[i])
		body, _ := s.count(i+1, end)
		if body > 0 && int(s.code[i].Count) > (MaxDynamicInstructions+1)/body {
			length = MaxDynamicInstructions + 1
		} else {
			length += int(s.code[i].Count) * body
		}
		i = end
	}
	return min(length, MaxDynamicInstructions+1), to
}

// Dynamic is an instruction as it executes: address steps applied.
type Dynamic struct {
	Index       int // in the code section
	Instruction *Instruction
	Offsets     [MaxOperands]uint64 // effective byte offset of each operand
}

// Cursor walks a Stream in execution order.
type Cursor struct {
	stream *Stream
	next   int
	loops  [2]struct {
		start, end int
		left       uint32
	}
	depth        int
	inner, outer uint64 // current loop indices
}

// Cursor starts a walk.
func (s *Stream) Cursor() Cursor { return Cursor{stream: s} }

// Next stores the next instruction that executes and reports whether there
// was one. Loop and EndLoop are consumed silently; Halt ends the walk.
func (c *Cursor) Next(d *Dynamic) bool {
	s := c.stream
	for c.next < len(s.code) {
		i := c.next
		in := &s.code[i]
		switch in.Op {
		case Halt:
			return false
		case Loop:
			l := &c.loops[c.depth]
			l.start, l.end, l.left = i, int(s.match[i]), in.Count
			c.depth++
			if s.outer[i] {
				c.outer = 0
			} else {
				c.inner = 0
			}
			c.next++
		case EndLoop:
			l := &c.loops[c.depth-1]
			l.left--
			isOuter := s.outer[l.start]
			switch {
			case l.left > 0:
				c.next = l.start + 1
				if isOuter {
					c.outer++
				} else {
					c.inner++
				}
			default:
				c.depth--
				c.next++
				if isOuter {
					c.outer = 0
				} else {
					c.inner = 0
				}
			}
		default:
			c.next++
			d.Index, d.Instruction = i, in
			for k := range in.Operands {
				a := &in.Operands[k]
				if a.Space == InvalidSpace {
					d.Offsets[k] = 0
					continue
				}
				d.Offsets[k] = a.Offset + uint64(int64(a.InnerStep))*c.inner + uint64(int64(a.OuterStep))*c.outer
			}
			return true
		}
	}
	return false
}
