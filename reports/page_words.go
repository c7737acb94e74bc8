package reports

import "strings"

// spaced writes a key in words.
func spaced(key string) string { return strings.ReplaceAll(printable(key), "_", " ") }

// title begins words with a capital letter.
func title(words string) string {
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

func printableAll(list []string) []string {
	clean := make([]string, len(list))
	for i, s := range list {
		clean[i] = printable(s)
	}
	return clean
}

// printableLines is printable for a text of several lines.
func printableLines(text string) string {
	return strings.Join(printableAll(strings.Split(text, "\n")), "\n")
}
