package explain

import (
	"fmt"
	"regexp"
	"strings"
)

// An element of a list in a key that users write, by index or name. Names may
// have brackets of their own, and a key may have two elements: both readings
// are tried.
var (
	element    = regexp.MustCompile(`\[[^\]]*\]`)
	oneElement = regexp.MustCompile(`\[.*\]`)
)

// Find looks a key up: by its name, with elements of lists and names of maps as
// they stand in results; as a pattern, in which * stands for any text and ? for
// one character; as the name of a section or object, which stands for all keys
// below; or by the last part of its name. Sections without a match are left out.
// The error of a miss names the nearest key.
func Find(sections []Section, wanted string, nearest func(name string, candidates []string) string) ([]Section, error) {
	wanted = strings.TrimSuffix(strings.TrimSpace(wanted), ".")
	for _, match := range []func(key string) bool{either(exact(wanted), below(wanted)), glob(wanted), last(wanted)} {
		if found := filter(sections, match); len(found) > 0 {
			return found, nil
		}
	}
	var keys, parts []string
	for _, s := range sections {
		for i := range s.Entries {
			key := s.Entries[i].Key
			keys, parts = append(keys, key), append(parts, key[strings.LastIndexByte(key, '.')+1:])
		}
	}
	hint := nearest(wanted, keys)
	if hint == "" {
		hint = nearest(wanted[strings.LastIndexByte(wanted, '.')+1:], parts)
	}
	if hint == "" {
		return nil, fmt.Errorf("no key is called %q; npusim explain lists all", wanted)
	}
	return nil, fmt.Errorf("no key is called %q; did you mean %s?", wanted, hint)
}

func filter(sections []Section, match func(key string) bool) []Section {
	var found []Section
	for _, s := range sections {
		part := s
		part.Entries = nil
		for i := range s.Entries {
			if match(s.Entries[i].Key) {
				part.Entries = append(part.Entries, s.Entries[i])
			}
		}
		if len(part.Entries) > 0 {
			found = append(found, part)
		}
	}
	return found
}

func either(a, b func(key string) bool) func(string) bool {
	return func(key string) bool { return a(key) || b(key) }
}

// exact matches the key with elements and names of a result put in.
func exact(wanted string) func(string) bool {
	// A list of numbers stands for each of them.
	several := strings.TrimSuffix(element.ReplaceAllLiteralString(wanted, "[]"), "[]")
	return either(matching(wanted, several), matching(wanted, oneElement.ReplaceAllLiteralString(wanted, "[]")))
}

// matching is exact for one reading of the elements.
func matching(wanted, folded string) func(string) bool {
	parts := strings.Split(folded, ".")
	return func(key string) bool {
		if key == wanted || key == folded {
			return true
		}
		names := strings.Split(key, ".")
		if len(names) != len(parts) || !strings.Contains(key, AnyName) {
			return false
		}
		for i, name := range names {
			if name != parts[i] && name != AnyName {
				return false
			}
		}
		return true
	}
}

// glob matches patterns; a name without * and ? is none.
func glob(wanted string) func(string) bool {
	if !strings.ContainsAny(wanted, "*?") {
		return func(string) bool { return false }
	}
	text := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(wanted))
	pattern, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil { // too long to compile
		return func(string) bool { return false }
	}
	return pattern.MatchString
}

// below matches the keys of an object.
func below(wanted string) func(string) bool {
	return func(key string) bool {
		return wanted != "" && (strings.HasPrefix(key, wanted+".") || strings.HasPrefix(key, wanted+"[]."))
	}
}

// last matches the last part of a key.
func last(wanted string) func(string) bool {
	return func(key string) bool { return key[strings.LastIndexByte(key, '.')+1:] == wanted }
}

// Many reports whether there are more keys than are explained at length.
func Many(sections []Section) bool {
	const most = 4
	n := 0
	for i := range sections {
		n += len(sections[i].Entries)
	}
	return n > most
}
