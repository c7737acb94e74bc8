package sweep

import (
	"fmt"
	"strings"

	"github.com/npusim/npusim/configs"
)

// TOML is the configuration of a point as a file that stands alone: it inherits
// from the preset of the sweep and gives every key that differs, below comment
// lines. Where the base is a file, or where keys would come out differently in
// one file, it is the whole configuration.
func (s *Sweep) TOML(indices []int, rung int, comments ...string) (string, error) {
	spec, err := s.Spec(indices, rung)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, comment := range comments {
		text.WriteString(strings.TrimRight("# "+comment, " ") + "\n")
	}
	changes := s.changes(spec, indices, rung)
	if s.Preset {
		sets := make([]string, len(changes))
		for i, c := range changes {
			sets[i] = c.path + "=" + c.literal
		}
		if again, err := configs.Load(s.BaseName, sets); err == nil && again.ConfigHash() == spec.ConfigHash() {
			fmt.Fprintf(&text, "inherit = %s\n", quote(s.BaseName))
			writeChanges(&text, changes)
			return text.String(), nil
		}
	}
	return text.String() + spec.TOML(), nil
}

// change is a key that a point gives another value.
type change struct{ path, literal string }

// changes are those of the sweep's settings and of the point, in the order of
// printed configurations.
func (s *Sweep) changes(spec *configs.Spec, indices []int, rung int) []change {
	changed := map[string]bool{}
	for _, set := range append(append([]string(nil), s.Set...), s.Settings(indices, rung)...) {
		key, _, _ := strings.Cut(set, "=")
		changed[strings.TrimSpace(key)] = true
	}
	var list []change
	for _, key := range configs.Keys() {
		if literal, ok := spec.Literal(key.Path); ok && changed[key.Path] && key.Scope != configs.LabelScope {
			list = append(list, change{key.Path, literal})
		}
	}
	return list
}

// writeChanges prints keys by section, a rule of a list a line.
func writeChanges(text *strings.Builder, changes []change) {
	section := ""
	for _, c := range changes {
		dot := strings.LastIndexByte(c.path, '.')
		if c.path[:dot] != section {
			section = c.path[:dot]
			fmt.Fprintf(text, "\n[%s]\n", section)
		}
		fmt.Fprintf(text, "%s = %s\n", c.path[dot+1:], c.literal)
	}
}
