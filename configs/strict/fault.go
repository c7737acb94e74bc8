// Package strict decodes TOML files written by people. It refuses what the
// usual decoders let pass, and reports every fault of a file at once, each
// with its file, line, key, the rule that was broken and the nearest valid
// name.
//
// Faults are: syntax errors, unknown keys and sections, wrong types, integers
// out of the range of their field, and whatever a field's UnmarshalText
// refuses. Ranges and relations between keys are left to the caller.
//
// Files are bounded: at most MaxBytes long and MaxDepth levels deep, so that
// hostile input costs little time and memory.
package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rules that callers may want to tell apart from others.
const (
	UnknownKey     = "unknown key"
	UnknownSection = "unknown section"
)

// Fault is one thing wrong with an input file.
type Fault struct {
	File    string // path as the user wrote it, or another source such as a flag
	Line    int    // from 1; 0 when no single line is to blame
	Key     string // full dotted key, such as "dram.tier" or "layer[2].match"; may be empty
	Rule    string // what is wrong and what would be right
	Nearest string // nearest valid name, or empty
}

// location is the file and line in the form editors understand.
func (f Fault) location() string {
	if f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// text is the rule with its suggestion.
func (f Fault) text() string {
	if f.Nearest == "" {
		return f.Rule
	}
	return fmt.Sprintf("%s (did you mean %s?)", f.Rule, f.Nearest)
}

// Error gives the fault on one line.
func (f Fault) Error() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{f.location(), f.Key, f.text()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Faults is a list of faults; as an error it prints one aligned line a fault.
type Faults []Fault

// maxPrinted bounds the length of an error text.
const maxPrinted = 50

// maxColumn bounds the width of an aligned column; longer cells overhang.
const maxColumn = 48

// Error lists the faults, a line each, in aligned columns. A single fault
// takes one line.
func (f Faults) Error() string {
	switch len(f) {
	case 0:
		return "no faults"
	case 1:
		return f[0].Error()
	}
	printed := f[:min(len(f), maxPrinted)]
	var widthLocation, widthKey int
	for _, fault := range printed {
		widthLocation = max(widthLocation, min(maxColumn, utf8.RuneCountInString(fault.location())))
		widthKey = max(widthKey, min(maxColumn, utf8.RuneCountInString(fault.Key)))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d faults:", len(f))
	for _, fault := range printed {
		line := fmt.Sprintf("\n  %-*s  %-*s  %s", widthLocation, fault.location(), widthKey, fault.Key, fault.text())
		text.WriteString(line)
	}
	if rest := len(f) - len(printed); rest > 0 {
		fmt.Fprintf(&text, "\n  and %d more", rest)
	}
	return text.String()
}

// Err is the list as an error, nil when it is empty.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// sortByLine orders the faults of one file as the file reads.
func (f Faults) sortByLine() {
	slices.SortStableFunc(f, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
}

// ValueError is what an UnmarshalText method returns to give its fault a
// suggestion beside the rule.
type ValueError struct {
	Rule    string // what is wrong and what would be right
	Nearest string // nearest valid value, or empty
}

// Error gives the rule with its suggestion.
func (e *ValueError) Error() string { return Fault{Rule: e.Rule, Nearest: e.Nearest}.text() }
