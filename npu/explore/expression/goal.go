package expression

import (
	"errors"
	"strings"
)

// Goal is what an objective or a query asks for: the point with the least or
// the greatest value among those that meet a condition.
type Goal struct {
	Value    *Expression
	Maximize bool
	Where    *Expression // or nil
}

// ParseGoal reads "[minimize|maximize] EXPRESSION [where CONDITION]". Columns of
// errors count from the start of the text.
func ParseGoal(text string) (*Goal, error) {
	tokens, fault := scan(text)
	if fault != nil {
		return nil, fault
	}
	var g Goal
	from, to, condition := 0, len(text), -1
	if first := tokens[0]; first.kind == nameToken && (first.text == "minimize" || first.text == "maximize") {
		g.Maximize = first.text == "maximize"
		from = first.offset + len(first.text)
	}
	for _, t := range tokens {
		if t.kind == nameToken && t.text == "where" {
			to, condition = t.offset, t.offset+len(t.text)
			break
		}
	}
	var err error
	if g.Value, err = parsePart(text, from, to); err == nil && condition >= 0 {
		g.Where, err = parsePart(text, condition, len(text))
	}
	if err != nil {
		return nil, err
	}
	return &g, nil
}

// parsePart parses a part of a text with columns of the whole.
func parsePart(text string, from, to int) (*Expression, error) {
	shift := column(text, from) - 1
	e, err := Parse(text[from:to])
	if err == nil {
		e.shift = shift
		return e, nil
	}
	var fault *Error
	if errors.As(err, &fault) {
		fault.Column += shift
	}
	return nil, err
}

// Direction is the word of the goal's direction.
func (g *Goal) Direction() string {
	if g.Maximize {
		return "maximize"
	}
	return "minimize"
}

// String is the goal as ParseGoal reads it.
func (g *Goal) String() string {
	var b strings.Builder
	b.WriteString(g.Direction() + " " + g.Value.String())
	if g.Where != nil {
		b.WriteString(" where " + g.Where.String())
	}
	return b.String()
}
