// Package compiler is the driver of the compiler: one table of passes takes an
// ONNX file and a configuration to a program of the machine.
//
// Its rooms: onnx (file format), ops (operators), graph (float network),
// transform (float rewriting), floatref (float execution), dataset, prune,
// quantize (float to integer), integer (quantized network and its reference),
// codec and compress (coded weights), lower (tiles, memory, instructions).
package compiler

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/compiler/quantize"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
)

// Samples feed calibration: Load gives the inputs of sample i, in the order of
// the graph's inputs, and is called from several goroutines.
type Samples struct {
	Count int
	Load  func(i int) ([][]float32, error)
}

// Options of a compilation.
type Options struct {
	Spec        *configs.Spec
	Calibration Samples
	Workers     int
	Lower       lower.Options
	Judge       lower.Judge     // may be nil: then the tile search's estimates decide
	Cache       *compress.Cache // of weight codes; may be nil
	// TimedOnly makes a program without constants where timing is the same
	// without them: that of weights that are not coded.
	TimedOnly bool
	// Dump, if set, receives the text form of what each pass made.
	Dump func(pass, text string)
	// Progress, if set, is told which pass runs.
	Progress func(pass string)
}

// Compilation is a network on its way through the passes. Each pass fills the
// fields that later ones need, and changes nothing that earlier ones made.
type Compilation struct {
	Options Options

	Model       *onnx.Model
	Graph       *graph.Graph       // as imported
	Network     *transform.Network // rewritten, still float
	Pruned      *transform.Network // the same with pruned or trained weights; Network itself if there are none
	Calibration *quantize.Calibration
	Quantized   *integer.Graph
	Report      *quantize.Report
	Trained     map[string]*fractional.Imported // codes of compression.trained, by layer
	Products    map[string]*prune.Product       // masks that are known to be Boolean products, by layer
	Encoder     *compress.Encoder               // nil if no weights are coded
	Plans       *lower.Plans
	Bandwidth   int64        // that the program is lowered for, thousandths of a byte a cycle
	Chosen      *isa.Program // the plan for it, without constants; may be nil
	Program     *isa.Program

	last Pass // that has run
}

// Import runs only the passes up to the rewritten float network.
func Import(ctx context.Context, model *onnx.Model) (*Compilation, error) {
	c := &Compilation{Model: model}
	return c, c.Run(ctx, TransformPass)
}

// Branch is a compilation that goes on from where this one is, with options of
// its own. Both may go on, at the same time too: what has been made is shared.
// The options must agree with those before in what the passes so far read, see
// Reads.
func (c *Compilation) Branch(options Options) *Compilation {
	b := *c
	b.Options = options
	return &b
}

// Run executes the passes that have not run yet, up to last.
func (c *Compilation) Run(ctx context.Context, last Pass) error {
	for c.last < last {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := &passes[c.last+1]
		if c.Options.Progress != nil {
			c.Options.Progress(p.name)
		}
		if err := p.run(ctx, c); err != nil {
			return c.blame(p.name, err)
		}
		c.last++
		if c.Options.Dump != nil && p.text != nil {
			c.Options.Dump(p.name, p.text(c))
		}
	}
	return nil
}

// blame names file and opset, which the passes after the import do not know.
func (c *Compilation) blame(pass string, err error) error {
	if pass == "import" || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err // the import names the file itself
	}
	return fmt.Errorf("%s (opset %d): %s: %w", c.Model.Path, c.Model.Opset(), pass, err)
}

func importModel(_ context.Context, c *Compilation) (err error) {
	c.Graph, err = ops.Import(c.Model)
	if err == nil && c.Graph.Name == "" {
		c.Graph.Name = strings.TrimSuffix(filepath.Base(c.Model.Path), ".onnx")
	}
	return err
}

func transformGraph(_ context.Context, c *Compilation) (err error) {
	c.Network, err = transform.Run(c.Graph)
	return err
}

func calibrate(ctx context.Context, c *Compilation) (err error) {
	samples := c.Options.Calibration
	if samples.Count < 1 {
		return fmt.Errorf("there is no calibration sample")
	}
	load := func(i int) ([][]float32, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return samples.Load(i)
	}
	c.Calibration, err = quantize.Calibrate(c.Pruned, &c.Options.Spec.Quantization, samples.Count, c.Options.Workers, load)
	return err
}

func quantizeNetwork(ctx context.Context, c *Compilation) (err error) {
	q := &c.Options.Spec.Quantization
	coding := quantize.Coding{Workers: c.Options.Workers, RowStep: c.Options.Spec.NPU.ChannelBlock}
	if quantize.UsesCodes(q) {
		if err := prepareCodes(ctx, c, &coding); err != nil {
			return err
		}
	}
	if c.Quantized, c.Report, err = quantize.QuantizeCoded(ctx, c.Pruned, c.Calibration, q, coding); err != nil {
		return err
	}
	return c.Quantized.Validate()
}

// ParametersSetting is the entry of a program's settings with the number of
// parameters of the float model.
const ParametersSetting = "parameters"

// planGraph makes the plans that the program is chosen from.
func planGraph(_ context.Context, c *Compilation) error {
	options := c.lowering()
	if c.Encoder != nil {
		options.Encoder = c.Encoder
	}
	c.Plans = lower.NewPlans(c.Quantized, lower.NewTarget(c.Options.Spec), options)
	return nil
}

// choosePlan judges the plans with the memory of the configuration.
func choosePlan(_ context.Context, c *Compilation) (err error) {
	c.Bandwidth, c.Chosen, err = c.Plans.Choose(lower.NewTarget(c.Options.Spec), c.Options.Judge)
	return err
}

// lowerGraph makes the program. An encoder counts what it codes, so it is one
// of the program's own.
func lowerGraph(_ context.Context, c *Compilation) (err error) {
	if c.Options.TimedOnly && c.Encoder == nil && c.Chosen != nil {
		c.Program = c.Chosen
		return nil
	}
	options := c.lowering()
	if c.Encoder != nil {
		c.Encoder = c.Encoder.Fresh()
		options.Encoder = c.Encoder
	}
	target := lower.NewTarget(c.Options.Spec)
	target.MilliBytesPerCycle = c.Bandwidth
	c.Program, err = lower.Lower(c.Quantized, target, options)
	return err
}

// lowering is what programs are lowered with, but for the encoder.
func (c *Compilation) lowering() lower.Options {
	options := c.Options.Lower
	options.ModelHash = c.Model.SHA256
	options.Settings = append(slices.Clone(options.Settings), isa.Setting{Name: ParametersSetting, Value: strconv.FormatInt(c.Graph.Parameters(), 10)})
	return options
}

func verifyProgram(_ context.Context, c *Compilation) error {
	return isa.Verify(c.Program, Limits(c.Options.Spec))
}

// Limits are the scratchpad sizes of a Spec.
func Limits(spec *configs.Spec) isa.Limits {
	return isa.Limits{
		Activation:  uint64(spec.NPU.ActivationBufferBytes()),
		Weight:      uint64(spec.NPU.WeightBufferBytes()),
		Accumulator: uint64(spec.NPU.AccumulatorBufferBytes()),
		Tables:      uint64(spec.LUTGEMM.TableSlots()),
	}
}

func disassembly(c *Compilation) string {
	var b strings.Builder
	if err := isa.Disassemble(&b, c.Program); err != nil {
		return err.Error()
	}
	return b.String()
}
