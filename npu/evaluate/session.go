package evaluate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/kernel"
	"github.com/npusim/npusim/npu/timing"
)

// Session runs one model, with one data set, on many configurations, and shares
// between them what their differences do not touch. Results are those of Run.
// A Session may be used by several goroutines; what it keeps is bounded.
type Session struct {
	options  Options
	topology *shapes.Topology      // of layer shapes
	program  *isa.Program          // of a compiled program
	float    *compiler.Compilation // the network as imported; nil for shapes and for programs without their model
	inputs   *source               // nil for shapes

	calibrated, quantized, fitted, planned shared[*compiler.Compilation]
	lowered                                shared[*compiler.Compilation] // with coded weights
	networks                               shared[*network]              // of layer shapes
	outcomes                               shared[*outcome]
}

// What a Session keeps at most, in bytes, but for the network itself and the
// latest value of each kind.
const (
	calibrationBudget = 16 << 20
	networkBudget     = 32 << 20
	planBudget        = 64 << 20
	outcomeBudget     = 8 << 20
)

// Request says what is asked of a point.
type Request struct {
	Samples    int  // evaluation samples; 0 is all of the data set, or DefaultRandomSamples
	TimingOnly bool // no execution, no accuracy
	// OwnProgram executes the program of this very configuration, although
	// another of the same integer network may have been executed.
	OwnProgram bool
}

// NewSession reads the model and opens the data set. Options.Spec, Samples and
// TimingOnly are not looked at: Run is told them.
func NewSession(ctx context.Context, o Options) (*Session, error) {
	if o.Float == nil {
		o.Float = &FloatCache{}
	}
	s := &Session{options: o}
	for _, c := range []*shared[*compiler.Compilation]{&s.calibrated, &s.quantized, &s.fitted, &s.planned, &s.lowered} {
		c.budget, c.size = networkBudget, compilationBytes
	}
	s.calibrated.budget, s.planned.budget, s.lowered.budget = calibrationBudget, planBudget, planBudget
	s.networks.budget, s.networks.size = planBudget, (*network).bytes
	s.outcomes.budget, s.outcomes.size = outcomeBudget, (*outcome).bytes
	var err error
	switch ext := strings.ToLower(filepath.Ext(o.Model)); ext {
	case ".onnx":
		if o.FloatModel != "" {
			return nil, usage(errors.New("--model goes with a .npu program; an ONNX model is its own float reference"))
		}
		if s.float, err = importFloat(ctx, o.Model); err != nil {
			return nil, usage(err)
		}
		s.inputs, err = openSource(&s.options, graphInputs(s.float.Network.Graph))
	case ".npu":
		err = s.openProgram(ctx)
	case ".csv":
		err = s.openShapes()
	default:
		err = fmt.Errorf("%s: the model must be an .onnx, .npu or layer-shape .csv file", o.Model)
	}
	if err != nil {
		return nil, usage(err)
	}
	return s, nil
}

func importFloat(ctx context.Context, path string) (*compiler.Compilation, error) {
	model, err := onnx.Read(path)
	if err != nil {
		return nil, err
	}
	return compiler.Import(ctx, model)
}

// openProgram loads a compiled program, and the model it was made of if that
// is given.
func (s *Session) openProgram(ctx context.Context) (err error) {
	o := &s.options
	if s.program, err = isa.ReadFile(o.Model); err != nil {
		return err
	}
	if o.FloatModel != "" {
		if s.float, err = importFloat(ctx, o.FloatModel); err != nil {
			return err
		}
		if hash := s.float.Model.SHA256; hash != s.program.ModelHash {
			return fmt.Errorf("%s is not the model that %s was compiled from: SHA-256 %x, the program says %x", o.FloatModel, o.Model, hash[:8], s.program.ModelHash[:8])
		}
	}
	s.inputs, err = openSource(o, programInputs(s.program))
	return err
}

// Run is the outcome of the model on a configuration; nil with a .npu program
// is the one it was compiled with. Reuse says what was shared with points
// before. The Result shares no memory with other results.
func (s *Session) Run(ctx context.Context, spec *configs.Spec, q Request) (*Result, Reuse, error) {
	var reuse Reuse
	r, err := s.run(ctx, spec, q, &reuse)
	return r, reuse, err
}

func (s *Session) run(ctx context.Context, spec *configs.Spec, q Request, reuse *Reuse) (*Result, error) {
	start := time.Now()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if spec != nil { // before the work of compiling
		if _, err := timing.NewMemory(spec); err != nil {
			return nil, usage(err)
		}
	}
	p, err := s.point(spec, q, reuse)
	if err != nil {
		return nil, err
	}
	if err := p.prepare(ctx); err != nil {
		return nil, err
	}
	compiled := time.Now()
	s.options.progress("time", 0, 0)
	timed, err := p.time()
	if err != nil {
		return nil, err
	}
	r := p.hardware(timed)
	timingDone := time.Now()
	if !q.TimingOnly && !p.shapes {
		o, err := p.outcome(ctx)
		if err != nil {
			return nil, err
		}
		o.fill(r)
	}
	r.Notes = p.notes()
	r.Host = Host{
		WallSeconds:     time.Since(start).Seconds(),
		CompileSeconds:  compiled.Sub(start).Seconds(),
		TimingSeconds:   timingDone.Sub(compiled).Seconds(),
		ExecuteSeconds:  time.Since(timingDone).Seconds(),
		PeakMemoryBytes: peakMemory(),
		Kernels:         kernel.Implementation(),
	}
	return r, nil
}
