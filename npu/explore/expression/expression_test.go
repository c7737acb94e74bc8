package expression

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// sample values of the tests.
func lookup(name string) (Value, bool) {
	switch name {
	case "a":
		return NumberOf(3), true
	case "b.c_d":
		return NumberOf(-0.5), true
	case "q.layer[x[a-c]*/y?].bits", "zero":
		return NumberOf(0), true
	case "tier":
		return TextOf("bank"), true
	case "on":
		return TruthOf(true), true
	}
	return Value{}, false
}

func kinds(name string) Kind {
	v, _ := lookup(name)
	return v.Kind
}

func TestEvaluate(t *testing.T) {
	for _, c := range []struct {
		text string
		want Value
	}{
		{"1", NumberOf(1)},
		{" a ", NumberOf(3)},
		{"1 + 2 * a - 4 / 2", NumberOf(5)},
		{"(1 + 2) * a", NumberOf(9)},
		{"8 / 4 / 2", NumberOf(1)},
		{"8 - 4 - 2", NumberOf(2)},
		{"-a*-2", NumberOf(6)},
		{"--a", NumberOf(3)},
		{"1.5e3 + .5", NumberOf(1500.5)},
		{"2e + 1", Value{}},
		{"b.c_d * 2", NumberOf(-1)},
		{"q.layer[x[a-c]*/y?].bits + 1", NumberOf(1)},
		{"min(a, 2, 5)", NumberOf(2)},
		{"max(a, 2)", NumberOf(3)},
		{"sum(a, 2) + mean(1, 2, 6)", NumberOf(8)},
		{"abs(0 - a) + sqrt(4) + log2(8) + ceil(1.2)", NumberOf(10)},
		{"a <= 3", TruthOf(true)},
		{"a < 3", TruthOf(false)},
		{"a >= 3 and a > 2 and not a != 3", TruthOf(true)},
		{"a < 3 or on", TruthOf(true)},
		{"false and missing > 1", TruthOf(false)}, // the second operand does not matter
		{"true or missing > 1", TruthOf(true)},
		{"tier == \"bank\"", TruthOf(true)},
		{"tier != 'bank' or on == true", TruthOf(true)},
		{"not on or a == 1 and true", TruthOf(false)},
	} {
		e, err := Parse(c.text)
		if err != nil {
			if c.want.Kind != Invalid {
				t.Errorf("%s: %v", c.text, err)
			}
			continue
		}
		got, err := e.Evaluate(lookup)
		if err != nil || got != c.want {
			t.Errorf("%s = %v, %v, want %v", c.text, got, err, c.want)
		}
	}
}

func TestFaultsHavePlaces(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		rule   string // part of it
	}{
		{"", 1, "the end stands where"},
		{"a +", 4, "the end stands where"},
		{"a b", 3, `"b" stands where an operator`},
		{"3x", 2, `"x" stands where an operator`},
		{"a = 3", 3, "equality is written =="},
		{"a <= 3 <= 4", 8, "cannot follow"},
		{"(a", 3, "where ) belongs"},
		{"sin(a)", 1, "no function"},
		{"abs(a, a)", 1, "at most 1"},
		{"q.layer[x", 1, "bracket"},
		{"a + 'x", 5, "closing quote"},
		{"a § 3", 3, "no meaning"},
		{"'ä' + §", 7, "no meaning"},
		{"1.2.3", 1, "no number"},
		{"and", 1, "stands where"},
		{"min()", 5, "stands where a name"},
		{strings.Repeat("(", 100) + "a", 65, "deeper than 64"},
		{strings.Repeat("-", 100) + "a", 64, "deeper than 64"},
		{strings.Repeat("a", maxLength+1), 1, "longer"},
		{"\xff", 1, "UTF-8"},
	} {
		_, err := Parse(c.text)
		var fault *Error
		if !errors.As(err, &fault) || fault.Column != c.column || !strings.Contains(fault.Rule, c.rule) {
			t.Errorf("%.20q: %v, want column %d, %q", c.text, err, c.column, c.rule)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		text string
		kind Kind
		want []string
	}{
		{"a + 1", Number, nil},
		{"a < 1 and on", Truth, nil},
		{"a + tier", Number, []string{"column 5: a number is needed here, not a text"}},
		{" on < mising", Truth, []string{"column 2: a number is needed here, not true or false", "column 7: unknown key mising"}},
		{"tier == 1", Truth, []string{"column 6: a text is compared with a number"}},
		{"not a", Truth, []string{"column 5: true or false is needed here, not a number"}},
	} {
		e, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		kind, faults := e.Check(kinds)
		var got []string
		for _, fault := range faults {
			got = append(got, fault.Error())
		}
		if kind != c.kind || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %q, want %v, %q", c.text, kind, got, c.kind, c.want)
		}
	}
}

func TestEvaluationFaults(t *testing.T) {
	for text, want := range map[string]string{
		"1 / zero":       "column 3: the result is not a finite number",
		"sqrt(0 - 1)":    "column 1: the result is not a finite number",
		"a + missing":    "column 5: missing has no value",
		"a + tier":       "column 5: a number is needed here, not a text",
		"tier == 3":      "column 9: a text is needed here, not a number",
		"3 and on":       "column 1: true or false is needed here, not a number",
		"missing == 3":   "column 1: missing has no value",
		"on and 1 < bad": "column 12: bad has no value",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Evaluate(lookup); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestViolation(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
	}{
		{"a <= 3", 0},
		{"a <= 2", 0.5},
		{"a >= 4", 0.25},
		{"a < 3", math.SmallestNonzeroFloat64},
		{"a > zero", 0},
		{"zero > a", 1},
		{"b.c_d >= zero", 0.5}, // absolute beside 0
		{"a <= 2 and a >= 4", 0.75},
		{"a <= 2 or a >= 4", 0.25},
		{"a <= 2 or on", 0},
		{"not (a > 2)", 0.5},
		{"not (a <= 3 or on)", 1},
		{"not (a > 2 and on)", 0.5},
		{"tier == 'linear'", 1},
		{"not on", 1},
	} {
		e, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Violation(lookup)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v, want %v", c.text, got, err, c.want)
		}
		truth, err := e.Evaluate(lookup)
		if err != nil || truth.Truth != (got == 0) {
			t.Errorf("%s is %v with violation %v", c.text, truth, got)
		}
	}
}

func TestGoal(t *testing.T) {
	g, err := ParseGoal("maximize a * 2 where a > 1 and on")
	if err != nil || !g.Maximize || g.Value.String() != "a * 2" || g.Where.String() != "a > 1 and on" {
		t.Fatalf("%v, %v", g, err)
	}
	if g.String() != "maximize a * 2 where a > 1 and on" {
		t.Errorf("prints as %s", g)
	}
	if g, err = ParseGoal("b.c_d"); err != nil || g.Maximize || g.Where != nil || g.String() != "minimize b.c_d" {
		t.Errorf("%v, %v", g, err)
	}
	for text, column := range map[string]int{"minimize": 9, "a where": 8, "minimize a where b +": 21, "a where b where c": 11} {
		var fault *Error
		if _, err := ParseGoal(text); !errors.As(err, &fault) || fault.Column != column {
			t.Errorf("%q: %v, want column %d", text, err, column)
		}
	}
	if g, err = ParseGoal("a where zero < tier"); err != nil {
		t.Fatal(err)
	}
	if _, faults := g.Where.Check(kinds); len(faults) != 1 || faults[0].Column != 16 {
		t.Errorf("faults of a condition count in the whole text: %v", faults)
	}
}

func TestNames(t *testing.T) {
	e, err := Parse("z.b + a + a * max(c, 1)")
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Names(); !slices.Equal(got, []string{"a", "c", "z.b"}) {
		t.Errorf("%q", got)
	}
}

// FuzzParse: nothing panics; what parses prints as what parses to the same
// value; what Check accepts evaluates to the kind it said.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a + 1 <= b.c_d or not on", "min(a, 2) * -(3 / zero)", "tier == 'x'", "minimize a where on", "q.layer[x[a-c]*/y?].bits", "((", "1e9e9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if g, err := ParseGoal(text); err == nil {
			again, err := ParseGoal(g.String())
			if err != nil || again.String() != g.String() {
				t.Fatalf("%q prints as %q, which reads as %v, %v", text, g, again, err)
			}
		}
		e, err := Parse(text)
		if err != nil {
			var fault *Error
			if !errors.As(err, &fault) || fault.Column < 1 || fault.Rule == "" {
				t.Fatalf("%q: fault without a place: %v", text, err)
			}
			return
		}
		kind, faults := e.Check(kinds)
		got, err := e.Evaluate(lookup)
		if len(faults) == 0 && err == nil && got.Kind != kind {
			t.Fatalf("%q is of kind %v, checked as %v", text, got.Kind, kind)
		}
		violation, missed := e.Violation(lookup)
		if kind == Truth && len(faults) == 0 && err == nil && missed == nil && got.Truth != (violation == 0) {
			t.Fatalf("%q is %v with violation %v", text, got, violation)
		}
	})
}
