package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/evaluate"
)

// shapesTable times a network of layer shapes at a sparsity of 0.9, which
// networks this large can reach with retraining: random weights stand in.
func (t *tool) shapesTable(ctx context.Context) error {
	if missing(t.shapes) {
		fmt.Fprintf(t.log, "compression: left out: %s; %s is not there (run from the root of the repository, or name the file with -shapes)\n", shapesName, t.shapes)
		return nil
	}
	out := table{columns: []column{text("preset"), text("weights in DRAM"), number("weights moved, KiB"), number("codes"), number("corrections"), number("masks"),
		number("times less"), number("bits/weight moved"), number("all DRAM, KiB"), number("cycles"), number("times less"), number("energy, uJ"), number("times less"), number("decode cycles"), number("s")}}
	list := slices.Concat([]scheme{{name: "int8"}}, schemes[:2])
	if t.quick {
		list = list[:2]
	}
	for _, preset := range t.presets {
		var plain *evaluate.Result
		label := preset
		for _, scheme := range list {
			t.say("%s: %s on %s", shapesName, scheme.name, preset)
			spec, err := configs.Load(preset, slices.Concat([]string{"compression.sparsity=0.9"}, t.schemeSets(scheme)))
			if err != nil {
				return err
			}
			r, err := evaluate.Run(ctx, evaluate.Options{Model: t.shapes, Spec: spec, Workers: t.workers, TimingOnly: true, Codes: t.cache})
			if err != nil {
				return err
			}
			if plain == nil {
				plain = r
			}
			code, correction, mask := moved(r, isa.WeightClass), moved(r, isa.CorrectionClass), moved(r, isa.MaskClass)
			all, before := code+correction+mask, moved(plain, isa.WeightClass)
			if all == 0 || (scheme.sets != nil) != strings.Contains(strings.Join(r.Notes, "\n"), "Random weights") {
				return fmt.Errorf("%s on %s: %d bytes of weights moved, notes %q", scheme.name, preset, all, r.Notes)
			}
			out.add(label, scheme.name, kib(all), kib(code), kib(correction), kib(mask), times(float64(before), float64(all)), decimal(2, 8*float64(all)/float64(before)),
				kib(r.DRAM.ReadBytes+r.DRAM.WriteBytes), r.Timing.Cycles, cyclesOver(plain, r), decimal(1, r.EnergyUJ.Total), energyOver(plain, r), decodeCycles(r), decimal(1, r.Host.WallSeconds))
			label = ""
		}
	}
	return out.write(t.out, "ResNet-50 shapes at sparsity 0.90: random weights of the same shapes, for timing only",
		filepath.Base(t.shapes)+" has layer shapes without weights: nothing is executed and there is no accuracy. Random weights with a seed stand in; sizes are estimates from samples of them. "+
			"Weights moved are DRAM traffic: a tile that is loaded again counts again. Bits a weight count for each weight moved.")
}

// moved are the bytes of a class over the DRAM bus.
func moved(r *evaluate.Result, class isa.TensorClass) int64 {
	return r.DRAM.BytesByClass[class.String()]
}

func decodeCycles(r *evaluate.Result) string {
	if r.Compression == nil || r.Compression.DecodeCycles == 0 {
		return "-"
	}
	return fmt.Sprint(r.Compression.DecodeCycles)
}
