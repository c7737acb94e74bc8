package isa

import (
	"fmt"
	"strconv"
	"strings"
)

// splitLine cuts a line of text into tokens at blanks outside quotes, braces
// and brackets, and drops the comment.
func splitLine(line string) ([]string, error) {
	var tokens []string
	start := -1 // of the current token
	var closers []byte
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c == '"':
			if start < 0 {
				start = i
			}
			quoted, err := strconv.QuotedPrefix(line[i:])
			if err != nil {
				return nil, fmt.Errorf("column %d: text without closing quote", i+1)
			}
			i += len(quoted)
			continue
		case c == '{' || c == '[':
			if start < 0 {
				start = i
			}
			if len(closers) == maxTextDepth {
				return nil, fmt.Errorf("column %d: brackets nest at most %d deep", i+1, maxTextDepth)
			}
			closers = append(closers, c+2) // '{' + 2 is '}', '[' + 2 is ']'
		case len(closers) > 0 && c == closers[len(closers)-1]:
			closers = closers[:len(closers)-1]
		case c == '}' || c == ']':
			return nil, fmt.Errorf("column %d: unexpected %q", i+1, c)
		case c == ';':
			line = line[:i]
			continue
		case len(closers) == 0 && (c == ' ' || c == '\t' || c == '\r'):
			if start >= 0 {
				tokens, start = append(tokens, line[start:i]), -1
			}
		case start < 0:
			start = i
		}
		i++
	}
	if len(closers) > 0 {
		return nil, fmt.Errorf("missing %q at the end of the line", closers[len(closers)-1])
	}
	if start >= 0 {
		tokens = append(tokens, line[start:])
	}
	return tokens, nil
}

const maxTextDepth = 4

// nearest returns the name most like word, or "" if none is close.
func nearest(word string, names []string) string {
	best, bestDistance := "", len(word)/2+2
	for _, name := range names {
		if len(name) > 2*len(word)+4 || len(word) > 2*len(name)+4 {
			continue
		}
		if d := editDistance(word, name); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions and replacements of bytes
// that turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// unknown is the error for a word that is none of the valid names.
func unknown(what, word string, names []string) error {
	if len(word) > 40 {
		word = word[:40] + "…"
	}
	if n := nearest(word, names); n != "" {
		return fmt.Errorf("unknown %s %q, did you mean %q?", what, word, n)
	}
	return fmt.Errorf("unknown %s %q, valid: %s", what, word, enumList(names))
}

// find returns the index of a name in a table whose unused rows are empty.
func find(what, word string, names []string) (int, error) {
	for i, n := range names {
		if n == word && n != "" {
			return i, nil
		}
	}
	return 0, unknown(what, word, names)
}

// cutField splits "name=value".
func cutField(token string) (name, value string, err error) {
	name, value, found := strings.Cut(token, "=")
	if !found || name == "" || value == "" {
		return "", "", fmt.Errorf("%q is not of the form name=value", token)
	}
	return name, value, nil
}

func parseUnsigned(what, text string, bits int) (uint64, error) {
	v, err := strconv.ParseUint(text, 0, bits)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no whole number of 0 to 2^%d - 1", what, text, bits)
	}
	return v, nil
}

func parseSigned(what, text string, bits int) (int64, error) {
	v, err := strconv.ParseInt(text, 0, bits)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no whole number of -2^%d to 2^%d - 1", what, text, bits-1, bits-1)
	}
	return v, nil
}
