package expression

import (
	"slices"
	"strconv"
	"strings"
)

// Expression is a parsed expression. It is immutable.
type Expression struct {
	text  string // as it was parsed, blanks around it included
	shift int    // characters before it in the text that columns count in
	root  *node
}

// node is an operation with its operands.
type node struct {
	operation operation
	offset    int // of the operator or operand, in bytes
	value     Value
	name      string
	operands  []*node
}

type operation uint8

const (
	noOperation operation = iota
	constant
	reference // to a name
	or
	and
	not
	less
	lessEqual
	greater
	greaterEqual
	equal
	notEqual
	add
	subtract
	multiply
	divide
	negate
	minimum
	maximum
	total
	mean
	absolute
	squareRoot
	binaryLogarithm
	ceiling
)

// functions by name, with the most arguments they take.
var functions = []struct {
	name      string
	operation operation
	most      int
}{
	{"min", minimum, 64}, {"max", maximum, 64}, {"sum", total, 64}, {"mean", mean, 64},
	{"abs", absolute, 1}, {"sqrt", squareRoot, 1}, {"log2", binaryLogarithm, 1}, {"ceil", ceiling, 1},
}

// comparisons by sign.
var comparisons = map[string]operation{"<": less, "<=": lessEqual, ">": greater, ">=": greaterEqual, "==": equal, "!=": notEqual}

// Parse reads an expression. Errors are of type *Error.
func Parse(text string) (*Expression, error) {
	tokens, fault := scan(text)
	if fault != nil {
		return nil, fault
	}
	p := parser{text: text, tokens: tokens}
	root := p.or()
	if p.fault == nil && p.peek().kind != endToken {
		p.fail(p.peek(), p.peek().describe()+" stands where an operator or the end belongs")
	}
	if p.fault != nil {
		return nil, p.fault
	}
	return &Expression{text: text, root: root}, nil
}

// String is the text that was parsed, without blanks around it.
func (e *Expression) String() string { return strings.TrimSpace(e.text) }

// fault is an error at a node.
func (e *Expression) fault(n *node, rule string) *Error {
	return &Error{Column: e.shift + column(e.text, n.offset), Rule: rule, Name: n.name}
}

// Names lists the names the expression reads, sorted, each once.
func (e *Expression) Names() []string {
	var names []string
	e.root.visit(func(n *node) {
		if n.operation == reference {
			names = append(names, n.name)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

func (n *node) visit(f func(*node)) {
	f(n)
	for _, operand := range n.operands {
		operand.visit(f)
	}
}

// parser descends by binding strength. After a fault it reads on without
// harm and without reporting more.
type parser struct {
	text   string
	tokens []token
	next   int
	depth  int
	fault  *Error
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) fail(at token, rule string) *node {
	if p.fault == nil {
		p.fault = &Error{Column: column(p.text, at.offset), Rule: rule}
	}
	p.next = len(p.tokens) - 1 // the end: nothing more to read
	return &node{operation: constant}
}

// take consumes the next token if it is this operator or word.
func (p *parser) take(text string) (token, bool) {
	t := p.peek()
	if (t.kind == operatorToken || t.kind == nameToken) && t.text == text {
		p.next++
		return t, true
	}
	return t, false
}

func (p *parser) or() *node {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.peek(), "the expression is nested deeper than "+strconv.Itoa(maxDepth))
	}
	defer func() { p.depth-- }()
	return p.chain(p.and, map[string]operation{"or": or})
}

func (p *parser) and() *node { return p.chain(p.not, map[string]operation{"and": and}) }

// chain reads operands joined by operators of one strength, from left to right.
func (p *parser) chain(operand func() *node, joined map[string]operation) *node {
	left := operand()
	for {
		t := p.peek()
		operation, ok := joined[t.text]
		if !ok || t.kind != operatorToken && t.kind != nameToken {
			return left
		}
		p.next++
		left = &node{operation: operation, offset: t.offset, operands: []*node{left, operand()}}
	}
}

func (p *parser) not() *node {
	if t, ok := p.take("not"); ok {
		if p.depth++; p.depth > maxDepth {
			return p.fail(t, "the expression is nested deeper than "+strconv.Itoa(maxDepth))
		}
		defer func() { p.depth-- }()
		return &node{operation: not, offset: t.offset, operands: []*node{p.not()}}
	}
	return p.comparison()
}

func (p *parser) comparison() *node {
	left := p.sum()
	t := p.peek()
	operation, ok := comparisons[t.text]
	if !ok || t.kind != operatorToken {
		return left
	}
	p.next++
	n := &node{operation: operation, offset: t.offset, operands: []*node{left, p.sum()}}
	if again := p.peek(); again.kind == operatorToken && comparisons[again.text] != noOperation {
		return p.fail(again, "comparisons cannot follow each other; join two with and")
	}
	return n
}

func (p *parser) sum() *node {
	return p.chain(p.product, map[string]operation{"+": add, "-": subtract})
}

func (p *parser) product() *node {
	return p.chain(p.unary, map[string]operation{"*": multiply, "/": divide})
}

func (p *parser) unary() *node {
	if t, ok := p.take("-"); ok {
		if p.depth++; p.depth > maxDepth {
			return p.fail(t, "the expression is nested deeper than "+strconv.Itoa(maxDepth))
		}
		defer func() { p.depth-- }()
		return &node{operation: negate, offset: t.offset, operands: []*node{p.unary()}}
	}
	return p.primary()
}

func (p *parser) primary() *node {
	t := p.peek()
	switch t.kind {
	case numberToken:
		p.next++
		return &node{operation: constant, offset: t.offset, value: NumberOf(t.number)}
	case textToken:
		p.next++
		return &node{operation: constant, offset: t.offset, value: TextOf(t.text)}
	case nameToken:
		return p.name(t)
	case operatorToken:
		if t.text == "(" {
			p.next++
			inner := p.or()
			if _, ok := p.take(")"); !ok {
				return p.fail(p.peek(), p.peek().describe()+" stands where ) belongs")
			}
			return inner
		}
	}
	return p.fail(t, t.describe()+" stands where a name, a number or ( belongs")
}

// name reads a key, a truth or the call of a function.
func (p *parser) name(t token) *node {
	switch t.text {
	case "true", "false":
		p.next++
		return &node{operation: constant, offset: t.offset, value: TruthOf(t.text == "true")}
	case "and", "or", "not", "where":
		return p.fail(t, t.describe()+" stands where a name, a number or ( belongs")
	}
	p.next++
	if _, ok := p.take("("); !ok {
		return &node{operation: reference, offset: t.offset, name: t.text}
	}
	for _, f := range functions {
		if f.name != t.text {
			continue
		}
		n := &node{operation: f.operation, offset: t.offset}
		for {
			n.operands = append(n.operands, p.or())
			if _, ok := p.take(","); !ok {
				break
			}
		}
		if _, ok := p.take(")"); !ok {
			return p.fail(p.peek(), p.peek().describe()+" stands where , or ) belongs")
		}
		if len(n.operands) > f.most {
			return p.fail(t, f.name+" takes at most "+strconv.Itoa(f.most)+" arguments")
		}
		return n
	}
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.name
	}
	return p.fail(t, t.describe()+" is no function; there are "+strings.Join(names, ", "))
}
