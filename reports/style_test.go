package reports

import (
	"os"
	"testing"
)

func TestDetectStyle(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct {
		noColor, force string
		want           bool
	}{
		{"", "", false}, {"", "1", true}, {"", "0", false}, {"1", "1", false}, {"1", "", false},
	} {
		t.Setenv("NO_COLOR", c.noColor)
		t.Setenv("CLICOLOR_FORCE", c.force)
		if got := DetectStyle(f).Color; got != c.want {
			t.Errorf("NO_COLOR=%q CLICOLOR_FORCE=%q: colour %v in a file, want %v", c.noColor, c.force, got, c.want)
		}
	}
}

func TestIsTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if IsTerminal(null) || IsTerminal(nil) {
		t.Error("the null device or no file is taken for a terminal")
	}
	// A pseudo-terminal where the system has one.
	if terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err == nil {
		defer terminal.Close()
		if !IsTerminal(terminal) {
			t.Error("a pseudo-terminal is not taken for a terminal")
		}
	}
}
