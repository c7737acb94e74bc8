package ops

import (
	"fmt"
	"strings"
)

// UnsupportedError says that a model asks for something outside of what this
// package supports.
type UnsupportedError struct {
	Model     string // path of the model
	Node      string // name of the node, empty where the fault is a graph input's
	Operator  string
	Opset     int
	Reason    string // what the model asks for
	Supported string // what would be accepted
}

func (e *UnsupportedError) Error() string {
	var b strings.Builder
	b.WriteString(e.Model)
	if e.Node != "" {
		fmt.Fprintf(&b, ": node %s (%s, opset %d)", quote(e.Node), e.Operator, e.Opset)
	}
	fmt.Fprintf(&b, ": unsupported: %s", e.Reason)
	if e.Supported != "" {
		fmt.Fprintf(&b, "; supported: %s", e.Supported)
	}
	return b.String()
}

// InvalidError says that a model breaks a rule of ONNX, or asks for tensors
// beyond the limits of this package.
type InvalidError struct {
	Model string // path of the model
	Place string // such as node "conv1" (Conv, opset 13), or input "x"
	Rule  string // what is wrong
}

func (e *InvalidError) Error() string {
	if e.Place == "" {
		return e.Model + ": " + e.Rule
	}
	return e.Model + ": " + e.Place + ": " + e.Rule
}

// quote shows a name from a file safely and not at any length.
func quote(s string) string {
	const longest = 100
	if len(s) > longest {
		return fmt.Sprintf("%q...", s[:longest])
	}
	return fmt.Sprintf("%q", s)
}

// quoteAll joins names for a message, the first few of them.
func quoteAll(names []string) string {
	const most = 8
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == most {
			fmt.Fprintf(&b, "... (%d in all)", len(names))
			break
		}
		b.WriteString(quote(name))
	}
	return b.String()
}
