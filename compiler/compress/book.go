package compress

import (
	"fmt"

	"github.com/npusim/npusim/isa"
)

// Book takes down the sizes of a program of layer shapes, whose weight tiles
// have been estimated instead of coded: of every tile once, however often the
// program loads it.
func (e *Encoder) Book(p *isa.Program) error {
	if len(p.Code[isa.LoadDMA]) == 0 {
		return nil
	}
	stream, err := isa.NewStream(p.Code[isa.LoadDMA])
	if err != nil {
		return fmt.Errorf("sizes of %s: %w", p.Name, err)
	}
	type load struct {
		offset     uint64
		descriptor uint32
	}
	booked := map[load]bool{}
	cursor := stream.Cursor()
	var d isa.Dynamic
	for cursor.Next(&d) {
		in := d.Instruction
		if in.Op != isa.Load && in.Op != isa.LoadEncoded || in.Operands[0].Space != isa.Weights || booked[load{d.Offsets[0], in.Descriptor}] {
			continue
		}
		booked[load{d.Offsets[0], in.Descriptor}] = true
		l := e.layers[p.Layers[p.Descriptors[in.Descriptor].LayerIndex()].Name]
		if l == nil {
			continue
		}
		switch t := p.Descriptors[in.Descriptor].(type) {
		case *isa.EncodedWeights:
			l.book(t, isa.PackedBytes(int(t.Elements), l.report.Bits))
		case *isa.Transfer:
			if t.Class == isa.WeightClass {
				l.book(nil, int(t.RunBytes())*int(t.Rows)*int(t.Blocks))
			}
		}
	}
	return nil
}

// book takes down a tile that would take plain bytes plain; t is nil if it does.
func (l *layerCode) book(t *isa.EncodedWeights, plain int) {
	l.report.Tiles++
	l.report.PlainBytes += int64(plain)
	if t == nil {
		l.report.PlainTiles++
		l.report.StoredPlain += int64(plain)
		return
	}
	l.report.CodeBytes += int64(t.CodeBytes)
	l.report.CorrectionBytes += int64(t.CorrectionBytes)
	l.report.MaskBytes += int64(t.MaskBytes)
	l.report.ScaleBytes += int64(t.ScaleBytes)
	l.report.Corrections += int64(t.Patches)
}
