package strict

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of an acceptable file.
const (
	MaxBytes = 1 << 20 // length of a file
	MaxDepth = 16      // levels of tables, dotted keys and arrays
)

// lineIndex finds the line of every key of a document. It walks the structure
// of TOML (headers, keys, nesting, strings) and leaves the finer points of
// values to the decoder that runs after it. It also enforces MaxDepth, on
// which the time of that decoder depends.
type lineIndex struct {
	text   string
	pos    int
	line   int            // of text[pos], from 1
	lines  map[string]int // full key -> line where it first appears
	tables map[string]int // full key of an array of tables -> tables so far
}

// syntaxError stops the walk.
type syntaxError struct {
	line int
	rule string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.rule) }

func (x *lineIndex) fail(format string, arguments ...any) error {
	return &syntaxError{x.line, fmt.Sprintf(format, arguments...)}
}

// path is a key under construction.
type path struct {
	text  string
	depth int
}

func (p path) join(part string) path {
	return path{joinKey(p.text, part), p.depth + 1}
}

func (p path) index(i int) path {
	return path{fmt.Sprintf("%s[%d]", p.text, i), p.depth + 1}
}

// joinKey appends one part to a dotted key, quoted if it needs to be.
func joinKey(parent, part string) string {
	if !isBareKey(part) {
		part = fmt.Sprintf("%q", part)
	}
	if parent == "" {
		return part
	}
	return parent + "." + part
}

func isBareKey(part string) bool {
	for i := range len(part) {
		if !isBareKeyByte(part[i]) {
			return false
		}
	}
	return part != ""
}

func isBareKeyByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// indexLines walks the whole text.
func indexLines(text string) (*lineIndex, error) {
	x := &lineIndex{
		text: strings.TrimPrefix(text, "\uFEFF"), line: 1,
		lines: map[string]int{}, tables: map[string]int{},
	}
	var table path
	for {
		x.skipBlank(true)
		if x.pos == len(x.text) {
			return x, nil
		}
		var err error
		if x.text[x.pos] == '[' {
			table, err = x.header()
		} else {
			err = x.keyValue(table)
		}
		if err == nil {
			err = x.endOfLine()
		}
		if err != nil {
			return nil, err
		}
	}
}

// skipBlank skips white space and, if told, line ends and comments.
func (x *lineIndex) skipBlank(lines bool) {
	for x.pos < len(x.text) {
		switch c := x.text[x.pos]; {
		case c == ' ' || c == '\t':
		case lines && c == '\n':
			x.line++
		case lines && c == '\r':
		case lines && c == '#':
			end := strings.IndexByte(x.text[x.pos:], '\n')
			if end < 0 {
				x.pos = len(x.text)
				return
			}
			x.pos += end - 1
		default:
			return
		}
		x.pos++
	}
}

// endOfLine accepts a comment and a line end, nothing else.
func (x *lineIndex) endOfLine() error {
	x.skipBlank(false)
	if x.pos == len(x.text) {
		return nil
	}
	switch x.text[x.pos] {
	case '\n', '\r', '#':
		return nil
	}
	return x.fail("unexpected %s after the end of a value or header", x.here())
}

// here quotes the character at the current position.
func (x *lineIndex) here() string {
	if x.pos >= len(x.text) {
		return "end of file"
	}
	r, _ := utf8.DecodeRuneInString(x.text[x.pos:])
	if r == '\n' || r == '\r' {
		return "end of line"
	}
	return fmt.Sprintf("%q", r)
}

func (x *lineIndex) at(c byte) bool { return x.pos < len(x.text) && x.text[x.pos] == c }

func (x *lineIndex) record(p path) error {
	if p.depth > MaxDepth {
		return x.fail("nested deeper than %d levels", MaxDepth)
	}
	if _, ok := x.lines[p.text]; !ok {
		x.lines[p.text] = x.line
	}
	return nil
}

// header reads [a.b] or [[a.b]] and returns the key of the table it opens.
func (x *lineIndex) header() (path, error) {
	x.pos++
	array := x.at('[')
	if array {
		x.pos++
	}
	var p path
	for {
		part, err := x.keyPart()
		if err != nil {
			return p, err
		}
		p = p.join(part)
		x.skipBlank(false)
		last := !x.at('.')
		if last && array {
			if err := x.record(p); err != nil {
				return p, err
			}
			x.tables[p.text]++
		}
		if n := x.tables[p.text]; n > 0 {
			p = p.index(n - 1)
		}
		if err := x.record(p); err != nil {
			return p, err
		}
		if last {
			break
		}
		x.pos++
	}
	closing := "]"
	if array {
		closing = "]]"
	}
	if !strings.HasPrefix(x.text[x.pos:], closing) {
		return p, x.fail("expected %s at the end of a table header, found %s", closing, x.here())
	}
	x.pos += len(closing)
	return p, nil
}

// keyPart reads one part of a dotted key.
func (x *lineIndex) keyPart() (string, error) {
	x.skipBlank(false)
	start := x.pos
	if x.at('"') || x.at('\'') {
		quote := x.text[x.pos]
		if err := x.skipString(); err != nil {
			return "", err
		}
		body := x.text[start+1 : x.pos-1]
		if quote == '\'' {
			return body, nil
		}
		return unescape(body), nil
	}
	for x.pos < len(x.text) && isBareKeyByte(x.text[x.pos]) {
		x.pos++
	}
	if x.pos == start {
		return "", x.fail("expected a key, found %s", x.here())
	}
	return x.text[start:x.pos], nil
}

// keyValue reads "key = value" inside the given table.
func (x *lineIndex) keyValue(table path) error {
	p := table
	for {
		part, err := x.keyPart()
		if err != nil {
			return err
		}
		p = p.join(part)
		if err := x.record(p); err != nil {
			return err
		}
		x.skipBlank(false)
		if !x.at('.') {
			break
		}
		x.pos++
	}
	if !x.at('=') {
		return x.fail("expected = after the key %s, found %s", p.text, x.here())
	}
	x.pos++
	x.skipBlank(false)
	return x.value(p)
}

// value skips one value, recording the keys inside it.
func (x *lineIndex) value(p path) error {
	switch {
	case x.at('"') || x.at('\''):
		return x.skipString()
	case x.at('['):
		return x.list(p, ']', func(i int) error {
			element := p.index(i)
			if err := x.record(element); err != nil {
				return err
			}
			return x.value(element)
		})
	case x.at('{'):
		return x.list(p, '}', func(int) error { return x.keyValue(p) })
	}
	end := strings.IndexAny(x.text[x.pos:], ",]}#\n")
	if end < 0 {
		end = len(x.text) - x.pos
	}
	if strings.TrimSpace(x.text[x.pos:x.pos+end]) == "" {
		return x.fail("the key %s has no value", p.text)
	}
	x.pos += end
	return nil
}

// list reads the items of an array or an inline table.
func (x *lineIndex) list(p path, closing byte, item func(i int) error) error {
	x.pos++
	for i := 0; ; i++ {
		x.skipBlank(true)
		if x.at(closing) {
			x.pos++
			return nil
		}
		if err := item(i); err != nil {
			return err
		}
		x.skipBlank(true)
		switch {
		case x.at(','):
			x.pos++
		case !x.at(closing):
			return x.fail("expected , or %c in the value of %s, found %s", closing, p.text, x.here())
		}
	}
}

// skipString skips a string of any of the four kinds.
func (x *lineIndex) skipString() error {
	quote := x.text[x.pos]
	closing, multi := string(quote), false
	if triple := strings.Repeat(closing, 3); strings.HasPrefix(x.text[x.pos:], triple) {
		closing, multi = triple, true
	}
	firstLine := x.line
	for x.pos += len(closing); x.pos < len(x.text); x.pos++ {
		switch c := x.text[x.pos]; {
		case c == '\n' && !multi:
			return x.fail("the string has no closing %c on its line", quote)
		case c == '\n':
			x.line++
		case c == '\\' && quote == '"':
			if x.pos+1 < len(x.text) && x.text[x.pos+1] != '\n' {
				x.pos++
			}
		case strings.HasPrefix(x.text[x.pos:], closing):
			x.pos += len(closing)
			// Up to two quotes may stand just before the closing three.
			for extra := 0; multi && extra < 2 && x.at(quote); extra++ {
				x.pos++
			}
			return nil
		}
	}
	return &syntaxError{firstLine, fmt.Sprintf("the string has no closing %s", closing)}
}

// unescape resolves the escapes of a basic string. Invalid ones stay as they
// are: the decoder refuses them.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		if r := strings.IndexByte(`btnfre"\`, s[i]); r >= 0 {
			out.WriteByte("\b\t\n\f\r\x1b\"\\"[r])
			continue
		}
		var r rune
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		if digits == 0 || i+digits >= len(s) {
			out.WriteByte('\\')
			out.WriteByte(s[i])
			continue
		}
		if _, err := fmt.Sscanf(s[i+1:i+1+digits], "%x", &r); err == nil {
			out.WriteRune(r)
		}
		i += digits
	}
	return out.String()
}
