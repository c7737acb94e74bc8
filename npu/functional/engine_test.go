package functional_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/functional"
)

func assemble(t *testing.T, text string) *isa.Program {
	t.Helper()
	p, err := isa.Assemble("npusim-program 1.0\n"+text, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNewRefuses programs that cannot be executed, each with its reason.
func TestNewRefuses(t *testing.T) {
	const table = `t0 = tensor "t" channels=1 rows=1 columns=1 bits=8 zero=0 scale=1
l0 = layer "l" op="x" tensor=0 macs=0 weight_bits=8
`
	convolution := func(fields string) string {
		return "rounding half-up-shift\n" + table + "d0 = convolution_tile input_channels=1 output_channels=1 input_rows=1 input_columns=1 input={block=1} output={block=1 pixel_stride=1 row_stride=1 block_stride=1} first=true last=true mode=layer shift=1 " + fields
	}
	for _, test := range []struct{ name, text, rule string }{
		{"rounding", "rounding tflite-double\n", "executes half-up-shift only"},
		{"out of bounds", "rounding half-up-shift\n" + table + `d0 = elementwise_tile channels=1 rows=1 columns=1 input={block=1} output={block=1}
code vector
table d0 input=activation_buffer[0x10000] table=weight_buffer[0x0] output=activation_buffer[0x0]
halt
`, "activation_buffer"},
		{"endless padding", convolution("output_rows=2 output_columns=2 kernel_rows=65535 kernel_columns=65535 stride_rows=1 stride_columns=1 dilate_rows=65535 dilate_columns=65535\n"), "working memory"},
		{"results without end", convolution("output_rows=65535 output_columns=65535 kernel_rows=1 kernel_columns=1 stride_rows=1 stride_columns=1 dilate_rows=1 dilate_columns=1\n"), "working memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := functional.New(assemble(t, test.text), benchLimits); err == nil || !strings.Contains(err.Error(), test.rule) {
				t.Errorf("got %v, want %q", err, test.rule)
			}
		})
	}
}

func TestRunRefusesInputs(t *testing.T) {
	c := newCase(t, 1)
	state := c.engine(t, c.program).NewState()
	if _, err := state.Run(nil, nil); err == nil || !strings.Contains(err.Error(), "takes 1 inputs, got 0") {
		t.Errorf("no input: %v", err)
	}
	if _, err := state.Run([][]int8{c.input[0][1:]}, nil); err == nil || !strings.Contains(err.Error(), "elements, got") {
		t.Errorf("short input: %v", err)
	}
}

// TestStatesAreIndependent: a state runs again and again, several at once, with
// the same results, into slices of the caller.
func TestStatesAreIndependent(t *testing.T) {
	for seed := range uint64(5) {
		c := newCase(t, seed)
		engine := c.engine(t, c.program)
		r := rand.New(rand.NewPCG(seed, 5))
		var group sync.WaitGroup
		for worker := range 3 {
			other := [][]int8{integertest.Input(c.graph, c.graph.Inputs[0], r)}
			group.Go(func() {
				state := engine.NewState()
				var outputs [][]int8
				for repeat := range 3 {
					if worker == 2 && repeat == 1 { // another sample in between
						if _, err := state.Run(other, nil); err != nil {
							t.Error(err)
						}
					}
					var err error
					if outputs, err = state.Run(c.input, outputs); err != nil {
						t.Error(err)
						return
					}
					for i, id := range c.graph.Outputs {
						if !slices.Equal(outputs[i], c.want[id]) {
							t.Errorf("seed %d, worker %d, run %d: output %d differs", seed, worker, repeat, i)
						}
					}
				}
			})
		}
		group.Wait()
	}
}

// TestObserverStops: its error ends the run, names the instruction, and the
// state can be used again.
func TestObserverStops(t *testing.T) {
	c := newCase(t, 2)
	state := c.engine(t, c.program).NewState()
	enough := errors.New("enough")
	seen := 0
	state.Observe = func(*functional.Completed) error {
		if seen++; seen == 2 {
			return enough
		}
		return nil
	}
	if _, err := state.Run(c.input, nil); !errors.Is(err, enough) || !strings.Contains(err.Error(), "unit ") || !strings.Contains(err.Error(), "instruction ") {
		t.Errorf("got %v", err)
	}
	state.Observe = nil
	outputs, err := state.Run(c.input, nil)
	if err != nil || !slices.Equal(outputs[0], c.want[c.graph.Outputs[0]]) {
		t.Errorf("after a stopped run: %v, outputs equal: %t", err, err == nil)
	}
}

// TestStatePersists: a run finds in the state region what the one before left.
func TestStatePersists(t *testing.T) {
	p := assemble(t, `rounding half-up-shift
region state 16
region input 16
region output 16
t0 = tensor "in" channels=16 rows=1 columns=1 bits=8 zero=0 scale=1
l0 = layer "l" op="x" tensor=0 macs=0 weight_bits=8
input tensor=0 shape=1,16 space=input offset=0 block=16 pixel_bytes=16 row_stride=16 block_stride=16
output tensor=0 shape=1,16 space=output offset=0 block=16 pixel_bytes=16 row_stride=16 block_stride=16
s0 = semaphore load -> store
d0 = transfer class=activations bits=8 group=16 run=16 rows=1 blocks=1
code load
load d0 from=state[0x0] to=activation_buffer[0x0]
load d0 from=input[0x0] to=activation_buffer[0x10]
signal s0
halt
code store
wait s0
store d0 from=activation_buffer[0x0] to=output[0x0]
store d0 from=activation_buffer[0x10] to=state[0x0]
halt
`)
	engine, err := functional.New(p, benchLimits)
	if err != nil {
		t.Fatal(err)
	}
	state := engine.NewState()
	previous := make([]int8, 16)
	for run := range int8(4) {
		input := slices.Repeat([]int8{run + 1}, 16)
		outputs, err := state.Run([][]int8{input}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(outputs[0], previous) {
			t.Errorf("run %d: got %v, want the input before, %v", run, outputs[0], previous)
		}
		previous = input
	}
}

// TestAnyConstants: a program whose constants are garbage computes garbage, but
// stays within its memory.
func TestAnyConstants(t *testing.T) {
	for seed := range cases(40) {
		c := newCase(t, seed)
		r := rand.New(rand.NewPCG(seed, 6))
		p := *c.program
		p.Constants = make([]byte, len(c.program.Constants))
		for i := range p.Constants {
			p.Constants[i] = byte(r.Uint32())
		}
		if _, err := c.engine(t, &p).NewState().Run(c.input, nil); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}
