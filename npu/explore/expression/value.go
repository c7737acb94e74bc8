package expression

import (
	"fmt"
	"strconv"
)

// Kind is the type of a value.
type Kind uint8

// Kinds. A name of kind Invalid is unknown.
const (
	Invalid Kind = iota
	Number
	Text
	Truth
)

var kindNames = [...]string{Invalid: "nothing", Number: "a number", Text: "a text", Truth: "true or false"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Value is a number, a text or a truth. The field of its kind holds it.
type Value struct {
	Kind   Kind
	Number float64
	Text   string
	Truth  bool
}

// NumberOf makes a number.
func NumberOf(x float64) Value { return Value{Kind: Number, Number: x} }

// TextOf makes a text.
func TextOf(s string) Value { return Value{Kind: Text, Text: s} }

// TruthOf makes a truth.
func TruthOf(b bool) Value { return Value{Kind: Truth, Truth: b} }

// String is the value as an expression writes it; numbers in their shortest
// form that reads back the same.
func (v Value) String() string {
	switch v.Kind {
	case Number:
		return strconv.FormatFloat(v.Number, 'g', -1, 64)
	case Text:
		return strconv.Quote(v.Text)
	case Truth:
		return strconv.FormatBool(v.Truth)
	}
	return "nothing"
}

// Lookup gives the value of a name, and whether it has one.
type Lookup func(name string) (Value, bool)

// Error is a fault of an expression.
type Error struct {
	Column int    // in characters from 1, of the text that was parsed
	Rule   string // what is wrong and what would be right
	Name   string // the unknown or unsuitable name that is to blame, or empty
}

func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Rule) }
