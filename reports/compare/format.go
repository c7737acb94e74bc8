package compare

import (
	"slices"
	"strconv"
)

// signed writes a number with its sign and a number of decimals; one that
// rounds to 0 keeps as many decimals as its first digit needs, six at most.
func signed(x float64, places int) string {
	for ; places < 6; places++ {
		if rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', places, 64), 64); rounded != 0 {
			break
		}
	}
	text := strconv.FormatFloat(x, 'f', places, 64)
	if x >= 0 {
		text = "+" + text
	}
	return text
}

// sortedNames lists the keys of all maps, sorted, each once.
func sortedNames(maps ...map[string]int64) []string {
	var names []string
	for _, m := range maps {
		for name := range m { // sorted below
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
