package strict

import "strings"

// maxName bounds the names worth comparing: comparison takes time in the
// product of both lengths.
const maxName = 64

// Nearest returns the candidate that name most likely stands for, or "" when
// none is near: at most a third of the letters differ (counting a swap of two
// neighbours as one difference), or one of the two begins with the other, or so
// much differs from the words that the candidate begins with: its unit was
// forgotten, too.
// The first of equally near candidates wins.
func Nearest(name string, candidates []string) string {
	if name == "" || len(name) > maxName {
		return ""
	}
	name = normal(name)
	limit := max(1, len(name)/3)
	best, bestDistance := "", limit+1
	for _, candidate := range candidates {
		if len(candidate) > maxName {
			continue
		}
		d := distance(name, normal(candidate))
		if isPrefix(name, normal(candidate)) {
			d = min(d, limit)
		}
		if nearBeginning(name, normal(candidate), limit) {
			d = min(d, limit)
		}
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// normal folds what people mix up without meaning another name.
func normal(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// isPrefix reports whether one name begins with the other, as a key does whose
// unit was forgotten. Short beginnings say too little.
func isPrefix(a, b string) bool {
	if min(len(a), len(b)) < 3 {
		return false
	}
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// nearBeginning reports whether at most limit letters of name differ from the
// words, joined by underscores, that a candidate begins with. Short words say
// too little.
func nearBeginning(name, candidate string, limit int) bool {
	const shortest = 4
	for i := range len(candidate) {
		if candidate[i] == '_' && min(i, len(name)) >= shortest && distance(name, candidate[:i]) <= limit {
			return true
		}
	}
	return false
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbouring bytes between a and b (optimal string alignment).
func distance(a, b string) int {
	var rows [3][maxName + 1]int
	before, above, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			substitution := 1
			if a[i-1] == b[j-1] {
				substitution = 0
			}
			d := min(above[j]+1, row[j-1]+1, above[j-1]+substitution)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
