package evaluate

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa/fixed"
	"github.com/npusim/npusim/npu/functional"
)

// FloatCache keeps the float outputs of the samples of one model and data set.
type FloatCache struct {
	mutex   sync.Mutex
	outputs map[int][]float32
}

func (c *FloatCache) get(sample int) []float32 {
	if c == nil {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.outputs[sample]
}

func (c *FloatCache) put(sample int, output []float32) {
	if c == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.outputs == nil {
		c.outputs = map[int][]float32{}
	}
	c.outputs[sample] = output
}

// sampleOutcome is what one sample contributes.
type sampleOutcome struct {
	npuClass, floatClass int
	signal, noise        float64 // energy of the float output, of the difference
	cosine               float64
	divergence           *divergence
	checked              bool
	layerSignal          []float64 // by tensor, of checked samples
	layerNoise           []float64
}

// worker holds the states of one goroutine.
type worker struct {
	loader    *loader
	inputs    [][]float32
	quantized [][]int8
	outputs   [][]int8
	machine   *functional.State
	float     *floatref.State
	layers    *floatref.State // of the rewritten network, with every value kept
	reference *integer.Reference
}

// accuracy executes the samples and compares.
func (j *job) accuracy(ctx context.Context) (*Accuracy, []sampleOutcome, error) {
	if len(j.program.Outputs) == 0 {
		return nil, nil, usage(fmt.Errorf("program %s binds no output: it can be timed but says nothing to compare", j.program.Name))
	}
	engine, err := functional.New(j.program, compiler.Limits(j.spec))
	if err != nil {
		return nil, nil, err
	}
	samples := j.inputs.evaluate
	outcomes := make([]sampleOutcome, len(samples))
	var next, done atomic.Int64
	errs := make([]error, j.options.workers())
	var group sync.WaitGroup
	for w := range errs {
		group.Go(func() {
			var err error
			defer func() {
				if fault := recover(); fault != nil { // a broken invariant: an error, not the end of the process
					err = fmt.Errorf("internal error while executing: %v\n%s", fault, debug.Stack())
				}
				if err != nil {
					next.Store(int64(len(samples))) // the other workers stop, too
				}
				errs[w] = err
			}()
			var state *worker
			state, err = j.newWorker(engine)
			for err == nil {
				i := int(next.Add(1)) - 1
				if i >= len(samples) {
					return
				}
				if err = ctx.Err(); err == nil {
					check := j.compiled && (j.options.CheckAll || i < BitExactSamples)
					err = j.sample(state, samples[i], check, &outcomes[i])
					j.options.progress("execute", int(done.Add(1)), len(samples))
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	return j.summarize(outcomes), outcomes, nil
}

func (j *job) newWorker(engine *functional.Engine) (*worker, error) {
	w := &worker{loader: j.inputs.loader(), inputs: j.inputs.buffers(), machine: engine.NewState()}
	for i := range j.program.Inputs {
		t := &j.program.Tensors[j.program.Inputs[i].Tensor]
		w.quantized = append(w.quantized, make([]int8, int(t.Channels*t.Rows*t.Columns)))
	}
	if j.compilation == nil {
		return w, nil
	}
	float, err := floatref.New(j.compilation.Graph, floatref.Options{})
	if err != nil {
		return nil, err
	}
	w.float = float.NewState()
	return w, nil
}

// prepareCheck makes what only checked samples need.
func (j *job) prepareCheck(w *worker) error {
	if w.reference != nil {
		return nil
	}
	reference, err := integer.NewReference(j.compilation.Quantized)
	if err != nil {
		return err
	}
	layers, err := floatref.New(j.compilation.Network.Graph, floatref.Options{KeepValues: true})
	if err != nil {
		return err
	}
	w.reference, w.layers = reference, layers.NewState()
	return nil
}

// sample runs one sample through machine and float network, and through the
// integer reference if check is set.
func (j *job) sample(w *worker, sample int, check bool, out *sampleOutcome) error {
	if err := w.loader.load(sample, w.inputs); err != nil {
		return usage(err)
	}
	for i := range j.program.Inputs {
		t := &j.program.Tensors[j.program.Inputs[i].Tensor]
		low, high := fixed.Range(t.Bits)
		for k, x := range w.inputs[i] {
			w.quantized[i][k] = fixed.Quantize(x, t.Scale, t.Zero, low, high)
		}
	}
	w.machine.Observe = nil
	var checker *checker
	if check {
		if err := j.prepareCheck(w); err != nil {
			return err
		}
		checker = newChecker(j.program, w.reference.Run(w.quantized))
		w.machine.Observe = checker.observe
	}
	var err error
	if w.outputs, err = w.machine.Run(w.quantized, w.outputs); err != nil {
		return err
	}
	if check {
		checker.outputs(w.outputs)
		out.checked, out.divergence = true, checker.first
		if err := j.layerNoise(w, checker.want, out); err != nil {
			return err
		}
	}
	t := &j.program.Tensors[j.program.Outputs[0].Tensor]
	npu := make([]float32, len(w.outputs[0]))
	for k, q := range w.outputs[0] {
		npu[k] = fixed.Dequantize(q, t.Scale, t.Zero)
	}
	out.npuClass = argMax(npu)
	if w.float == nil {
		return nil
	}
	float := j.options.Float.get(sample)
	if float == nil {
		results, err := w.float.Run(w.inputs)
		if err != nil {
			return err
		}
		float = results[0]
		j.options.Float.put(sample, float)
	}
	out.floatClass = argMax(float)
	out.signal, out.noise = energies(float, npu)
	out.cosine = cosine(float, npu)
	return nil
}

// layerNoise compares every tensor of the integer network with the float
// value it stands for.
func (j *job) layerNoise(w *worker, tensors [][]int8, out *sampleOutcome) error {
	if _, err := w.layers.Run(w.inputs); err != nil {
		return err
	}
	g := j.compilation.Quantized
	out.layerSignal, out.layerNoise = make([]float64, len(g.Tensors)), make([]float64, len(g.Tensors))
	var real []float32
	for id := range g.Tensors {
		t := &g.Tensors[id]
		if t.FloatValue < 0 || t.Constant != nil {
			continue
		}
		float := w.layers.Value(valueID(t.FloatValue))
		if len(float) != len(tensors[id]) {
			continue
		}
		real = real[:0]
		for _, q := range tensors[id] {
			real = append(real, fixed.Dequantize(q, t.Scale, t.Zero))
		}
		out.layerSignal[id], out.layerNoise[id] = energies(float, real)
	}
	return nil
}

// argMax is the index of the largest element, the first of equals.
func argMax(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}

// energies are the energy of want and of the difference to got.
func energies(want, got []float32) (signal, noise float64) {
	for i, x := range want {
		d := float64(got[i]) - float64(x)
		signal += float64(x) * float64(x)
		noise += d * d
	}
	return signal, noise
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return dot / math.Sqrt(aa*bb)
}

// decibels is 10 log10(signal/noise); false where there is no signal. Exact
// agreement counts as 200 dB, beyond what float32 resolves.
func decibels(signal, noise float64) (float64, bool) {
	const exact = 200
	switch {
	case signal <= 0:
		return 0, false
	case noise <= 0:
		return exact, true
	}
	return math.Min(exact, 10*math.Log10(signal/noise)), true
}

// summarize turns the outcomes of all samples into figures, in sample order.
func (j *job) summarize(outcomes []sampleOutcome) *Accuracy {
	a := &Accuracy{Metric: "none", Data: j.inputs.describe, Samples: len(outcomes)}
	n := float64(len(outcomes))
	var npuRight, floatRight, agree, signal, noise, cosines float64
	var difference, better, worse float64
	labelled := len(outcomes) > 0
	exact := true
	for i := range outcomes {
		o := &outcomes[i]
		if label, ok := j.inputs.label(j.inputs.evaluate[i]); ok {
			npu, float := boolean(o.npuClass == label), boolean(o.floatClass == label)
			npuRight, floatRight = npuRight+npu, floatRight+float
			difference += npu - float
			better, worse = better+math.Max(0, npu-float), worse+math.Max(0, float-npu)
		} else {
			labelled = false
		}
		agree += boolean(o.npuClass == o.floatClass)
		signal, noise, cosines = signal+o.signal, noise+o.noise, cosines+o.cosine
		if o.checked {
			a.BitExactSamples++
			if o.divergence != nil && exact {
				exact = false
				a.Divergence = fmt.Sprintf("sample %d: %s", j.inputs.evaluate[i], o.divergence)
			}
		}
	}
	if len(outcomes) == 0 {
		return a
	}
	if a.BitExactSamples > 0 {
		a.BitExact = &exact
	}
	hasFloat := j.compilation != nil
	if labelled {
		a.Metric = "top1"
		a.NPUTop1 = pointer(npuRight / n)
		if hasFloat {
			a.FloatTop1 = pointer(floatRight / n)
			mean := difference / n
			a.Top1Difference = &mean
			if len(outcomes) >= smallestInterval {
				a.Top1DifferenceInterval = pairedInterval(better, worse, n)
			}
		}
	}
	if hasFloat {
		a.Agreement = pointer(agree / n)
		a.Cosine = pointer(cosines / n)
		if db, ok := decibels(signal, noise); ok {
			a.SQNRDB = &db
		}
	}
	return a
}

// smallestInterval is the number of samples below which an interval says
// nothing.
const smallestInterval = 30

// pairedInterval is the adjusted Wald 95 % interval of the difference of two
// paired proportions (Bonett and Price, 2012): one is added to the counts of
// samples that only the first and only the second got right.
func pairedInterval(better, worse, n float64) *Interval {
	p, q := (better+1)/(n+2), (worse+1)/(n+2)
	half := 1.96 * math.Sqrt((p+q-(p-q)*(p-q))/(n+2))
	return &Interval{math.Max(-1, p-q-half), math.Min(1, p-q+half)}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func pointer[T any](v T) *T { return &v }
