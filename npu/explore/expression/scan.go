package expression

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of an expression, far above what anyone writes.
const (
	maxLength = 4096
	maxDepth  = 64
)

// token is a piece of an expression.
type token struct {
	kind   tokenKind
	text   string // of operators, names and words; unquoted of texts
	number float64
	offset int // in bytes
}

type tokenKind uint8

const (
	noToken tokenKind = iota
	endToken
	numberToken
	textToken
	nameToken
	operatorToken
)

// describe is the token as messages call it.
func (t token) describe() string {
	switch t.kind {
	case endToken:
		return "the end"
	case textToken:
		return "the text " + strconv.Quote(t.text)
	}
	return strconv.Quote(t.text)
}

// operators, longer ones before those they begin with.
var operators = []string{"<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "(", ")", ","}

// scan cuts a text into tokens, with one endToken at the end.
func scan(text string) ([]token, *Error) {
	if len(text) > maxLength {
		return nil, &Error{Column: 1, Rule: "the expression is longer than " + strconv.Itoa(maxLength) + " bytes"}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{Column: 1, Rule: "the expression is not UTF-8 text"}
	}
	var tokens []token
	for at := 0; ; {
		for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
			at++
		}
		if at == len(text) {
			return append(tokens, token{kind: endToken, offset: at}), nil
		}
		t, length, rule := scanOne(text[at:])
		if rule != "" {
			return nil, &Error{Column: column(text, at), Rule: rule}
		}
		t.offset = at
		tokens = append(tokens, t)
		at += length
	}
}

// scanOne reads the token that the text begins with.
func scanOne(text string) (t token, length int, rule string) {
	switch c := text[0]; {
	case isDigit(c) || c == '.' && len(text) > 1 && isDigit(text[1]):
		length = numberLength(text)
		x, err := strconv.ParseFloat(text[:length], 64)
		if err != nil {
			return t, 0, strconv.Quote(text[:length]) + " is no number"
		}
		return token{kind: numberToken, text: text[:length], number: x}, length, ""
	case isLetter(c):
		length = nameLength(text)
		if length == 0 {
			return t, 0, "a bracket of a name is not closed"
		}
		return token{kind: nameToken, text: text[:length]}, length, ""
	case c == '"' || c == '\'':
		end := strings.IndexByte(text[1:], c)
		if end < 0 {
			return t, 0, "a text has no closing quote"
		}
		return token{kind: textToken, text: text[1 : 1+end]}, end + 2, ""
	}
	for _, operator := range operators {
		if strings.HasPrefix(text, operator) {
			return token{kind: operatorToken, text: operator}, len(operator), ""
		}
	}
	r, _ := utf8.DecodeRuneInString(text)
	if r == '=' {
		return t, 0, "= is no operator; equality is written =="
	}
	return t, 0, strconv.QuoteRune(r) + " has no meaning here"
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }

// numberLength is the length of the number that a text begins with: digits, a
// fraction, an exponent. What runs into letters is refused by the parser, since
// two operands follow each other.
func numberLength(text string) int {
	i := 0
	for i < len(text) && (isDigit(text[i]) || text[i] == '.') {
		i++
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		j := i + 1
		if j < len(text) && (text[j] == '+' || text[j] == '-') {
			j++
		}
		if j < len(text) && isDigit(text[j]) {
			for j < len(text) && isDigit(text[j]) {
				j++
			}
			i = j
		}
	}
	return i
}

// nameLength is the length of the name that a text begins with, 0 if a bracket
// stays open. Parts after the first may begin with a digit.
func nameLength(text string) int {
	i := 0
	for i < len(text) {
		switch c := text[i]; {
		case isLetter(c) || isDigit(c):
			i++
		case c == '.' && i+1 < len(text) && (isLetter(text[i+1]) || isDigit(text[i+1])):
			i++
		case c == '[':
			depth := 0
			for ; i < len(text); i++ {
				if text[i] == '[' {
					depth++
				}
				if text[i] == ']' {
					if depth--; depth == 0 {
						break
					}
				}
			}
			if i == len(text) {
				return 0
			}
			i++
		default:
			return i
		}
	}
	return i
}

// column is the place of an offset in characters from 1.
func column(text string, offset int) int { return 1 + utf8.RuneCountInString(text[:offset]) }
