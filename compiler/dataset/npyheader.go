package dataset

import (
	"fmt"
	"strconv"
	"strings"
)

// npyHeader is the dictionary at the head of a .npy file.
type npyHeader struct {
	shape     []int
	elements  ElementType
	bigEndian bool
	fortran   bool // column-major order
}

// parseNPYHeader reads the Python dictionary literal of a .npy header. It
// takes exactly what NumPy writes: the keys descr, fortran_order and shape,
// each once and in any order, padded with spaces and a final newline.
func parseNPYHeader(text string) (npyHeader, error) {
	p := headerParser{text: text}
	var h npyHeader
	var seen [3]bool
	names := [3]string{"descr", "fortran_order", "shape"}

	p.expect('{')
	for p.err == nil && !p.accept('}') {
		key := p.quoted()
		p.expect(':')
		if p.err != nil {
			break
		}
		index := -1
		for i, name := range names {
			if key == name {
				index = i
			}
		}
		if index < 0 {
			p.fail("unknown key %q; the keys are descr, fortran_order and shape", key)
			break
		}
		if seen[index] {
			p.fail("key %q stands twice", key)
			break
		}
		seen[index] = true
		switch index {
		case 0:
			p.descr(&h)
		case 1:
			h.fortran = p.boolean()
		case 2:
			h.shape = p.tuple()
		}
		if !p.accept(',') {
			p.expect('}')
			break
		}
	}
	p.skipSpace()
	if p.err == nil && p.at != len(text) {
		p.fail("unexpected text after the dictionary")
	}
	for i, name := range names {
		if p.err == nil && !seen[i] {
			p.fail("key %q is missing", name)
		}
	}
	return h, p.err
}

// parseDescr reads a NumPy type string such as "<f4" or "|u1".
func parseDescr(descr string) (t ElementType, bigEndian bool, err error) {
	const rule = "supported are b1, i1, u1, i2, u2, i4, u4, i8, u8, f2, f4, f8 with byte order <, > or |"
	order, code := byte(0), descr
	if descr == "?" {
		order, code = '|', "b1"
	} else if descr != "" && strings.IndexByte("<>|", descr[0]) >= 0 {
		order, code = descr[0], descr[1:]
	}
	for t := Bool; t < elementTypeEnd; t++ {
		if elementTypes[t].code != code {
			continue
		}
		if t.Size() > 1 && order != '<' && order != '>' {
			return InvalidType, false, fmt.Errorf("type %q lacks a byte order; %s", descr, rule)
		}
		return t, order == '>', nil
	}
	return InvalidType, false, fmt.Errorf("type %q is not supported; %s", descr, rule)
}

// headerParser is a recursive-descent reader that stops at its first fault.
type headerParser struct {
	text string
	at   int
	err  error
}

func (p *headerParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("header character %d: %s", p.at+1, fmt.Sprintf(format, args...))
	}
}

func (p *headerParser) skipSpace() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *headerParser) peek() byte {
	p.skipSpace()
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *headerParser) accept(c byte) bool {
	if p.err != nil || p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *headerParser) expect(c byte) {
	if !p.accept(c) {
		p.fail("expected %q", c)
	}
}

// quoted reads a string in single or double quotes, without escapes.
func (p *headerParser) quoted() string {
	quote := p.peek()
	if p.err != nil || (quote != '\'' && quote != '"') {
		p.fail("expected a quoted string")
		return ""
	}
	end := strings.IndexByte(p.text[p.at+1:], quote)
	if end < 0 {
		p.fail("string without closing quote")
		return ""
	}
	s := p.text[p.at+1 : p.at+1+end]
	if strings.ContainsAny(s, "\\\n") {
		p.fail("escape sequences and line breaks are not allowed in strings")
		return ""
	}
	p.at += end + 2
	return s
}

func (p *headerParser) descr(h *npyHeader) {
	switch p.peek() {
	case '[', '(':
		p.fail("structured types are not supported; store each field as an array of its own")
		return
	}
	s := p.quoted()
	if p.err != nil {
		return
	}
	var err error
	if h.elements, h.bigEndian, err = parseDescr(s); err != nil {
		p.fail("%v", err)
	}
}

func (p *headerParser) boolean() bool {
	p.skipSpace()
	rest := p.text[p.at:]
	switch {
	case strings.HasPrefix(rest, "True"):
		p.at += len("True")
		return true
	case strings.HasPrefix(rest, "False"):
		p.at += len("False")
		return false
	}
	p.fail("fortran_order must be True or False")
	return false
}

// tuple reads a shape: "()", "(3,)", "(3, 4)". As in Python, a one-element
// tuple needs its comma.
func (p *headerParser) tuple() []int {
	shape := []int{}
	p.expect('(')
	comma := true
	for p.err == nil && !p.accept(')') {
		if !comma {
			p.fail("expected ',' or ')' in the shape")
			break
		}
		if len(shape) == maxRank {
			p.fail("the shape has more than %d axes", maxRank)
			break
		}
		shape = append(shape, p.integer())
		comma = p.accept(',')
	}
	if p.err == nil && len(shape) == 1 && !comma {
		p.fail("the shape of one axis must be written with a comma, as in (3,)")
	}
	return shape
}

func (p *headerParser) integer() int {
	p.skipSpace()
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	digits := p.text[start:p.at]
	v, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case digits == "":
		p.fail("expected a non-negative whole number in the shape")
	case err != nil || v > MaxArrayBytes:
		p.fail("axis of %s elements is above the limit of %d", digits, int64(MaxArrayBytes))
	}
	// Python 2 wrote long integers with a suffix.
	if p.at < len(p.text) && p.text[p.at] == 'L' {
		p.at++
	}
	return int(v)
}
