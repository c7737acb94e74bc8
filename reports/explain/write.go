package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/npusim/npusim/reports"
)

// Widths in columns of a terminal.
const (
	textColumns    = 88
	meaningColumns = 64
)

// WriteList writes a table a section: a row a key with unit and meaning.
func WriteList(w io.Writer, sections []Section, style reports.Style) error {
	for i, s := range sections {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, style.Heading(s.Title))
		columns := []reports.Column{{Name: "key"}, {Name: "unit"}, {Name: "meaning"}}
		var rows [][]string
		for j := range s.Entries {
			e := &s.Entries[j]
			key, unit := e.Key, e.Unit
			for _, line := range reports.Wrap(e.Meaning, meaningColumns) {
				rows = append(rows, []string{key, unit, line})
				key, unit = "", ""
			}
		}
		if err := reports.Table(w, style, columns, rows); err != nil {
			return err
		}
	}
	return nil
}

// WriteEntries writes everything that is known of each key.
func WriteEntries(w io.Writer, sections []Section, style reports.Style) error {
	first := true
	for _, s := range sections {
		for i := range s.Entries {
			if !first {
				fmt.Fprintln(w)
			}
			first = false
			if err := writeEntry(w, &s, &s.Entries[i], style); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeEntry(w io.Writer, s *Section, e *Entry, style reports.Style) error {
	var presets []string
	for _, p := range e.Presets {
		presets = append(presets, p.Preset+" "+p.Value)
	}
	absent := ""
	if e.Optional {
		absent = "where it does not apply"
	}
	facts := []struct{ name, text string }{
		{"Of", s.Title}, {"Meaning", e.Meaning}, {"Type", e.Type}, {"Unit", e.Unit}, {"Rule", e.Rule}, {"Absent", absent},
		{"Range", e.Range}, {"Allowed", strings.Join(e.Allowed, ", ")}, {"Default", e.Default}, {"Presets", strings.Join(presets, ", ")},
	}
	text := style.Heading(e.Key) + "\n"
	for _, f := range facts {
		name := f.name
		if f.text == "" {
			continue
		}
		for _, line := range reports.Wrap(reports.Printable(f.text), textColumns) {
			text += fmt.Sprintf("  %-8s  %s\n", name, line)
			name = ""
		}
	}
	_, err := io.WriteString(w, text)
	return err
}

// WriteJSON writes the sections indented.
func WriteJSON(w io.Writer, sections []Section) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Sections []Section `json:"sections"`
	}{sections})
}
