package evaluate

import (
	"context"
	"errors"
	"runtime"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/compress"
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

	// Record asks for Result.Recording.
	Record bool

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
	compilation *compiler.Compilation // nil for layer shapes and for a .npu without a float model
	program     *isa.Program          // to be timed; it may lack its constants
	encoder     *compress.Encoder     // of layer shapes; nil if no weights are coded
	uncoded     []string              // notes on layer shapes that were to have binary codes and have none
	compiled    bool                  // program comes from compilation, so the integer reference exists
	shapes      bool                  // of layer shapes, which are timed only
	inputs      *source
}
