package onnx

import (
	"fmt"
	"strings"
)

// Error is a fault in a file that was read.
type Error struct {
	File   string // path, or the name given to Decode
	Place  string // message path, such as model.graph.node[12].attribute[2]
	Offset int64  // byte offset in File where the offending item starts, -1 if the fault has none
	Rule   string // what is wrong, and what would be right
	Err    error  // cause, where there is one: an I/O or number-syntax error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Place != "" {
		b.WriteString(": ")
		b.WriteString(e.Place)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, ": byte %d", e.Offset)
	}
	b.WriteString(": ")
	b.WriteString(e.Rule)
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// quote shows a name from a file in a message, safely and not at any length.
func quote(s string) string {
	const longest = 80
	if len(s) > longest {
		return fmt.Sprintf("%q...", s[:longest])
	}
	return fmt.Sprintf("%q", s)
}
