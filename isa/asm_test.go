package isa

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAssembleErrors(t *testing.T) {
	const transfer = "d0 = transfer class=weights bits=8 group=1 run=1 rows=1 blocks=1"
	for _, test := range []struct {
		text string // after the two opening lines
		line int
		rule string
	}{
		{"lod d0", 3, `unknown instruction or statement "lod", did you mean "load"?`},
		{"code load\nstroe d0 from=a", 4, `did you mean "store"?`},
		{"code laod", 3, `unknown unit "laod", did you mean "load"?`},
		{"code", 3, "code takes 1 arguments, not 0"},
		{"code load\ncode load", 4, "code of load stands twice"},
		{"wait s0", 3, "wait stands before the first code statement"},
		{"code load\nwait 0", 4, `semaphore: "0" must be the letter s and a number`},
		{"code load\nwait", 4, "wait lacks its count or descriptor"},
		{"code load\nloop -1", 4, "count: \"-1\" is no whole number of 0 to 2^32 - 1"},
		{"code load\nhalt extra", 4, `"extra" is not of the form name=value`},
		{"code load\nhalt a=b", 4, `unknown operand of halt "a"`},
		{"code load\npool d0 input=activation_buffer[0] output=activation_buffer[0]", 4, "pool may not stand in the code of unit load"},
		{"code load\nload d0 from=weights[0]", 4, "load lacks operand to"},
		{"code load\nload d0 form=weights[0]", 4, `unknown operand of load "form", did you mean "from"?`},
		{"code load\nload d0 from=weights[0] from=weights[0]", 4, "operand from stands twice"},
		{"code load\nload d0 from=wieghts[0] to=weight_buffer[0]", 4, `unknown space "wieghts", did you mean "weights"?`},
		{"code load\nload d0 from=activation_buffer[0] to=weight_buffer[0]", 4, "from may not point into activation_buffer"},
		{"code load\nload d0 from=weights[0, 1] to=weight_buffer[0]", 4, "needs an offset, or an offset and two steps"},
		{"code load\nload d0 from=weights[0x10000000000] to=weight_buffer[0]", 4, "0 to 2^40 - 1"},
		{"code load\nload d0 from=weights[0, 1, 2147483648] to=weight_buffer[0]", 4, "step: \"2147483648\" is no whole number of -2^31 to 2^31 - 1"},
		{"code load\nload d0 from=weights to=weight_buffer[0]", 4, "is not of the form space[offset]"},
		{"d1 = transfer", 3, `row is called "d1", the next one is d0`},
		{"d0 = transfr", 3, `unknown kind of row "transfr", did you mean "transfer"?`},
		{"d0 =", 3, "stands without a value"},
		{transfer + " bist=1", 3, `unknown field "bist", did you mean "bits"?`},
		{transfer + " bits=7", 3, "field bits stands twice"},
		{transfer + " layer=65536", 3, "layer: \"65536\" is no whole number of 0 to 2^16 - 1"},
		{strings.Replace(transfer, "weights", "weight", 1), 3, `unknown class "weight", did you mean "weights"?`},
		{strings.Replace(transfer, "bits=8", "bits=9", 1), 3, "transfer: bits is 9, must be 2 to 8"},
		{"d0 = elementwise_tile input={blok=1}", 3, `elementwise_tile: input: unknown field "blok", did you mean "block"?`},
		{"d0 = elementwise_tile input=5", 3, "must stand between { and }"},
		{"d0 = elementwise_tile input={block=1", 3, `missing '}' at the end of the line`},
		{"d0 = elementwise_tile input=block]", 3, "column 34: unexpected ']'"},
		{"d0 = rearrange_tile dims=[1 2]", 3, "dims takes 6 values, not 2"},
		{"d0 = copy_tile use_table=yes", 3, `use_table: "yes" must be true or false`},
		{"s0 = semaphore load mac", 3, "a semaphore is written"},
		{"s0 = semaphore load -> mca", 3, `did you mean "mac"?`},
		{"s0 = semaphore load -> mac intial=1", 3, `unknown field "intial", did you mean "initial"?`},
		{"t0 = tensor", 3, "a quoted name must come first"},
		{"t0 = tensor x", 3, "must stand in double quotes"},
		{`t0 = tensor "x`, 3, "text without closing quote"},
		{`t0 = tensor "x" scale=big`, 3, `scale: "big" is no number`},
		{`t0 = tensor "x" scale=NaN`, 3, "scale is NaN, must be finite"},
		{`l0 = layer "x" op=y`, 3, "must stand in double quotes"},
		{`l0 = layer "x" macs=1 macs=2`, 3, "field macs stands twice"},
		{"input tensor=0 space=weight_buffer", 3, "a binding lies in a region of DRAM"},
		{"input tensor=0 shape=1,x space=input", 3, `shape: "x" is no whole number`},
		{"region wights 1", 3, `did you mean "weights"?`},
		{"machine_hash 00", 3, "a hash is 64 hexadecimal digits"},
		{"rounding half-up-shift", 3, "rounding stands twice"},
		{"constants ???", 3, "constants are not base64"},
		{"trace mac 1:2:3", 3, "is not of the form tensor:channel:row:column"},
		{"trace", 3, "trace lacks its unit"},
		{"config unquoted", 3, "must stand in double quotes"},
	} {
		_, err := Assemble(textStart+test.text, "x.npuasm")
		var a *AssemblyError
		if !errors.As(err, &a) {
			t.Errorf("%s: got %v, want an AssemblyError", test.text, err)
			continue
		}
		if f := a.Faults[0]; f.Line != test.line || !strings.Contains(f.Rule, test.rule) {
			t.Errorf("%s:\n got line %d: %s\nwant line %d: %s", test.text, f.Line, f.Rule, test.line, test.rule)
		}
		if !strings.HasPrefix(err.Error(), fmt.Sprintf("x.npuasm:%d: ", test.line)) {
			t.Errorf("error does not begin with file and line: %v", err)
		}
	}
}

func TestAssembleHeader(t *testing.T) {
	for text, rule := range map[string]string{
		"":                               "must start with npusim-program 1.0",
		"; a comment\n":                  "must start with npusim-program 1.0",
		"name \"x\"\n":                   "must start with npusim-program 1.0",
		"npusim-program 2.0\n":           "version 2.0 is not supported",
		"npusim-program 1.0\n":           "statement rounding is missing",
		"npusim-program 1.0\nrounding x": "unknown rounding",
	} {
		if _, err := Assemble(text, "x"); err == nil || !strings.Contains(err.Error(), rule) {
			t.Errorf("%q: got %v, want %q", text, err, rule)
		}
	}
}

func TestAssembleListsAllFaults(t *testing.T) {
	_, err := Assemble(textStart+strings.Repeat("bogus\n", 50), "x")
	var a *AssemblyError
	if !errors.As(err, &a) || len(a.Faults) != MaxFaults || !a.More || a.Faults[4].Line != 7 {
		t.Errorf("got %v", err)
	}
}

// TestAssembleHandWritten: spaces, comments, number bases and order of
// statements are free.
func TestAssembleHandWritten(t *testing.T) {
	p, err := Assemble(`; a program by hand
npusim-program 1.0 ; version
code load
	load   d0 to=weight_buffer[ 64 ] from=weights[0x1_0,+0x8,-4]; no blanks
	halt
rounding half-up-shift
d0 = transfer rows=1 blocks=1 bits=4 class=weights group=0b10 run=0x10
constants AAEC
constants Aw==
`, "hand")
	if err != nil {
		t.Fatal(err)
	}
	want := operate(Load, 0, Address{Weights, 16, 8, -4}, at(WeightBuffer, 64))
	if got := p.Code[LoadDMA][0]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !bytes.Equal(p.Constants, []byte{0, 1, 2, 3}) {
		t.Errorf("constants are %v", p.Constants)
	}
	if d := p.Descriptors[0].(*Transfer); d.Run != 16 || d.Group != 2 || d.RunBytes() != 8 {
		t.Errorf("descriptor is %+v", d)
	}
}

func TestTruncatedText(t *testing.T) {
	text := disassemble(t, pipeline(2).p)
	step := 1
	if testing.Short() || reduced {
		step = 7
	}
	for n := 0; n < len(text); n += step {
		p, err := Assemble(text[:n], "cut")
		var a *AssemblyError
		if err != nil && !errors.As(err, &a) {
			t.Fatalf("at %d: %v", n, err)
		}
		if err == nil {
			encode(t, p) // what is assembled can be encoded
		}
	}
}

func FuzzAssemble(f *testing.F) {
	var b strings.Builder
	if err := Disassemble(&b, pipeline(2).p); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	for _, g := range descriptorGoldens {
		f.Add(textStart + "d0 = " + g.text)
	}
	for _, g := range instructionGoldens {
		f.Add(textStart + "code " + g.unit.String() + "\n" + g.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		p, err := Assemble(text, "fuzz")
		if err != nil {
			var a *AssemblyError
			if !errors.As(err, &a) || len(a.Faults) == 0 {
				t.Fatalf("bad error: %v", err)
			}
			return
		}
		checkRoundTrips(t, p)
	})
}
