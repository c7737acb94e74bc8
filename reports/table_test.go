package reports

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTable(t *testing.T) {
	var b strings.Builder
	err := Table(&b, Style{}, []Column{{Name: "Preset"}, {Name: "Clock", Unit: "MHz", Number: true}, {Name: "Remark"}},
		[][]string{{"edge", "800", "small"}, {"大きい", "1,200"}, {"evil\x1b[31m\n", "5", "é"}}, []string{"total", "2,005"})
	if err != nil {
		t.Fatal(err)
	}
	want := `Preset      Clock  Remark
              MHz
──────────  ─────  ──────
edge          800  small
大きい      1,200
evil?[31m?      5  é
──────────  ─────  ──────
total       2,005
`
	if b.String() != want {
		t.Errorf("table is\n%swant\n%s", b.String(), want)
	}
	if err := Table(&b, Style{}, []Column{{Name: "A"}}, [][]string{{"1", "2"}}); err == nil || !strings.Contains(err.Error(), "2 cells") {
		t.Errorf("a row longer than the header gives %v", err)
	}
}

func TestTableColumnsAlign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringN(0, 12, -1)
		columns := rapid.IntRange(1, 5).Draw(t, "columns")
		head := make([]Column, columns)
		for i := range head {
			head[i] = Column{Name: cell.Draw(t, "name"), Number: rapid.Bool().Draw(t, "number")}
		}
		head = append(head, Column{Name: "end"})
		var rows [][]string
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := make([]string, columns+1)
			for i := range columns {
				row[i] = cell.Draw(t, "cell")
			}
			row[columns] = "end"
			rows = append(rows, row)
		}
		text, err := formatTable(Style{}, "", head, rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) != len(rows)+2 {
			t.Fatalf("%d lines for %d rows", len(lines), len(rows))
		}
		for _, line := range lines {
			if !strings.HasSuffix(line, "end") && !strings.HasSuffix(line, "───") {
				t.Fatalf("line %q does not end in the last column", line)
			}
			if width(line) != width(lines[0]) {
				t.Fatalf("line %q takes %d columns, the header %d", line, width(line), width(lines[0]))
			}
		}
	})
}

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "µJ": 2, "層": 2, "e\u0301": 1, "ｗ": 2, "a\u200bb": 2, "한글": 4} {
		if got := width(text); got != want {
			t.Errorf("width(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 5, ""}, {"one two three", 7, "one two|three"}, {"a incomprehensible b", 5, "a|incomprehensible|b"},
		{"it is 1.7 %.", 10, "it is|1.7 %."}, {"it is 1.7 %.", 12, "it is 1.7 %."}, {"100 %", 3, "100 %"},
	} {
		if got := strings.Join(Wrap(c.text, c.limit), "|"); got != c.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 5, "short"}, {"abcdefghij", 7, "abc…hij"}, {"abcdefghij", 6, "ab…hij"}, {"abc", 1, "…"}, {"abc", 0, ""}, {"層層層層層", 6, "層…層"}, {"abc", -1, ""},
	} {
		if got := Shorten(c.text, c.limit); got != c.want {
			t.Errorf("Shorten(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		limit := rapid.IntRange(0, 30).Draw(t, "limit")
		got := Shorten(text, limit)
		if width(got) > limit || !utf8.ValidString(got) {
			t.Fatalf("Shorten(%q, %d) = %q of %d columns", text, limit, got, width(got))
		}
	})
}
