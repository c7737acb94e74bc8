package configs

import (
	"regexp"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

var (
	// settingKey is the dotted form of a key, without quotes.
	settingKey = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	// bareWord is a value that people write without quotes.
	bareWord = regexp.MustCompile(`^[A-Za-z0-9_./*?-]+$`)
)

// settings applies "section.key=value" settings as one source, so that their
// order matters only between settings of the same key.
func (l *loader) settings(sets []string) {
	type setting struct {
		document *strict.Document
		at       origin
	}
	var parsed []setting
	for _, text := range sets {
		at := origin{file: "--set " + shorten(text), rank: l.rank}
		if document := l.setting(text, at); document != nil {
			parsed = append(parsed, setting{document, at})
		}
	}
	documents := make([]*strict.Document, len(parsed))
	for i, s := range parsed {
		documents[i] = s.document
		l.memoryPreset(s.document, &s.at)
	}
	l.replaceMemory(documents...)
	for _, s := range parsed {
		l.apply(s.document, &s.at)
		l.standard(s.document, &s.at, readRegular)
		l.folders(s.document, &s.at, "")
	}
}

// setting parses one setting; nil if that fails.
func (l *loader) setting(text string, at origin) *strict.Document {
	key, value, found := strings.Cut(text, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	refuse := func(rule string) *strict.Document {
		l.report(strict.Fault{File: at.file, Rule: rule})
		return nil
	}
	switch {
	case !found || !settingKey.MatchString(key):
		return refuse("must have the form section.key=value")
	case strings.ContainsAny(value, "\n\r"):
		return refuse("must be one line")
	case key == "inherit":
		return refuse("only a file can inherit; name the preset or file instead")
	}
	document, faults := strict.Parse(at.file, []byte(key+" = "+textValue(key, value)))
	if faults != nil && bareWord.MatchString(value) {
		document, faults = strict.Parse(at.file, []byte(key+" = "+quote(value)))
	}
	for i := range faults {
		faults[i].Key, faults[i].Line = key, 0
	}
	l.report(faults...)
	return document
}

// textValue is the TOML of a value. Texts need no quotes for keys that take
// nothing else, and one text serves as a list.
func textValue(key, value string) string {
	list := key == "dram.controller"
	text := key == "dram.standard" || isFolderKey(key)
	if value == "" || !list && !text || list && value[0] == '[' {
		return value
	}
	if value[0] != '"' && value[0] != '\'' {
		value = quote(value)
	}
	if list {
		return "[" + value + "]"
	}
	return value
}
