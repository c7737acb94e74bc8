package evaluate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
)

// Options of a run.
type Options struct {
	Model      string        // path of an .onnx or .npu file, or of layer shapes in a .csv file
	FloatModel string        // with a .npu: the ONNX file it was compiled from, for float figures
	Spec       *configs.Spec // nil with a .npu: the configuration it was compiled with
	Changes    []string      // the settings that Spec has on top of its name, for the report
	Data       string        // data set TOML, "" for seeded random inputs
	Samples    int           // evaluation samples; 0 is all of the data set, or DefaultRandomSamples
	Workers    int           // 0 is one a core
	TimingOnly bool          // no execution, no accuracy
	CheckAll   bool          // compare every sample with the integer reference, not BitExactSamples
	Seed       uint64        // of random inputs

	// Codes keeps codes of weights that take long to find; may be nil.
	Codes *compress.Cache

	// Requests, if set, is given the memory, of tier bank, before the program
	// is timed, and returns what is told of every request the memory accepts.
	Requests func(*dram.Memory) (func(memsim.Picoseconds, memsim.Request), error)

	// Float, if set, gives and keeps the float outputs of a data set, so that
	// several runs of one model compute them once.
	Float *FloatCache

	// Progress may be nil; it is called from several goroutines.
	Progress func(stage string, done, total int)
}

// Defaults of a run.
const (
	BitExactSamples      = 16
	DefaultRandomSamples = 16
	calibrationRandom    = 16 // random calibration samples, after the evaluation samples
)

// UsageError wraps a fault of the input: a missing or malformed file, data
// that does not fit the model, an operator that cannot run. The tool ends with
// status 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// usage marks an error as the user's, unless the run was cancelled.
func usage(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &UsageError{err}
}

func (o *Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (o *Options) progress(stage string, done, total int) {
	if o.Progress != nil {
		o.Progress(stage, done, total)
	}
}

// job is a prepared run: the program, and what accuracy needs.
type job struct {
	options     *Options
	spec        *configs.Spec
	compilation *compiler.Compilation // nil for a .npu without a float model
	program     *isa.Program
	encoder     *compress.Encoder // of layer shapes; nil if no weights are coded
	uncoded     []string          // notes on layer shapes that were to have binary codes and have none
	compiled    bool              // program comes from compilation, so the integer reference exists
	inputs      *source
}

// prepare loads or compiles the program.
func prepare(ctx context.Context, o *Options) (*job, error) {
	j := &job{options: o, spec: o.Spec}
	switch ext := strings.ToLower(filepath.Ext(o.Model)); ext {
	case ".onnx":
		return j, j.fromModel(ctx)
	case ".npu":
		return j, j.fromProgram(ctx)
	case ".csv":
		return j, j.fromShapes()
	default:
		return nil, usage(fmt.Errorf("%s: the model must be an .onnx, .npu or layer-shape .csv file", o.Model))
	}
}

// fromModel compiles an ONNX file.
func (j *job) fromModel(ctx context.Context) error {
	if j.spec == nil {
		return usage(errors.New("a configuration is needed to compile a model"))
	}
	if j.options.FloatModel != "" {
		return usage(errors.New("--model goes with a .npu program; an ONNX model is its own float reference"))
	}
	if err := j.importFloat(ctx, j.options.Model); err != nil {
		return err
	}
	g := j.compilation.Network.Graph
	var err error
	if j.inputs, err = openSource(j.options, graphInputs(g)); err != nil {
		return usage(err)
	}
	err = j.compilation.Resume(ctx, compiler.Options{
		Spec: j.spec, Workers: j.options.workers(), Calibration: j.inputs.calibration(), Judge: judge(j.spec), Cache: j.options.Codes,
		Progress: func(pass string) { j.options.progress("compile: "+pass, 0, 0) },
	})
	if err != nil {
		return usage(err)
	}
	j.program, j.compiled = j.compilation.Program, true
	return nil
}

func (j *job) importFloat(ctx context.Context, path string) error {
	model, err := onnx.Read(path)
	if err != nil {
		return usage(err)
	}
	if j.compilation, err = compiler.Import(ctx, model); err != nil {
		return usage(err)
	}
	return nil
}

// fromProgram loads a compiled program.
func (j *job) fromProgram(ctx context.Context) error {
	o := j.options
	p, err := isa.ReadFile(o.Model)
	if err != nil {
		return usage(err)
	}
	j.program = p
	if j.spec == nil {
		if j.spec, err = configs.Parse(o.Model+" (its configuration)", p.Config); err != nil {
			return usage(err)
		}
	}
	if hash := j.spec.MachineHash(); hash != p.MachineHash {
		return usage(fmt.Errorf("%s was compiled for another machine: its machine hash is %x, that of configuration %s is %x (they cover units, scratchpads, alignment and ISA options)",
			o.Model, p.MachineHash[:8], j.spec.Name, hash[:8]))
	}
	if err := isa.Verify(p, compiler.Limits(j.spec)); err != nil {
		return usage(fmt.Errorf("%s: %w", o.Model, err))
	}
	if err := checkStalls(p, j.spec); err != nil {
		return usage(fmt.Errorf("%s: %w", o.Model, err))
	}
	if o.FloatModel != "" {
		if err := j.importFloat(ctx, o.FloatModel); err != nil {
			return err
		}
		if hash := j.compilation.Model.SHA256; hash != p.ModelHash {
			return usage(fmt.Errorf("%s is not the model that %s was compiled from: SHA-256 %x, the program says %x", o.FloatModel, o.Model, hash[:8], p.ModelHash[:8]))
		}
	}
	j.inputs, err = openSource(o, programInputs(p))
	return usage(err)
}
