package evaluate

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/isa"
)

// isShapes tells layer-shape files, which have no weights.
func isShapes(path string) bool { return strings.EqualFold(filepath.Ext(path), ".csv") }

// openShapes reads the layer shapes of a session.
func (s *Session) openShapes() (err error) {
	o := &s.options
	switch {
	case o.Data != "":
		return fmt.Errorf("--data %s: %s has layer shapes without weights: it is timed, not executed", o.Data, o.Model)
	case o.FloatModel != "":
		return fmt.Errorf("--model %s goes with a .npu program; %s has layer shapes without weights", o.FloatModel, o.Model)
	case o.CheckAll:
		return fmt.Errorf("--check-all: %s has layer shapes without weights: nothing is executed that could be checked", o.Model)
	}
	o.progress("compile: shapes", 0, 0)
	s.topology, err = shapes.Read(o.Model)
	return err
}

// network is what layer shapes become, up to the plans.
type network struct {
	graph   *integer.Graph
	uncoded []string
	encoder *compress.Encoder // nil if no weights are coded
	plans   *lower.Plans
}

func (n *network) bytes() int64 { return graphBytes(n.graph) + n.plans.Bytes() }

// fromShapes lowers layer shapes to a program that can be timed only.
func (p *point) fromShapes(ctx context.Context) error {
	o, target, options := p.options, lower.NewTarget(p.spec), lower.Options{ModelHash: p.session.topology.SHA256}
	key := compiler.Reads(compiler.PlanPass, p.spec)
	n, found, err := p.session.networks.get(ctx, key, func() (*network, error) {
		o.progress("compile: lower", 0, 0)
		n := &network{graph: p.session.topology.Network(&p.spec.Quantization, p.spec.NPU.ChannelBlock)}
		n.uncoded = uncodedShapes(n.graph, p.spec)
		if err := n.graph.Validate(); err != nil {
			return nil, err
		}
		var err error
		if n.encoder, err = compress.New(n.graph, p.spec, compress.Options{Workers: o.workers(), Cache: o.Codes}); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		if n.encoder != nil {
			options.Encoder = n.encoder
		}
		n.plans = lower.NewPlans(n.graph, target, options)
		return n, nil
	})
	if err != nil {
		return usage(fmt.Errorf("%s: %w", o.Model, err))
	}
	p.origin(PlanStage, found)
	p.shapes, p.uncoded = true, n.uncoded
	if target.MilliBytesPerCycle, p.program, err = n.plans.Choose(target, p.judged.judge); err == nil && p.program == nil {
		if n.encoder != nil {
			options.Encoder = n.encoder
		}
		p.program, err = lower.Lower(n.graph, target, options)
	}
	if err != nil {
		return usage(fmt.Errorf("%s: lower: %w", o.Model, err))
	}
	p.session.networks.measure(key)
	if n.encoder != nil { // the tables of sizes are this point's own
		p.encoder = n.encoder.Fresh()
		if err := p.encoder.Book(p.program); err != nil {
			return fmt.Errorf("%s: compress: %w", o.Model, err)
		}
	}
	o.progress("compile: verify", 0, 0)
	if err := isa.Verify(p.program, compiler.Limits(p.spec)); err != nil {
		return usage(fmt.Errorf("%s: verify: %w", o.Model, err))
	}
	return nil
}

// shapeNote tells what a program of layer shapes leaves out.
const shapeNote = "The model is a list of layer shapes: weights are counted, not known, so the network is timed and not executed. " +
	"Layers are independent: each loads its input from DRAM and stores its output there. " +
	"Output extents follow SCALE-Sim, ceil((H - f + s) / s); where the stride does not divide H - f, the layer is padded at its end."
