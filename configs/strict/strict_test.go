package strict

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mode is an enumeration that reads itself.
type mode uint8

func (m *mode) UnmarshalText(text []byte) error {
	switch string(text) {
	case "fast":
		*m = 1
	case "slow":
		*m = 2
	case "odd":
		return errors.New("odd is not even")
	default:
		return &ValueError{Rule: "must be fast or slow", Nearest: Nearest(string(text), []string{"fast", "slow"})}
	}
	return nil
}

type common struct {
	Title string `toml:"title"`
}

type row struct {
	Match string    `toml:"match"`
	Scale []float64 `toml:"scale"`
	Count *int      `toml:"count"`
}

type sample struct {
	common
	Ratio  float32            `toml:"ratio"`
	Small  uint8              `toml:"small"`
	On     bool               `toml:"on"`
	Mode   mode               `toml:"mode"`
	Pair   [2]int             `toml:"pair"`
	Table  inner              `toml:"table"`
	Rows   []row              `toml:"row"`
	Free   map[string]float64 `toml:"free"`
	Any    any                `toml:"any"`
	Hidden int
}

type inner struct {
	BlockBytes int64    `toml:"block_bytes"`
	Names      []string `toml:"names"`
}

func TestDecodeStoresEveryKind(t *testing.T) {
	got := sample{Small: 7, Rows: []row{{Match: "old"}}}
	faults := Decode("a.toml", []byte(`
title = "x"
ratio = 3            # an integer serves as a float
on = true
mode = "slow"
pair = [1, 2]
table.block_bytes = 0x40
free = {a = 1, "b c" = 2.5}
any = [1, "two"]
[[row]]
match = '''m'''
[[row]]
scale = [0.5,
  1]
count = 4
`), &got)
	if faults != nil {
		t.Fatal(faults)
	}
	four := 4
	want := sample{
		common: common{"x"}, Ratio: 3, Small: 7, On: true, Mode: 2, Pair: [2]int{1, 2},
		Table: inner{BlockBytes: 64}, Free: map[string]float64{"a": 1, "b c": 2.5}, Any: []any{int64(1), "two"},
		Rows: []row{{Match: "m"}, {Scale: []float64{0.5, 1}, Count: &four}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{})); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsNameFileLineKeyRuleAndNearest(t *testing.T) {
	text := `titel = "x"
ratio = "3"
small = 300
on = 1
mode = "fsat"
pair = [1]
block_bytes = 1
free = {a = "b"}
[table]
block_byte = 1
block_bytes = 1.5
names = ["a", 2]
[[row]]
match = 3
[tabel]
x = 1
[[row]]
count = -1.0
"odd key" = 1
scale = [1,
  "x"]
`
	want := Faults{
		{"a.toml", 1, "titel", UnknownKey, "title"},
		{"a.toml", 2, "ratio", `must be a number, not the string "3"`, ""},
		{"a.toml", 3, "small", "must fit an unsigned integer of 8 bits, not 300", ""},
		{"a.toml", 4, "on", "must be true or false, not the integer 1", ""},
		{"a.toml", 5, "mode", "must be fast or slow", "fast"},
		{"a.toml", 6, "pair", "must be a list of 2, not of 1", ""},
		{"a.toml", 7, "block_bytes", UnknownKey, "table.block_bytes"},
		{"a.toml", 8, "free.a", `must be a number, not the string "b"`, ""},
		{"a.toml", 10, "table.block_byte", UnknownKey, "table.block_bytes"},
		{"a.toml", 11, "table.block_bytes", "must be an integer, not the number 1.5", ""},
		{"a.toml", 12, "table.names[1]", "must be a string, not the integer 2", ""},
		{"a.toml", 14, "row[0].match", "must be a string, not the integer 3", ""},
		{"a.toml", 15, "tabel", UnknownSection, "table"},
		{"a.toml", 18, "row[1].count", "must be an integer, not the number -1", ""},
		{"a.toml", 19, `row[1]."odd key"`, UnknownKey, ""},
		{"a.toml", 21, "row[1].scale[1]", `must be a number, not the string "x"`, ""},
	}
	got := Decode("a.toml", []byte(text), new(sample))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFaultyKeysKeepTheirValue(t *testing.T) {
	got := sample{Mode: 1, Pair: [2]int{3, 4}, Rows: []row{{Match: "old"}}}
	want := got
	want.Rows = []row{{}, {Match: "new"}}
	faults := Decode("a.toml", []byte("mode = 'odd'\npair = [1]\nrow = [{match = 1}, {match = 'new'}]"), &got)
	if len(faults) != 3 || faults[0].Rule != "odd is not even" {
		t.Errorf("faults: %v", faults)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{})); diff != "" {
		t.Error(diff)
	}
}

func TestSyntaxFaults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		line       int
		rule       string // part of it
	}{
		{"no equals sign", "a = 1\nb 2", 2, "expected ="},
		{"no value", "a =\n", 1, "has no value"},
		{"no key", "\n\n= 1", 3, "expected a key"},
		{"open string", "a = 'x\nb = 1", 1, "no closing"},
		{"open long string", "a = 1\nb = '''x\n\n", 2, "no closing"},
		{"open list", "a = [1,\n2", 2, "expected , or ]"},
		{"open table", "a = {b = 1\n", 2, "expected , or }"},
		{"open header", "[a\n", 1, "expected ]"},
		{"half open header", "[[a]\n", 1, "expected ]]"},
		{"two values", "a = 1, 2", 1, "after the end of a value"},
		{"two strings", "a = 'x' 'y'", 1, "after the end of a value"},
		{"twice", "title = 'x'\ntitle = 'y'", 2, "already"},
		{"bad number", "small = 1.2.3", 1, "syntax"},
		{"bad escape", `title = "\q"`, 1, "escape"},
		{"not text", "a = '\xff'", 0, "UTF-8"},
		{"zero byte", "a = '\x00'", 0, "UTF-8"},
		{"deep list", "a = " + strings.Repeat("[", 1000), 1, "deeper than 16"},
		{"deep table", "a = " + strings.Repeat("{a=", 1000), 1, "deeper than 16"},
		{"deep key", strings.Repeat("a.", 1000) + "a = 1", 1, "deeper than 16"},
		{"deep header", "[" + strings.Repeat("a.", 1000) + "a]", 1, "deeper than 16"},
		{"too long", strings.Repeat("#", MaxBytes+1), 0, "longer than 1024 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults := Decode("a.toml", []byte(c.text), new(sample))
			if len(faults) != 1 || faults[0].Line != c.line || faults[0].File != "a.toml" || !strings.Contains(faults[0].Rule, c.rule) {
				t.Errorf("got %+v, want line %d, rule with %q", faults, c.line, c.rule)
			}
		})
	}
}

func TestLines(t *testing.T) {
	document, faults := Parse("a.toml", []byte("\uFEFF# comment\r\n"+
		"a . b = 1 # x = 2\r\n"+
		"\"q\\u0041\" = \"\"\"\n = 3\"\"\"\"\n"+
		"list = [ # one\n { x = 1,\n y = 'z' }, [\n 2 ] ]\n"+
		"[[t.u]]\nv = 1979-05-27 07:32:00\n[[t.u]]\n[t.u.w]\n'k.l' = \"\\\"]\"\nend = 1"))
	if faults != nil {
		t.Fatal(faults)
	}
	want := map[string]int{
		"a": 2, "a.b": 2, "qA": 3,
		"list": 5, "list[0]": 6, "list[0].x": 6, "list[0].y": 7, "list[1]": 7, "list[1][0]": 8,
		"t": 9, "t.u": 9, "t.u[0]": 9, "t.u[0].v": 10, "t.u[1]": 11, "t.u[1].w": 12,
		`t.u[1].w."k.l"`: 13, "t.u[1].w.end": 14,
	}
	if diff := cmp.Diff(want, document.Lines()); diff != "" {
		t.Error(diff)
	}
	if line := document.Line("t.u[0].v.deeper"); line != 10 {
		t.Errorf("line of a key below one that is there: %d, want 10", line)
	}
	if line := document.Line("nowhere"); line != 0 {
		t.Errorf("line of a missing key: %d, want 0", line)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"rows", "columns", "weight_buffer_kib", "clock_mhz", "per-layer", "per-layer-shift", "per-channel"}
	for name, want := range map[string]string{
		"row":                             "rows",
		"clok":                            "clock_mhz",
		"wieght_buffer":                   "weight_buffer_kib",
		"mhz":                             "",
		"colums":                          "columns",
		"cloumns":                         "columns",
		"weight_buffer":                   "weight_buffer_kib",
		"per_channel":                     "per-channel",
		"per-layer-shf":                   "per-layer-shift",
		"PER-LAYER":                       "per-layer",
		"zebra":                           "",
		"":                                "",
		strings.Repeat("per-layer", 1000): "",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestErrorText(t *testing.T) {
	one := Fault{"a.toml", 3, "b.c", "must be odd", "d"}
	if got, want := (Faults{one}).Error(), "a.toml:3: b.c: must be odd (did you mean d?)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got := (Faults{one, {File: "longer.toml", Key: "e", Rule: "is missing"}}).Error()
	want := "2 faults:\n" +
		"  a.toml:3     b.c  must be odd (did you mean d?)\n" +
		"  longer.toml  e    is missing"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := (Faults{}).Err(); err != nil {
		t.Errorf("empty list is the error %v", err)
	}
	many := make(Faults, 1000)
	if text := many.Error(); !strings.HasSuffix(text, "and 950 more") || strings.Count(text, "\n") > 60 {
		t.Errorf("text of 1000 faults is not bounded: %d bytes", len(text))
	}
}

// Large hostile files give a bounded error text, and give it soon enough for a
// test.
func TestLargeFiles(t *testing.T) {
	repeat := func(s string) string { return strings.Repeat(s, 200<<10/len(s)) }
	var keys strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&keys, "kkkkkkkkkk%d = 1\n", i)
	}
	for _, text := range []string{
		repeat("\n") + "x", "a = [" + repeat("1,") + "]", repeat("[[rows]]\n"), repeat("["), repeat("{"), repeat("'"),
		"a = \"" + repeat(`\"`), keys.String(), "a = [" + repeat("{x=1},") + "]", repeat("]"), repeat("#\n") + "=",
	} {
		faults := Decode("a.toml", []byte(text), new(sample))
		if len(faults) == 0 || len(faults.Error()) > 10000 {
			t.Errorf("%q...: %d faults, text of %d bytes", text[:20], len(faults), len(faults.Error()))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "a = 1", "title = 'x'\n[table]\nnames = ['a']\n[[row]]\nmatch = \"m\"\n", "[[row]]\n[row.x]\n",
		"a = {b = [1, {c = 2}],\n d = \"\"\"x\\\"\"\"\"}", "'k' . \"\\u0041\" = 1979-05-27 # c", "row = [{count = 1}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		document, faults := Parse("f.toml", data)
		if faults != nil {
			if len(faults) != 1 || faults.Error() == "" {
				t.Fatalf("a syntax error must be one fault with a text: %v", faults)
			}
			return
		}
		last := 1 + strings.Count(string(data), "\n")
		for _, fault := range document.Decode(new(sample)) {
			if fault.Line < 1 || fault.Line > last || fault.Key == "" || fault.Rule == "" {
				t.Fatalf("fault without a place: %+v", fault)
			}
			if fault.Line != document.Line(fault.Key) || !document.Has(fault.Key) {
				t.Fatalf("the key %q of a fault is not in the line index", fault.Key)
			}
		}
	})
}
