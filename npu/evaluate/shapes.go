package evaluate

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/isa"
)

// isShapes tells layer-shape files, which have no weights.
func isShapes(path string) bool { return strings.EqualFold(filepath.Ext(path), ".csv") }

// fromShapes lowers layer shapes to a program that can be timed only.
func (j *job) fromShapes() error {
	o := j.options
	switch {
	case j.spec == nil:
		return usage(errors.New("a configuration is needed to compile layer shapes"))
	case o.Data != "":
		return usage(fmt.Errorf("--data %s: %s has layer shapes without weights: it is timed, not executed", o.Data, o.Model))
	case o.FloatModel != "":
		return usage(fmt.Errorf("--model %s goes with a .npu program; %s has layer shapes without weights", o.FloatModel, o.Model))
	case o.CheckAll:
		return usage(fmt.Errorf("--check-all: %s has layer shapes without weights: nothing is executed that could be checked", o.Model))
	}
	o.progress("compile: shapes", 0, 0)
	topology, err := shapes.Read(o.Model)
	if err != nil {
		return usage(err)
	}
	network := topology.Network(&j.spec.Quantization)
	j.uncoded = uncodedShapes(network, j.spec)
	if err := network.Validate(); err != nil {
		return usage(fmt.Errorf("%s: %w", o.Model, err))
	}
	o.progress("compile: lower", 0, 0)
	options := lower.Options{ModelHash: topology.SHA256}
	if j.encoder, err = compress.New(network, j.spec, compress.Options{Workers: o.workers(), Cache: o.Codes}); err != nil {
		return usage(fmt.Errorf("%s: compress: %w", o.Model, err))
	}
	if j.encoder != nil {
		options.Encoder = j.encoder
	}
	j.program, err = lower.Best(network, lower.NewTarget(j.spec), options, judge(j.spec))
	if err != nil {
		return usage(fmt.Errorf("%s: lower: %w", o.Model, err))
	}
	if j.encoder != nil {
		if err = j.encoder.Book(j.program); err != nil {
			return fmt.Errorf("%s: compress: %w", o.Model, err)
		}
	}
	o.progress("compile: verify", 0, 0)
	if err := isa.Verify(j.program, compiler.Limits(j.spec)); err != nil {
		return usage(fmt.Errorf("%s: verify: %w", o.Model, err))
	}
	return nil
}

// shapeNote tells what a program of layer shapes leaves out.
const shapeNote = "The model is a list of layer shapes: weights are counted, not known, so the network is timed and not executed. " +
	"Layers are independent: each loads its input from DRAM and stores its output there. " +
	"Output extents follow SCALE-Sim, ceil((H - f + s) / s); where the stride does not divide H - f, the layer is padded at its end."
