package reports

import (
	"os"
)

// Style is how text is decorated. The text says the same without decoration.
type Style struct {
	Color bool // ANSI escape sequences: bold headings, red for what is wrong
}

// DetectStyle chooses the style for output to f. Colour is used when f is a
// terminal that can show it; a non-empty NO_COLOR turns it off, else a
// CLICOLOR_FORCE other than 0 turns it on for files and pipes too.
// See https://no-color.org and https://bixense.com/clicolors.
func DetectStyle(f *os.File) Style {
	if os.Getenv("NO_COLOR") != "" {
		return Style{}
	}
	if force := os.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		return Style{Color: true}
	}
	return Style{Color: os.Getenv("TERM") != "dumb" && IsTerminal(f)}
}

// IsTerminal tells whether f is a terminal: a character device other than the
// null device.
func IsTerminal(f *os.File) bool {
	if f == nil {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// ANSI "select graphic rendition" sequences.
const (
	bold  = "\x1b[1m"
	red   = "\x1b[1;31m"
	reset = "\x1b[0m"
)

func (s Style) heading(text string) string { return s.wrap(bold, text) }

func (s Style) alarm(text string) string { return s.wrap(red, text) }

func (s Style) wrap(sequence, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return sequence + text + reset
}
