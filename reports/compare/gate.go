package compare

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/npusim/npusim/reports"
)

// Gate is a condition under which a comparison fails:
//
//	KEY OPERATOR [+|-]NUMBER[%]
//
// KEY is a dotted path of a summary, such as timing.cycles or
// layers[stem/conv].cycles. OPERATOR is one of < <= > >= == !=. With a percent
// sign the change against the first report is judged, in percent of it; with a
// sign but no percent sign, the difference from it; without both, the value of
// the report itself. Switches count as 0 and 1.
type Gate struct {
	Text string // as the user wrote it
	Key  string

	operator string
	against  against
	bound    float64
}

// against is what a gate sets its bound beside.
type against uint8

const (
	nothing    against = iota + 1 // the value itself is judged
	difference                    // from the first report, in the unit of the key
	percent                       // of the first report
)

// maxGate bounds the text of a gate.
const maxGate = 1000

var gateForm = regexp.MustCompile(`^\s*(\S.*?)\s*(<=|>=|==|!=|<|>)\s*([+-]?)\s*([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)\s*(%?)\s*$`)

// ParseGate reads the text of a gate. Whether its key exists is found by Judge.
func ParseGate(text string) (Gate, error) {
	if len(text) > maxGate {
		return Gate{}, fmt.Errorf("a gate has at most %d bytes, this one %d", maxGate, len(text))
	}
	parts := gateForm.FindStringSubmatch(text)
	if parts == nil || strings.ContainsAny(parts[1][len(parts[1])-1:], "=<>!") { // part of no key, but of no operator either
		return Gate{}, fmt.Errorf("%q must have the form KEY OPERATOR [+|-]NUMBER[%%], such as \"timing.cycles > +2%%\"; operators are < <= > >= == !=", text)
	}
	bound, err := strconv.ParseFloat(parts[3]+parts[4], 64)
	if err != nil {
		return Gate{}, fmt.Errorf("%q: %s is too large a number", text, parts[4])
	}
	g := Gate{Text: strings.TrimSpace(text), Key: parts[1], operator: parts[2], against: nothing, bound: bound}
	switch {
	case parts[5] == "%":
		g.against = percent
	case parts[3] != "":
		g.against = difference
	}
	if _, err := splitKey(g.Key); err != nil {
		return Gate{}, fmt.Errorf("%q: %w", text, err)
	}
	return g, nil
}

// Verdict is what a gate says of a report.
type Verdict struct {
	Gate    Gate
	Report  *Report
	First   Value // of the first report; absent where the gate does not look at it
	Value   float64
	Tripped bool
}

// Judge applies gates to all reports but the first. A key that does not exist
// or that a report does not have is an error; all of them are told at once.
func (c *Comparison) Judge(gates []Gate, suggest Suggest) error {
	var faults []error
	fail := func(g *Gate, err error) {
		err = fmt.Errorf("%q: %w", g.Text, err)
		for _, fault := range faults {
			if fault.Error() == err.Error() {
				return
			}
		}
		faults = append(faults, err)
	}
	c.Verdicts = nil
	for i := range gates {
		g := &gates[i]
		first := Value{Absent: true}
		if g.against != nothing {
			a, err := c.Reports[0].number(g.Key, suggest)
			if err != nil {
				fail(g, err)
				continue
			}
			first = Value{Number: a}
		}
		for _, r := range c.Reports[1:] {
			b, err := r.number(g.Key, suggest)
			if err != nil {
				fail(g, err)
				continue
			}
			c.Verdicts = append(c.Verdicts, Verdict{*g, r, first, b, g.holds(first.Number, b)})
		}
	}
	return errors.Join(faults...)
}

// holds tells whether the condition is met for the values of the first report
// and another.
func (g *Gate) holds(a, b float64) bool {
	x := b
	switch noise := rounding(a, b); g.against {
	case difference:
		x = snap(b-a, g.bound, noise)
	case percent:
		if x = percentChange(a, b); a != 0 {
			x = snap(x, g.bound, 100*noise/math.Abs(a))
		}
	}
	switch g.operator {
	case "<":
		return x < g.bound
	case "<=":
		return x <= g.bound
	case ">":
		return x > g.bound
	case ">=":
		return x >= g.bound
	case "==":
		return x == g.bound
	}
	return x != g.bound
}

// rounding bounds what the difference of two figures may be wrong by, for their
// last digits are rounded: 0.975 - 0.98 is not -0.005 to the last bit. That of
// whole numbers is exact.
func rounding(a, b float64) float64 {
	if a == math.Trunc(a) && b == math.Trunc(b) {
		return 0
	}
	return 0x1p-50 * max(math.Abs(a), math.Abs(b))
}

// snap is the bound if a change cannot be told from it, else the change.
func snap(change, bound, noise float64) float64 {
	if math.Abs(change-bound) <= noise {
		return bound
	}
	return change
}

// String says what the gate found, in words.
func (v *Verdict) String() string {
	text := fmt.Sprintf("%s in %s: %s is %s", v.Gate.Text, v.Report.Label, v.Gate.Key, number(v.Value))
	if v.First.Absent {
		return text
	}
	return text + fmt.Sprintf(", was %s, change %s", number(v.First.Number), v.change())
}

// change from the first report, as the gate judges it.
func (v *Verdict) change() string {
	if v.Gate.against == difference {
		return plus(v.Value - v.First.Number)
	}
	return percentText(percentChange(v.First.Number, v.Value))
}

// number writes a value of any key: counts whole, others with six digits.
func number(x float64) string {
	if x == float64(int64(x)) && x > -1<<53 && x < 1<<53 {
		return reports.Count(int64(x))
	}
	return reports.Significant(x, 6)
}

func plus(x float64) string {
	if x > 0 {
		return "+" + number(x)
	}
	return number(x)
}

// ErrTripped is the error of a comparison with a tripped gate.
var ErrTripped = errors.New("a gate tripped")

// Err is nil if no gate tripped, else an error that names those that did and by
// how much.
func (c *Comparison) Err() error {
	var lines []string
	for i := range c.Verdicts {
		if v := &c.Verdicts[i]; v.Tripped {
			lines = append(lines, v.String())
		}
	}
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%w: %s", ErrTripped, lines[0])
	}
	return fmt.Errorf("%w: %d of %d\n  %s", ErrTripped, len(lines), len(c.Verdicts), strings.Join(lines, "\n  "))
}
