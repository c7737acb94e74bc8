package dram

import (
	"fmt"

	"github.com/npusim/npusim/configs/strict"
)

// ParseStandard reads a standard from its text, a file as Load takes it. The
// name is what errors call the text, and what the standard is called if the
// text does not say. An error names the line, the key and the rule.
func ParseStandard(name string, text []byte) (*Standard, error) {
	if len(text) > strict.MaxBytes {
		return nil, fmt.Errorf("%s: %w", name, errTooLarge)
	}
	return parseStandard(name, name, text)
}
