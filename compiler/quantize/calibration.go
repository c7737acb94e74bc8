package quantize

import (
	"fmt"
	"math"
	"sync"
	"unsafe"

	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/configs"
)

// Range is an interval of real values; it always includes 0.
type Range struct{ Low, High float64 }

// including widens the range to a value.
func (r Range) including(x float64) Range { return Range{min(r.Low, x), max(r.High, x)} }

// Calibration gathers the ranges of the activations that become quantized
// tensors. The result depends on which samples were observed, not on their
// order or on how they were spread over merged Calibrations.
type Calibration struct {
	graph      *graph.Graph
	statistics []*statistics // by value; nil where no range is needed
	invalid    graph.ValueID // first value, in execution order, that held NaN or an infinity
	executed   []int         // position of each value in execution order
}

// NewCalibration prepares to observe executions of a transformed graph.
// Histograms are kept only if the calibration rule needs them.
func NewCalibration(g *graph.Graph, rule configs.Calibration) *Calibration {
	c := &Calibration{graph: g, statistics: make([]*statistics, len(g.Values)), invalid: graph.None, executed: make([]int, len(g.Values))}
	for i := range g.Nodes {
		for _, out := range g.Nodes[i].Outputs {
			if out != graph.None {
				c.executed[out] = i + 1
			}
		}
	}
	for _, v := range newPlan(g).ranged {
		c.statistics[v] = &statistics{}
		if rule == configs.Percentile {
			c.statistics[v].histogram = new(histogram)
		}
	}
	return c
}

// Observe takes one execution's data of a value.
func (c *Calibration) Observe(value graph.ValueID, data []float32) {
	s := c.statistics[value]
	if s == nil {
		return
	}
	if !s.observe(data) && (c.invalid == graph.None || c.executed[value] < c.executed[c.invalid]) {
		c.invalid = value
	}
}

// Merge adds what another Calibration of the same graph has observed.
func (c *Calibration) Merge(other *Calibration) {
	for v, s := range c.statistics {
		if s != nil {
			s.merge(other.statistics[v])
		}
	}
	if v := other.invalid; v != graph.None && (c.invalid == graph.None || c.executed[v] < c.executed[c.invalid]) {
		c.invalid = v
	}
}

// Err reports a value that was not finite, naming the node that made it.
func (c *Calibration) Err() error {
	if c.invalid == graph.None {
		return nil
	}
	name := c.graph.Value(c.invalid).Name
	if i := c.executed[c.invalid]; i > 0 {
		node := &c.graph.Nodes[i-1]
		return fmt.Errorf("node %q (%v): its float output %q holds NaN or an infinity", node.Name, node.Op, name)
	}
	return fmt.Errorf("graph input %q holds NaN or an infinity", name)
}

// Bytes is about the memory that it takes.
func (c *Calibration) Bytes() int64 {
	var n int64
	for _, s := range c.statistics {
		if s != nil {
			n += int64(unsafe.Sizeof(*s))
			if s.histogram != nil {
				n += int64(unsafe.Sizeof(*s.histogram))
			}
		}
	}
	return n
}

// Range is the range of a value under a calibration rule. ok is false if it
// was never observed.
func (c *Calibration) Range(value graph.ValueID, q *configs.Quantization) (r Range, ok bool) {
	s := c.statistics[value]
	if s == nil || s.count == 0 {
		return Range{}, false
	}
	r = Range{s.low, s.high}
	if q.Calibration == configs.Percentile && s.histogram != nil {
		r = s.histogram.central(q.Percentile, s)
	}
	return Range{min(r.Low, 0), max(r.High, 0)}, true
}

// largest is the largest value observed, whatever the calibration rule: the
// largest results of a softmax are what it is for, however rare they are.
func (c *Calibration) largest(value graph.ValueID) (x float64, ok bool) {
	s := c.statistics[value]
	if s == nil || s.count == 0 {
		return 0, false
	}
	return s.high, true
}

// Calibrate runs samples through the float reference on several workers and
// gathers the ranges. load gives the inputs of one sample and is called from
// several goroutines.
func Calibrate(n *transform.Network, q *configs.Quantization, samples, workers int, load func(sample int) ([][]float32, error)) (*Calibration, error) {
	if samples < 1 {
		return nil, fmt.Errorf("calibration needs at least one sample")
	}
	executor, err := floatref.New(n.Graph, floatref.Options{})
	if err != nil {
		return nil, err
	}
	total := NewCalibration(n.Graph, q.Calibration)
	parts := make(map[*floatref.State]*Calibration)
	var mutex sync.Mutex
	err = executor.RunBatch(samples, workers, func(state *floatref.State, sample int) error {
		mutex.Lock()
		part := parts[state]
		if part == nil {
			part = NewCalibration(n.Graph, q.Calibration)
			parts[state] = part
		}
		mutex.Unlock()
		inputs, err := load(sample)
		if err != nil {
			return err
		}
		state.Observe = part.Observe
		_, err = state.Run(inputs)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, part := range parts { // the order does not matter, see Calibration
		total.Merge(part)
	}
	return total, total.Err()
}

// statistics of one value.
type statistics struct {
	low, high float64
	count     int64
	histogram *histogram // nil unless percentiles are asked for
}

// observe returns false if the data are not all finite.
func (s *statistics) observe(data []float32) bool {
	if len(data) == 0 {
		return true
	}
	low, high := data[0], data[0]
	finite := true
	for _, x := range data {
		if x < low {
			low = x
		}
		if x > high {
			high = x
		}
		finite = finite && x-x == 0
	}
	if !finite {
		return false
	}
	if s.count == 0 {
		s.low, s.high = float64(low), float64(high)
	} else {
		s.low, s.high = math.Min(s.low, float64(low)), math.Max(s.high, float64(high))
	}
	s.count += int64(len(data))
	if s.histogram != nil {
		s.histogram.observe(data, float64(max(high, -low)))
	}
	return true
}

func (s *statistics) merge(o *statistics) {
	if o.count == 0 {
		return
	}
	if s.count == 0 {
		s.low, s.high = o.low, o.high
	} else {
		s.low, s.high = math.Min(s.low, o.low), math.Max(s.high, o.high)
	}
	s.count += o.count
	if s.histogram != nil {
		s.histogram.merge(o.histogram)
	}
}
