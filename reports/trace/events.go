package trace

import (
	"strconv"
	"strings"
)

// begin opens an event with the keys that all have.
func (t *writer) begin(phase string, process, thread int, name string) {
	b := t.buffer[:0]
	if t.events > 0 {
		b = append(b, ',')
	}
	t.events++
	b = append(b, "\n{\"ph\":\""...)
	b = append(b, phase...)
	b = append(b, `","pid":`...)
	b = strconv.AppendInt(b, int64(process), 10)
	b = append(b, `,"tid":`...)
	b = strconv.AppendInt(b, int64(thread), 10)
	t.buffer = b
	t.text("name", name)
}

// end closes the event, with its arguments if there are any.
func (t *writer) end(arguments ...argument) {
	b := t.buffer
	for i, a := range arguments {
		if i == 0 {
			b = append(b, `,"args":{`...)
		} else {
			b = append(b, ',')
		}
		b = quote(b, a.key)
		b = append(b, ':')
		switch a.form {
		case textForm:
			b = quote(b, a.text)
		case realForm:
			b = strconv.AppendFloat(b, a.number, 'g', 6, 64)
		default:
			b = strconv.AppendInt(b, a.count, 10)
		}
	}
	if len(arguments) > 0 {
		b = append(b, '}')
	}
	t.buffer = append(b, '}')
	t.w.Write(t.buffer)
}

// text adds a key with a string.
func (t *writer) text(key, value string) {
	t.buffer = append(t.buffer, ',')
	t.buffer = quote(t.buffer, key)
	t.buffer = append(t.buffer, ':')
	t.buffer = quote(t.buffer, value)
}

// time adds a key with nanoseconds in microseconds.
func (t *writer) time(key string, nanoseconds int64) {
	b := append(t.buffer, `,"`...)
	b = append(b, key...)
	b = append(b, `":`...)
	b = strconv.AppendInt(b, nanoseconds/1000, 10)
	if rest := nanoseconds % 1000; rest > 0 {
		b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	t.buffer = b
}

// number adds a key with an integer.
func (t *writer) number(key string, n int64) {
	t.buffer = append(t.buffer, ',')
	t.buffer = quote(t.buffer, key)
	t.buffer = append(t.buffer, ':')
	t.buffer = strconv.AppendInt(t.buffer, n, 10)
}

// argument is a key of an event's args.
type argument struct {
	key    string
	form   form
	text   string
	number float64
	count  int64
}

// form says which value of an argument is meant.
type form uint8

const (
	invalidForm form = iota
	textForm
	realForm
	countForm
)

func text(key, s string) argument         { return argument{key: key, form: textForm, text: s} }
func real(key string, x float64) argument { return argument{key: key, form: realForm, number: x} }
func count[T int | int64](key string, n T) argument {
	return argument{key: key, form: countForm, count: int64(n)}
}

// quote appends a JSON string. Characters that JSON would escape by number,
// which not every viewer reads, become spaces.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range strings.ToValidUTF8(s, "\ufffd") {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c == 0x7f || c == '\u2028' || c == '\u2029':
			b = append(b, ' ')
		default:
			b = append(b, string(c)...)
		}
	}
	return append(b, '"')
}
