package reports

import (
	"strings"
	"unicode"
)

// wide are the runes that take two columns of a terminal: the ideographs,
// syllables and full-width forms of East Asian scripts, and pictographs
// (Unicode Standard Annex 11, classes W and F, to the precision of a block).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul initial consonants
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // radicals, punctuation
		{Lo: 0x3041, Hi: 0x33ff, Stride: 1}, // kana and compatibility forms
		{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, // ideographs, extension A
		{Lo: 0x4e00, Hi: 0x9fff, Stride: 1}, // ideographs
		{Lo: 0xa000, Hi: 0xa4cf, Stride: 1}, // Yi
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul syllables
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // compatibility ideographs
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // compatibility forms
		{Lo: 0xff01, Hi: 0xff60, Stride: 1}, // full-width forms
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictographs
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // ideographs, further planes
	},
}

// runeWidth is the number of terminal columns that a rune takes.
func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// width is the number of terminal columns that a text takes. It must not
// contain control characters.
func width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// printable replaces what would move the cursor, recolour the terminal or
// break a line: names come from files of strangers.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// Shorten cuts a text in the middle so that it takes at most limit columns:
// the names of layers differ at the end, their blocks at the beginning.
func Shorten(text string, limit int) string {
	if width(text) <= limit {
		return text
	}
	if limit <= 1 {
		return strings.Repeat("…", max(limit, 0))
	}
	runes := []rune(text)
	tailWidth := limit / 2
	headWidth := limit - 1 - tailWidth
	head, used := 0, 0
	for head < len(runes) && used+runeWidth(runes[head]) <= headWidth {
		used += runeWidth(runes[head])
		head++
	}
	tail, used := len(runes), 0
	for tail > head && used+runeWidth(runes[tail-1]) <= tailWidth {
		used += runeWidth(runes[tail-1])
		tail--
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}

// Wrap breaks words into lines of at most limit columns, at least one line. A
// longer word has a line of its own, and a percent sign stays with its number.
func Wrap(text string, limit int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case strings.HasPrefix(word, "%"):
			if cut := strings.LastIndexByte(*last, ' '); cut >= 0 && width(*last)+1+width(word) > limit {
				number := (*last)[cut+1:]
				*last = (*last)[:cut]
				lines = append(lines, number+" "+word)
			} else {
				*last += " " + word
			}
		case width(*last)+1+width(word) <= limit:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
