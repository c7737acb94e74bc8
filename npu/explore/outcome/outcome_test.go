package outcome

import (
	"testing"

	"github.com/npusim/npusim/npu/explore/expression"
)

// TestLabel: keys that are always equal are named once, others always.
func TestLabel(t *testing.T) {
	n, text := expression.NumberOf, expression.TextOf
	for want, a := range map[string]Axis{
		"16":       {Values: [][]Value{{n(16), n(16)}, {n(8), n(8)}}},
		"none/0/0": {Values: [][]Value{{text("none"), n(0), n(0)}, {text("xor-block"), n(0.8), n(0)}}},
		"true":     {Values: [][]Value{{expression.TruthOf(true)}}},
	} {
		if got := a.Label(0); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
