package evaluate

import (
	"fmt"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/weighttile"
	"github.com/npusim/npusim/npu/cost"
)

// checkStalls holds the counts that the time of decoding goes by to the streams
// of encoded weights: the corrections that they have, and how long the
// decryption units of the machine wait for them. A program that someone wrote or
// changed by hand may state anything.
func checkStalls(p *isa.Program, spec *configs.Spec) error {
	if p.ShapeOnly || len(p.Networks) == 0 || len(p.Code[isa.LoadDMA]) == 0 {
		return nil
	}
	machine := cost.NewMachine(spec)
	stream, err := isa.NewStream(p.Code[isa.LoadDMA])
	if err != nil {
		return err
	}
	type tile struct {
		offset     uint64
		descriptor uint32
	}
	checked := map[tile]bool{}
	cursor := stream.Cursor()
	var d isa.Dynamic
	for cursor.Next(&d) {
		at := tile{d.Offsets[0], d.Instruction.Descriptor}
		if d.Instruction.Op != isa.LoadEncoded || checked[at] {
			continue
		}
		checked[at] = true
		t := p.Descriptors[at.descriptor].(*isa.EncodedWeights)
		corrections, err := weighttile.Corrections(t, p.Constants[at.offset:][:t.StreamBytes()])
		if err == nil {
			if stalls := machine.CorrectionStalls(corrections); stalls != int64(t.Stalls) {
				err = fmt.Errorf("stalls is %d, the corrections of the stream stall the decryption units for %d cycles", t.Stalls, stalls)
			}
		}
		if err != nil {
			return fmt.Errorf("unit %s, instruction %d (%s), descriptor d%d of layer %q: %w", isa.LoadDMA, d.Index, d.Instruction.Op, at.descriptor, p.Layers[t.Layer].Name, err)
		}
	}
	return nil
}
