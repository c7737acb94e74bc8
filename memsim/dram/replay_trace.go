package dram

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// TraceRequest is one burst that is asked for at a clock or later.
type TraceRequest struct {
	Address uint64
	Write   bool
	Clock   Clock // earliest
}

// Trace delivers requests in order. Read fills a slice from the front and
// returns how many; with the last ones or after them it returns io.EOF.
type Trace interface {
	Read(into []TraceRequest) (int, error)
}

// SliceTrace is a trace in memory.
type SliceTrace struct {
	Requests []TraceRequest
	next     int
}

// Read implements Trace.
func (t *SliceTrace) Read(into []TraceRequest) (int, error) {
	n := copy(into, t.Requests[t.next:])
	t.next += n
	if t.next == len(t.Requests) {
		return n, io.EOF
	}
	return n, nil
}

// TraceReader reads the text form of DRAMsim3, one request per line:
//
//	0xADDRESS READ|WRITE CLOCK
//
// in constant memory. Empty lines and lines that start with # are skipped.
type TraceReader struct {
	name  string
	lines *bufio.Reader
	line  int64 // lines read
	last  Clock
	err   error // sticky
}

const maxTraceLine = 4096 // bytes

// NewTraceReader reads plain text or gzip; name is for error messages.
func NewTraceReader(name string, r io.Reader) (*TraceReader, error) {
	plain := bufio.NewReaderSize(r, 1<<16)
	t := &TraceReader{name: name, lines: plain}
	if magic, err := plain.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(plain)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t.lines = bufio.NewReaderSize(unzipped, 1<<16)
	}
	return t, nil
}

// Read implements Trace. An error names the file, the line and the rule.
func (t *TraceReader) Read(into []TraceRequest) (int, error) {
	n := 0
	for n < len(into) && t.err == nil {
		line, err := t.lines.ReadSlice('\n')
		if err != nil && !(errors.Is(err, io.EOF) && len(line) > 0) {
			t.err = t.failure(err)
			break
		}
		if len(line) > maxTraceLine {
			t.err = t.failure(bufio.ErrBufferFull)
			break
		}
		t.line++
		request, blank, problem := parseTraceLine(line)
		switch {
		case problem != "":
			t.err = fmt.Errorf("%s:%d: %s: a line is 0xADDRESS READ|WRITE CLOCK", t.name, t.line, problem)
		case blank:
		case request.Clock < t.last:
			t.err = fmt.Errorf("%s:%d: clock %d after %d: clocks must not go back", t.name, t.line, request.Clock, t.last)
		default:
			t.last = request.Clock
			into[n] = request
			n++
		}
	}
	return n, t.err
}

func (t *TraceReader) failure(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("%s:%d: a line of more than %d bytes", t.name, t.line+1, maxTraceLine)
	}
	return fmt.Errorf("%s:%d: %w", t.name, t.line+1, err)
}

// parseTraceLine reads a line; the problem is empty if it is well formed.
func parseTraceLine(line []byte) (r TraceRequest, blank bool, problem string) {
	word, rest := cutWord(line)
	if len(word) == 0 || word[0] == '#' {
		return r, true, ""
	}
	if len(word) < 3 || word[0] != '0' || word[1]|0x20 != 'x' {
		return r, false, fmt.Sprintf("address %s does not start with 0x", quote(string(word)))
	}
	for _, c := range word[2:] {
		digit := uint64(c - '0')
		if c|0x20 >= 'a' && c|0x20 <= 'f' {
			digit = uint64(c|0x20-'a') + 10
		} else if c < '0' || c > '9' {
			return r, false, fmt.Sprintf("address %s is not hexadecimal", quote(string(word)))
		}
		if r.Address>>60 != 0 {
			return r, false, fmt.Sprintf("address %s exceeds 64 bits", quote(string(word)))
		}
		r.Address = r.Address<<4 | digit
	}
	word, rest = cutWord(rest)
	switch string(word) {
	case "READ":
	case "WRITE":
		r.Write = true
	default:
		return r, false, fmt.Sprintf("%s is neither READ nor WRITE", quote(string(word)))
	}
	word, rest = cutWord(rest)
	if len(word) == 0 {
		return r, false, "the clock is missing"
	}
	for _, c := range word {
		if c < '0' || c > '9' {
			return r, false, fmt.Sprintf("clock %s is no whole number", quote(string(word)))
		}
		if r.Clock > maxTraceClock/10 {
			return r, false, fmt.Sprintf("clock %s exceeds %d", quote(string(word)), Clock(maxTraceClock))
		}
		r.Clock = 10*r.Clock + Clock(c-'0')
	}
	if word, _ = cutWord(rest); len(word) != 0 {
		return r, false, fmt.Sprintf("%s after the clock", quote(string(word)))
	}
	return r, false, ""
}

// maxTraceClock leaves room for the clocks that a simulation adds.
const maxTraceClock = 1e12

// cutWord splits off the first word.
func cutWord(line []byte) (word, rest []byte) {
	start := 0
	for start < len(line) && isBlank(line[start]) {
		start++
	}
	end := start
	for end < len(line) && !isBlank(line[end]) {
		end++
	}
	return line[start:end], line[end:]
}

// isBlank says whether a byte stands between words. Other bytes below a space,
// such as NUL, are no text.
func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
