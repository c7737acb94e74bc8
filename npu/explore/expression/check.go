package expression

import "fmt"

// Check finds the kind of the expression, given those of its names, and every
// name and operator that is used with the wrong kind. Names of kind Invalid
// are reported by name.
func (e *Expression) Check(kinds func(name string) Kind) (Kind, []*Error) {
	c := checker{expression: e, kinds: kinds}
	kind := c.kind(e.root)
	return kind, c.faults
}

type checker struct {
	expression *Expression
	kinds      func(name string) Kind
	faults     []*Error
}

func (c *checker) fail(n *node, format string, arguments ...any) {
	c.faults = append(c.faults, c.expression.fault(n, fmt.Sprintf(format, arguments...)))
}

// kind is the kind of a node; Invalid where a fault was reported already.
func (c *checker) kind(n *node) Kind {
	switch n.operation {
	case constant:
		return n.value.Kind
	case reference:
		kind := c.kinds(n.name)
		if kind == Invalid {
			c.fail(n, "unknown key %s", n.name)
		}
		return kind
	case or, and, not:
		c.operands(n, Truth)
		return Truth
	case equal, notEqual:
		left, right := c.kind(n.operands[0]), c.kind(n.operands[1])
		if left != right && left != Invalid && right != Invalid {
			c.fail(n, "%s is compared with %s", left, right)
		}
		return Truth
	case less, lessEqual, greater, greaterEqual:
		c.operands(n, Number)
		return Truth
	}
	c.operands(n, Number)
	return Number
}

// operands checks that all operands are of a kind.
func (c *checker) operands(n *node, want Kind) {
	for _, operand := range n.operands {
		if got := c.kind(operand); got != want && got != Invalid {
			c.fail(operand, "%s is needed here, not %s", want, got)
		}
	}
}
