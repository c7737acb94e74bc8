package configs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

// maxStandard bounds the text of a memory standard: with every byte escaped
// the printed configuration is still short enough to be read again.
const maxStandard = 128 << 10

var (
	errAlone   = errors.New("must be the text of a standard: this configuration stands alone, it has no files")
	errOutside = errors.New("must be a relative path that stays in the folder of this file")
	errLong    = fmt.Errorf("longer than %d KiB, which no memory standard is", maxStandard>>10)
)

// memoryPreset applies the memory preset that a document names. Its keys count
// as set where the preset is named.
func (l *loader) memoryPreset(document *strict.Document, at *origin) {
	name, ok := document.String("dram.preset")
	if !ok || name == "" {
		return
	}
	preset, err := findMemory(name)
	if err != nil {
		return // validation will say so, with the place
	}
	preset.apply(&l.spec)
	for _, key := range memoryKeys {
		l.origins[key] = l.place(document, "dram.preset", at)
		delete(l.broken, key)
	}
}

// replaceMemory drops the memory of earlier sources where the documents of one
// source name another: a preset replaces a standard, a standard replaces a
// preset and all figures that a preset supplies.
func (l *loader) replaceMemory(documents ...*strict.Document) {
	names := func(key string) bool {
		return slices.ContainsFunc(documents, func(d *strict.Document) bool {
			name, ok := d.String(key)
			return ok && name != ""
		})
	}
	preset, standard := names("dram.preset"), names("dram.standard")
	switch {
	case preset && !standard:
		l.spec.DRAM.Standard = ""
		delete(l.origins, "dram.standard")
		delete(l.broken, "dram.standard")
	case standard && !preset:
		(&MemoryPreset{Efficiency: 1}).apply(&l.spec)
		for _, key := range append([]string{"dram.preset"}, memoryKeys...) {
			delete(l.origins, key)
			delete(l.broken, key)
		}
	}
}

// standard puts the text of a memory standard in the place of the name of its
// file, where a document gives one, and checks that it is TOML. What it says
// is for the memory model to judge.
func (l *loader) standard(source *strict.Document, at *origin, read func(name string) ([]byte, error)) {
	const key = "dram.standard"
	value, ok := source.String(key)
	if !ok || value == "" {
		return
	}
	place := l.place(source, key, at)
	refuse := func(format string, arguments ...any) {
		l.report(strict.Fault{File: place.file, Line: place.line, Key: key, Rule: fmt.Sprintf(format, arguments...)})
	}
	if strings.Contains(value, "\n") {
		if wrong := notStandard(value); wrong != "" {
			refuse("%s", wrong)
		}
		return
	}
	l.spec.DRAM.Standard = ""
	data, err := read(value)
	switch {
	case errors.Is(err, errAlone), errors.Is(err, errOutside):
		refuse("%v", err)
		return
	case err != nil:
		refuse("%q: %s", shorten(value), reason(err))
		return
	case len(data) > maxStandard:
		refuse("%q: %v", shorten(value), errLong)
		return
	}
	if _, faults := strict.Parse(value, data); faults != nil {
		refuse("%v", faults[0])
		return
	}
	l.spec.DRAM.Standard = string(data)
	if !strings.Contains(l.spec.DRAM.Standard, "\n") {
		l.spec.DRAM.Standard += "\n" // tells a text from the name of a file
	}
}

// notStandard says why a text cannot be a memory standard, if it cannot.
func notStandard(text string) string {
	switch {
	case len(text) > maxStandard:
		return "the text is " + errLong.Error()
	case !strings.Contains(text, "\n"):
		return "must be the text of a memory standard, which has several lines"
	}
	_, faults := strict.Parse("line", []byte(text))
	if faults != nil {
		return "the text is no memory standard: " + faults[0].Error()
	}
	return ""
}
