package expression

import (
	"fmt"
	"math"
)

// Evaluate computes the expression. Errors are of type *Error: a name without a
// value, a kind that does not fit (which Check finds before), or a number that
// is not finite, as of a division by zero. The second operand of and and or is
// evaluated only where it matters, so that it may be without a value elsewhere.
func (e *Expression) Evaluate(values Lookup) (Value, error) {
	run := evaluation{expression: e, values: values}
	v, fault := run.value(e.root)
	if fault != nil {
		return Value{}, fault
	}
	return v, nil
}

// Number evaluates an expression that is a number.
func (e *Expression) Number(values Lookup) (float64, error) {
	run := evaluation{expression: e, values: values}
	v, fault := run.of(e.root, Number)
	if fault != nil {
		return 0, fault
	}
	return v.Number, nil
}

// evaluation is one pass over an expression.
type evaluation struct {
	expression *Expression
	values     Lookup
}

func (r *evaluation) fail(n *node, format string, arguments ...any) *Error {
	return r.expression.fault(n, fmt.Sprintf(format, arguments...))
}

// of evaluates an operand of a certain kind.
func (r *evaluation) of(n *node, want Kind) (Value, *Error) {
	v, fault := r.value(n)
	if fault == nil && v.Kind != want {
		fault = r.fail(n, "%s is needed here, not %s", want, v.Kind)
	}
	return v, fault
}

func (r *evaluation) value(n *node) (Value, *Error) {
	switch n.operation {
	case constant:
		return n.value, nil
	case reference:
		v, ok := r.values(n.name)
		if !ok {
			return v, r.fail(n, "%s has no value", n.name)
		}
		return v, nil
	case or, and, not:
		left, fault := r.of(n.operands[0], Truth)
		if fault != nil {
			return left, fault
		}
		if n.operation == not {
			return TruthOf(!left.Truth), nil
		}
		if left.Truth == (n.operation == or) {
			return left, nil
		}
		return r.of(n.operands[1], Truth)
	case equal, notEqual:
		left, fault := r.value(n.operands[0])
		if fault != nil {
			return left, fault
		}
		right, fault := r.of(n.operands[1], left.Kind)
		return TruthOf((left == right) == (n.operation == equal)), fault
	}
	return r.arithmetic(n)
}

// arithmetic evaluates what has numbers for operands.
func (r *evaluation) arithmetic(n *node) (Value, *Error) {
	x := make([]float64, len(n.operands))
	for i, operand := range n.operands {
		v, fault := r.of(operand, Number)
		if fault != nil {
			return v, fault
		}
		x[i] = v.Number
	}
	switch n.operation {
	case less:
		return TruthOf(x[0] < x[1]), nil
	case lessEqual:
		return TruthOf(x[0] <= x[1]), nil
	case greater:
		return TruthOf(x[0] > x[1]), nil
	case greaterEqual:
		return TruthOf(x[0] >= x[1]), nil
	}
	y := compute(n.operation, x)
	if math.IsNaN(y) || math.IsInf(y, 0) {
		return Value{}, r.fail(n, "the result is not a finite number")
	}
	return NumberOf(y), nil
}

// compute applies an operation to numbers; there is one at least.
func compute(operation operation, x []float64) float64 {
	y := x[0]
	switch operation {
	case add:
		return x[0] + x[1]
	case subtract:
		return x[0] - x[1]
	case multiply:
		return x[0] * x[1]
	case divide:
		return x[0] / x[1]
	case negate:
		return -x[0]
	case absolute:
		return math.Abs(x[0])
	case squareRoot:
		return math.Sqrt(x[0])
	case binaryLogarithm:
		return math.Log2(x[0])
	case ceiling:
		return math.Ceil(x[0])
	}
	for _, next := range x[1:] {
		switch operation {
		case minimum:
			y = min(y, next)
		case maximum:
			y = max(y, next)
		case total, mean:
			y += next
		}
	}
	if operation == mean {
		y /= float64(len(x))
	}
	return y
}

// Violation tells how far a condition is from being met: 0 where it is true,
// else more than 0. Of an inequality it is the distance of the two sides,
// relative to the right one (absolute where that is below 1e-9); of and it is
// the sum, of or the smaller one; of other conditions 1. A search may so tell a
// near miss from a far one.
func (e *Expression) Violation(values Lookup) (float64, error) {
	run := evaluation{expression: e, values: values}
	v, fault := run.violation(e.root, false)
	if fault != nil {
		return 0, fault
	}
	return v, nil
}

// violation of a condition, or of its contrary.
func (r *evaluation) violation(n *node, contrary bool) (float64, *Error) {
	switch n.operation {
	case not:
		return r.violation(n.operands[0], !contrary)
	case or, and:
		left, fault := r.violation(n.operands[0], contrary)
		either := (n.operation == or) != contrary
		if fault != nil || either && left == 0 {
			return left, fault
		}
		right, fault := r.violation(n.operands[1], contrary)
		if fault != nil {
			return right, fault
		}
		if either {
			return min(left, right), nil
		}
		return left + right, nil
	}
	v, fault := r.of(n, Truth)
	if fault != nil || v.Truth != contrary {
		return 0, fault
	}
	switch n.operation {
	case less, lessEqual, greater, greaterEqual:
		left, fault := r.of(n.operands[0], Number)
		if fault != nil {
			return 0, fault
		}
		right, fault := r.of(n.operands[1], Number)
		if fault != nil {
			return 0, fault
		}
		scale := math.Abs(right.Number)
		if scale < 1e-9 {
			scale = 1
		}
		// Equal sides of a strict inequality are the least miss there is.
		return max(math.Abs(left.Number-right.Number)/scale, math.SmallestNonzeroFloat64), nil
	}
	return 1, nil
}
