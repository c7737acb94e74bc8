package evaluate

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/isa"
)

// input is an input of the network: its name and ONNX shape.
type input struct {
	name  string
	shape []int
}

func graphInputs(g *graph.Graph) []input {
	var list []input
	for _, id := range g.Inputs {
		v := g.Value(id)
		list = append(list, input{v.Name, v.Shape})
	}
	return list
}

func programInputs(p *isa.Program) []input {
	var list []input
	for i := range p.Inputs {
		in := input{name: p.Tensors[p.Inputs[i].Tensor].Name}
		for _, d := range p.Inputs[i].Shape {
			in.shape = append(in.shape, int(d))
		}
		list = append(list, in)
	}
	return list
}

// source gives samples: of a data set, or random ones from a seed.
type source struct {
	inputs    []input
	set       *dataset.Set // nil for random inputs
	readers   []*dataset.Reader
	seed      uint64
	evaluate  []int // sample numbers
	calibrate []int
	describe  string
}

// maxSamples bounds what is kept for each sample.
const maxSamples = 10_000_000

// openSource opens the data set of a run, or sets up random inputs; take says
// which samples.
func openSource(o *Options, inputs []input) (*source, error) {
	s := &source{inputs: inputs, seed: o.Seed}
	if o.Data == "" {
		s.describe = fmt.Sprintf("random normal inputs, seed %d", o.Seed)
		return s, nil
	}
	set, err := dataset.Open(o.Data)
	if err != nil {
		return nil, err
	}
	if err := set.Metric().Supported(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Data, err)
	}
	s.set = set
	for _, in := range inputs {
		var r *dataset.Reader
		if names := set.Inputs(); len(names) != 1 || names[0] != "" {
			r, err = set.ReaderFor(in.name, in.shape)
		} else {
			r, err = set.Reader(in.shape)
		}
		if err != nil {
			return nil, err
		}
		s.readers = append(s.readers, r)
	}
	s.evaluate, s.calibrate = set.Evaluation(), set.Calibration()
	s.describe = filepath.Base(o.Data)
	return s, nil
}

// take is the source with its first n evaluation samples; 0 is all of the data
// set, or DefaultRandomSamples. Random calibration samples follow those for
// evaluation.
func (s *source) take(n int) (*source, error) {
	if n < 0 || n > maxSamples {
		return nil, fmt.Errorf("--samples %d: the number of samples must be 0 to %d", n, maxSamples)
	}
	taken := *s
	if s.set == nil {
		if n == 0 {
			n = DefaultRandomSamples
		}
		taken.evaluate, taken.calibrate = sequence(0, n), sequence(n, calibrationRandom)
		return &taken, nil
	}
	if n > len(s.evaluate) {
		return nil, fmt.Errorf("--samples %d: %s has %d evaluation samples", n, s.describe, len(s.evaluate))
	}
	if n > 0 {
		taken.evaluate = s.evaluate[:n]
	}
	return &taken, nil
}

// sequence is n numbers from first.
func sequence(first, n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = first + i
	}
	return list
}

// label is the class of a sample, if it has one.
func (s *source) label(sample int) (int, bool) {
	if s.set == nil || s.set.Metric() != dataset.Top1 {
		return 0, false
	}
	return s.set.Label(sample)
}

// loader reads samples for one goroutine.
type loader struct {
	source  *source
	readers []*dataset.Reader
}

func (s *source) loader() *loader {
	l := &loader{source: s}
	for _, r := range s.readers {
		l.readers = append(l.readers, r.Clone())
	}
	return l
}

// load fills the inputs of a sample.
func (l *loader) load(sample int, into [][]float32) error {
	for i, in := range l.source.inputs {
		if l.source.set == nil {
			// Each input draws from a stream of its own.
			dataset.Random(in.shape, l.source.seed+uint64(i), sample, into[i])
			continue
		}
		if err := l.readers[i].Read(sample, into[i]); err != nil {
			return err
		}
	}
	return nil
}

// buffers allocates room for the inputs of a sample.
func (s *source) buffers() [][]float32 {
	list := make([][]float32, len(s.inputs))
	for i, in := range s.inputs {
		list[i] = make([]float32, graph.Elements(in.shape))
	}
	return list
}

// calibration adapts the source for the compiler.
func (s *source) calibration() compiler.Samples {
	numbers := slices.Clone(s.calibrate)
	return compiler.Samples{Count: len(numbers), Load: func(i int) ([][]float32, error) {
		inputs := s.buffers()
		return inputs, s.loader().load(numbers[i], inputs)
	}}
}
