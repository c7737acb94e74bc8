package isa

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// failer is what testing and rapid have in common.
type failer interface {
	Helper()
	Fatalf(format string, arguments ...any)
}

func encode(t failer, p *Program) []byte {
	t.Helper()
	data, err := p.Encode()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return data
}

func disassemble(t failer, p *Program) string {
	t.Helper()
	var b strings.Builder
	if err := Disassemble(&b, p); err != nil {
		t.Fatalf("disassemble: %v", err)
	}
	return b.String()
}

// checkRoundTrips wants a program back from its bytes and from its text.
func checkRoundTrips(t failer, p *Program) {
	t.Helper()
	data := encode(t, p)
	decoded, err := Decode(data, "round trip")
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if d := cmp.Diff(p, decoded, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("decoded program differs (-want +got):\n%s", d)
	}
	if !bytes.Equal(encode(t, decoded), data) {
		t.Fatalf("encode, decode, encode is no identity")
	}
	text := disassemble(t, p)
	assembled, err := Assemble(text, "round trip")
	if err != nil {
		t.Fatalf("assemble: %v\n%s", err, text)
	}
	if !bytes.Equal(encode(t, assembled), data) {
		t.Fatalf("assembled program differs (-want +got):\n%s", cmp.Diff(p, assembled, cmpopts.EquateEmpty()))
	}
	if again := disassemble(t, assembled); again != text {
		t.Fatalf("the text form is not stable:\n%s", cmp.Diff(text, again))
	}
}

func TestRoundTripsOfRandomPrograms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkRoundTrips(t, drawProgram(t)) })
}

func TestRoundTripsOfPipeline(t *testing.T) { checkRoundTrips(t, pipeline(8).p) }

func TestRoundTripOfNearlyEmptyProgram(t *testing.T) {
	checkRoundTrips(t, &Program{Rounding: HalfUpShift})
}

// TestRandomProgramsCoverTheTables makes sure that the property above sees
// every instruction and every descriptor kind.
func TestRandomProgramsCoverTheTables(t *testing.T) {
	var opcodes [NumOpcodes]bool
	var kinds [NumDescriptorKinds]bool
	for seed := range 300 {
		p := rapid.Custom(drawProgram).Example(seed)
		for u := range p.Code {
			for i := range p.Code[u] {
				opcodes[p.Code[u][i].Op] = true
			}
		}
		for _, d := range p.Descriptors {
			kinds[d.Kind()] = true
		}
	}
	for op := InvalidOpcode + 1; op < opcodeEnd; op++ {
		if !opcodes[op] {
			t.Errorf("no random program holds %s", op)
		}
	}
	for kind := NoDescriptor + 1; kind < descriptorKindEnd; kind++ {
		if !kinds[kind] {
			t.Errorf("no random program holds a %s", kind)
		}
	}
}

func TestInstructionTableIsComplete(t *testing.T) {
	names := map[string]bool{}
	for op := InvalidOpcode + 1; op < opcodeEnd; op++ {
		row := &Instructions[op]
		if row.Name == "" || row.Semantics == "" || len(row.Units) == 0 {
			t.Errorf("opcode %d has an incomplete row: %+v", op, row)
		}
		if names[row.Name] {
			t.Errorf("two instructions are called %s", row.Name)
		}
		names[row.Name] = true
		if row.HasCount && row.Descriptor != NoDescriptor {
			t.Errorf("%s has both a count and a descriptor in one word", row.Name)
		}
		if (row.Descriptor == NoDescriptor) != (len(row.Operands) == 0) {
			t.Errorf("%s: operands and descriptor go together", row.Name)
		}
		if len(row.Operands) > MaxOperands {
			t.Errorf("%s has %d operands", row.Name, len(row.Operands))
		}
		for _, o := range row.Operands {
			if o.Name == "" || o.Role == InvalidRole || len(o.Spaces) == 0 {
				t.Errorf("%s has an incomplete operand: %+v", row.Name, o)
			}
			for _, s := range o.Spaces {
				if o.Role != Source && (s == Weights || s == Input) {
					t.Errorf("%s may write %s", row.Name, s)
				}
			}
		}
	}
	for _, d := range directives {
		if names[d.name] {
			t.Errorf("%s is an instruction and a statement", d.name)
		}
	}
}

func TestDescriptorTableIsComplete(t *testing.T) {
	for kind := NoDescriptor + 1; kind < descriptorKindEnd; kind++ {
		r := &records[kind]
		if r.goType == nil {
			t.Errorf("%s has no record", kind)
			continue
		}
		if got := reflect.New(r.goType).Interface().(Descriptor).Kind(); got != kind {
			t.Errorf("record %s is of kind %s", kind, got)
		}
		for i := range r.fields {
			if r.fields[i].doc == "" {
				t.Errorf("%s.%s has no doc", kind, r.fields[i].name)
			}
		}
	}
	for _, names := range [][]string{unitNames[:], spaceNames[:], classNames[:], descriptorKindNames[:]} {
		for i, n := range names {
			if n == "" {
				t.Errorf("value %d after %q has no name", i, names[max(i-1, 0)])
			}
		}
	}
}
