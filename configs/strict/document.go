package strict

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Document is a parsed TOML file with the line of every key.
type Document struct {
	path  string
	root  map[string]any
	lines map[string]int
}

// Parse reads a document without giving it meaning. The path only serves
// the faults.
func Parse(path string, data []byte) (*Document, Faults) {
	if len(data) > MaxBytes {
		return nil, Faults{{File: path, Rule: fmt.Sprintf("the file is longer than %d KiB", MaxBytes>>10)}}
	}
	text := string(data)
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, Faults{{File: path, Rule: "not a UTF-8 text file"}}
	}
	index, err := indexLines(text)
	if err != nil {
		var syntax *syntaxError
		errors.As(err, &syntax)
		return nil, Faults{{File: path, Line: syntax.line, Rule: "syntax: " + syntax.rule}}
	}
	document := &Document{path: path, root: map[string]any{}, lines: index.lines}
	if _, err := toml.Decode(text, &document.root); err != nil {
		fault := Fault{File: path, Rule: "syntax: " + strings.TrimPrefix(err.Error(), "toml: ")}
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			fault.Line, fault.Key, fault.Rule = syntax.Position.Line, syntax.LastKey, "syntax: "+syntax.Message
		}
		return nil, Faults{fault}
	}
	return document, nil
}

// Decode parses data and stores its values in the struct that v points to;
// see Document.Decode. A file with syntax errors leaves v unchanged.
func Decode(path string, data []byte, v any) Faults {
	document, faults := Parse(path, data)
	if faults != nil {
		return faults
	}
	return document.Decode(v)
}

// Line is the line of a full key, or of the nearest enclosing one; 0 if the
// document does not hold it.
func (d *Document) Line(key string) int {
	for key != "" {
		if line, ok := d.lines[key]; ok {
			return line
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return 0
}

// Has reports whether the document sets the full key.
func (d *Document) Has(key string) bool {
	_, ok := d.lines[key]
	return ok
}

// String returns the string at a dotted key of plain names, and whether there
// is one.
func (d *Document) String(key string) (string, bool) {
	var value any = d.root
	for part := range strings.SplitSeq(key, ".") {
		table, ok := value.(map[string]any)
		if !ok {
			return "", false
		}
		value = table[part]
	}
	text, ok := value.(string)
	return text, ok
}

// Lines is the line of every key of the document that holds a value or opens
// a table. The caller must not change it.
func (d *Document) Lines() map[string]int { return d.lines }
