package dram

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/configs/strict"
)

// TestParseStandard: a text is read as the file with the same content.
func TestParseStandard(t *testing.T) {
	text, err := standardFiles.ReadFile("standards/hbm3.toml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load("hbm3")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseStandard("mine", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	unnamed, err := ParseStandard("mine", []byte(strings.Replace(string(text), `name = "hbm3"`, "", 1)))
	if err != nil || unnamed.Name != "mine" {
		t.Errorf("a text without a name: %v, %v", unnamed, err)
	}
	for _, c := range []struct{ text, part string }{
		{"", "mine clock_ps"},
		{"cl = ", "mine:1: syntax"},
		{"clock_pz = 3", "did you mean clock_ps"},
		{strings.Repeat("#\n", strict.MaxBytes), "mine: larger than 1 MiB"},
	} {
		_, err := ParseStandard("mine", []byte(c.text))
		if err == nil || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), c.part) {
			t.Errorf("%.20q: %v, want %q", c.text, err, c.part)
		}
	}
}
