package isa

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// AssemblyFault is one line of text that breaks a rule.
type AssemblyFault struct {
	Line int // from 1
	Rule string
}

// AssemblyError lists the faults of a text, at most MaxFaults.
type AssemblyError struct {
	File   string
	Faults []AssemblyFault
	More   bool
}

func (e *AssemblyError) Error() string {
	var b strings.Builder
	for i, f := range e.Faults {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s:%d: %s", e.File, f.Line, f.Rule)
	}
	if e.More {
		b.WriteString("\nmore faults follow")
	}
	return b.String()
}

// Assemble reads the text form of a program; name stands for the file in
// errors, which are of type *AssemblyError. Like Decode it checks form: the
// program can be encoded, Verify tells whether it can run.
func Assemble(text, name string) (*Program, error) {
	a := &assembler{p: new(Program), seen: map[string]bool{}}
	line := 0
	for content := range strings.Lines(text) {
		line++
		tokens, err := splitLine(strings.TrimSuffix(content, "\n"))
		if err == nil && len(tokens) > 0 {
			err = a.statement(tokens)
		}
		if err != nil {
			a.fail(line, err)
		}
		if a.more {
			break
		}
	}
	if a.version && a.p.Rounding == InvalidRounding {
		a.fail(max(line, 1), fmt.Errorf("statement rounding is missing"))
	}
	if !a.version && len(a.faults) == 0 {
		a.fail(1, fmt.Errorf("the text must start with %s %d.%d", textHeader, MajorVersion, MinorVersion))
	}
	if len(a.faults) > 0 {
		return nil, &AssemblyError{name, a.faults, a.more}
	}
	a.p.Config = a.config.String()
	return a.p, nil
}

type assembler struct {
	p       *Program
	version bool            // the header was read
	seen    map[string]bool // statements that may stand once
	config  strings.Builder // lines of the configuration so far
	unit    Unit            // whose code is open
	faults  []AssemblyFault
	more    bool
}

func (a *assembler) fail(line int, err error) {
	if len(a.faults) == MaxFaults {
		a.more = true
		return
	}
	a.faults = append(a.faults, AssemblyFault{line, err.Error()})
}

// directives are the statements that are neither instructions nor table rows.
// Those marked once may not be repeated.
var directives = []struct {
	name      string
	once      bool
	arguments int // -1: any number
	run       func(a *assembler, arguments []string) error
}{
	{"name", true, 1, func(a *assembler, arguments []string) (err error) {
		a.p.Name, err = unquote(arguments[0])
		return err
	}},
	{"machine_hash", true, 1, func(a *assembler, arguments []string) error { return parseHash(&a.p.MachineHash, arguments[0]) }},
	{"model_hash", true, 1, func(a *assembler, arguments []string) error { return parseHash(&a.p.ModelHash, arguments[0]) }},
	{"rounding", true, 1, func(a *assembler, arguments []string) error {
		i, err := find("rounding", arguments[0], roundingNames[:])
		a.p.Rounding = Rounding(i)
		return err
	}},
	{"macs", true, 1, func(a *assembler, arguments []string) (err error) {
		a.p.MACs, err = parseSigned("macs", arguments[0], 64)
		return err
	}},
	{"weights", true, 1, func(a *assembler, arguments []string) (err error) {
		a.p.Weights, err = parseSigned("weights", arguments[0], 64)
		return err
	}},
	{"region", false, 2, func(a *assembler, arguments []string) error { return a.size(&a.p.RegionBytes, arguments) }},
	{"buffer", false, 2, func(a *assembler, arguments []string) error { return a.size(&a.p.Buffers, arguments) }},
	{"config", false, 1, func(a *assembler, arguments []string) error {
		line, err := unquote(arguments[0])
		a.config.WriteString(line)
		return err
	}},
	{"setting", false, 2, func(a *assembler, arguments []string) error {
		name, err := unquote(arguments[0])
		if err != nil {
			return err
		}
		value, err := unquote(arguments[1])
		a.p.Settings = append(a.p.Settings, Setting{name, value})
		return err
	}},
	{"input", false, -1, func(a *assembler, arguments []string) error { return a.binding(&a.p.Inputs, arguments) }},
	{"output", false, -1, func(a *assembler, arguments []string) error { return a.binding(&a.p.Outputs, arguments) }},
	{"code", false, 1, (*assembler).openCode},
	{"constants", false, 1, func(a *assembler, arguments []string) error {
		data, err := base64.StdEncoding.Strict().DecodeString(arguments[0])
		if err != nil {
			return fmt.Errorf("constants are not base64: %w", err)
		}
		a.p.Constants = append(a.p.Constants, data...)
		return nil
	}},
	{"trace", false, -1, (*assembler).trace},
}
