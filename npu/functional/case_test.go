package functional_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower/lowertest"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/functional"
)

// cases is the number of random programs, fewer where tests should be short.
func cases(n int) uint64 {
	if testing.Short() || raceEnabled {
		n /= 8
	}
	return uint64(n)
}

// program is a lowered random network with what it must compute.
type program struct {
	graph   *integer.Graph
	spec    *configs.Spec
	program *isa.Program
	input   [][]int8
	want    [][]int8 // every tensor
}

// newCase draws a network with operators of every kind.
func newCase(t testing.TB, seed uint64) *program {
	t.Helper()
	return lowered(t, seed, integertest.Random(seed, 6))
}

// newChain draws a chain of convolutions whose results use their range, so
// that a wrong weight shows.
func newChain(t testing.TB, seed uint64) *program {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 8))
	n := lowertest.NewNetwork("chain", seed, integer.Shape{Channels: 1 + r.IntN(30), Rows: 3 + r.IntN(10), Columns: 3 + r.IntN(10)})
	for range 1 + r.IntN(3) {
		n.Convolution(1+r.IntN(40), 1+2*r.IntN(2), 1, 1)
		if r.IntN(2) == 0 {
			n.Convolution(0, 3, 1+r.IntN(2), 0)
		}
	}
	return lowered(t, seed, n.Finish())
}

func lowered(t testing.TB, seed uint64, g *integer.Graph) *program {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	c := &program{graph: g}
	reference, err := integer.NewReference(c.graph)
	if err != nil {
		t.Fatal(err)
	}
	c.input = [][]int8{integertest.Input(c.graph, c.graph.Inputs[0], r)}
	c.want = reference.Run(c.input)
	spec, err := lowertest.Spec(r)
	if err != nil {
		t.Fatal(err)
	}
	if c.program, c.spec, err = lowertest.Lower(c.graph, spec, lowertest.Options(r)); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return c
}

func (c *program) engine(t testing.TB, p *isa.Program) *functional.Engine {
	t.Helper()
	engine, err := functional.New(p, lowertest.Limits(c.spec))
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// mismatch is the first element of a completed tile that differs from the
// reference.
type mismatch struct {
	layer  int
	tensor uint32
	text   string
}

func (m *mismatch) Error() string { return m.text }

// compare runs a program and compares every completed tile, then the outputs,
// with the reference.
func (c *program) compare(p *isa.Program) error {
	engine, err := functional.New(p, lowertest.Limits(c.spec))
	if err != nil {
		return err
	}
	state := engine.NewState()
	state.Observe = func(d *functional.Completed) error {
		tensor := &c.graph.Tensors[d.Record.Tensor]
		for ch := range d.Channels {
			for h := range d.Rows {
				for w := range d.Columns {
					z, y, x := int(d.Record.Channel)+ch, int(d.Record.Row)+h, int(d.Record.Column)+w
					want := c.want[d.Record.Tensor][(z*tensor.Shape.Rows+y)*tensor.Shape.Columns+x]
					if got := d.At(ch, h, w); got != want {
						return &mismatch{d.Descriptor.LayerIndex(), d.Record.Tensor,
							fmt.Sprintf("tensor %s (%d, %d, %d): got %d, want %d", tensor.Name, z, y, x, got, want)}
					}
				}
			}
		}
		return nil
	}
	outputs, err := state.Run(c.input, nil)
	if err != nil {
		return err
	}
	for i, id := range c.graph.Outputs {
		for k := range outputs[i] {
			if outputs[i][k] != c.want[id][k] {
				return fmt.Errorf("output %s element %d: got %d, want %d", c.graph.Tensors[id].Name, k, outputs[i][k], c.want[id][k])
			}
		}
	}
	return nil
}

// clone copies what a mutation may change: constants, descriptors and code.
func clone(t testing.TB, p *isa.Program) *isa.Program {
	t.Helper()
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	q, err := isa.Decode(data, p.Name)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
