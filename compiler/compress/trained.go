package compress

import (
	"errors"
	"fmt"
	"math"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// trainedLayer is a layer whose codes came out of training. Signs cannot be
// coded anew, for the networks give but few of all patterns: tiles take the
// slices as they are.
type trainedLayer struct {
	code    *fractionalcode.Code
	scales  []int8 // [plane][output]
	weights []int8 // [output][input of the group][cell], what the code gives
	outputs int
	inputs  int // of a group
	cells   int
}

// planTrained takes the code of a layer from training.
func (e *Encoder) planTrained(l *layerCode, a *integer.ConvolutionAttributes, total int64, spec *configs.Spec) error {
	l.count(a.Weights, total)
	if e.options.Trained == nil {
		return errors.New("a network of layer shapes has no weights that were trained")
	}
	found := e.options.Trained[l.report.Name]
	if found == nil {
		l.report.Reason = "stays plain: the folder of compression.trained has no code of it"
		return nil
	}
	code := found.Code
	l.report.Inputs, l.report.Outputs, l.report.Planes = code.Inputs(), code.Outputs(), len(code.Planes)
	switch {
	case code.Channels != len(a.Bias) || code.Weights != len(a.Weights):
		return fmt.Errorf("%d weights of %d channels, the layer has %d of %d", code.Weights, code.Channels, len(a.Weights), len(a.Bias))
	case a.WeightBits != 8:
		return fmt.Errorf("its sums of int8 scales need 8 bits, the layer has weights of %d", a.WeightBits)
	case code.Inputs() > spec.XOR.MaxInputs || code.Outputs() > spec.XOR.MaxOutputs:
		return fmt.Errorf("its networks have %d inputs and %d outputs: the machine has xor.max_inputs = %d and xor.max_outputs = %d",
			code.Inputs(), code.Outputs(), spec.XOR.MaxInputs, spec.XOR.MaxOutputs)
	}
	cells := a.Kernel[0] * a.Kernel[1]
	if cells > math.MaxUint16 {
		return fmt.Errorf("kernels of %d cells: the decryption units count %d", cells, math.MaxUint16)
	}
	t := &trainedLayer{code: code, outputs: len(a.Bias), inputs: len(a.Weights) / len(a.Bias) / cells, cells: cells}
	var err error
	if t.scales, t.weights, err = integerScales(code, a.Weights); err != nil {
		return err
	}
	if err := closeTo(t.weights, a.Weights, len(a.Bias), len(code.Planes)); err != nil {
		return err
	}
	if rate := fractionalcode.Rate(len(code.Planes), code.Inputs(), code.Outputs()); rate >= float64(l.report.Bits) {
		l.report.Reason = fmt.Sprintf("stays plain: %.2f bits a weight coded, %d plain", rate, l.report.Bits)
		return nil
	}
	l.kept, l.trained, l.report.Coded = 1, t, true
	l.network = e.rows(code)
	return nil
}

// closeTo refuses weights [channels][rest] that are not the quantized ones but
// for rounding: half a step for the weight and half a step for each scale.
func closeTo(coded, quantized []int8, channels, planes int) error {
	allowed := 1 + planes/2
	worst, at := 0, 0
	for i := range coded {
		if d := int(coded[i]) - int(quantized[i]); max(d, -d) > worst {
			worst, at = max(d, -d), i
		}
	}
	if worst > allowed {
		rest := len(coded) / channels
		return fmt.Errorf("the quantized weights are not those of the code times a factor for each output channel: channel %d, weight %d is %d, the code gives %d (%d steps of rounding are allowed)",
			at/rest, at%rest, quantized[at], coded[at], allowed)
	}
	return nil
}

// rows is the first row of the networks of a code, one a plane, in the table.
func (e *Encoder) rows(code *fractionalcode.Code) int {
	for first := 0; first+len(code.Planes) <= len(e.networks); first++ {
		same := true
		for p := range code.Planes {
			same = same && code.Planes[p].Network.Matrix.Equal(e.networks[first+p])
		}
		if same {
			return first
		}
	}
	first := len(e.networks)
	for p := range code.Planes {
		e.networks = append(e.networks, code.Planes[p].Network.Matrix)
	}
	return first
}

// stretch is where the weights of a tile begin in the order of the code; ok is
// false if others lie between them.
func (t *trainedLayer) stretch(place lower.TilePlace) (first int, ok bool) {
	if t.code.Order == fractionalcode.ChannelMinor { // input, cell, output
		return place.Inputs*t.cells*t.outputs + place.Outputs, place.OutputCount == t.outputs || place.InputCount*t.cells == 1
	}
	return (place.Outputs*t.inputs + place.Inputs) * t.cells, place.InputCount == t.inputs || place.OutputCount == 1
}

// scattered says why tiles have no codes of their own.
var scattered = [...]string{
	fractionalcode.ChannelMajor: "in channel-major order only tiles with all input channels have their codes in one piece; codes trained channel-minor need tiles with all output channels",
	fractionalcode.ChannelMinor: "in channel-minor order only tiles with all output channels have their codes in one piece; codes trained channel-major need tiles with all input channels",
}

// trainedTile cuts the slices of a tile out of the code of its layer.
func (e *Encoder) trainedTile(l *layerCode, place lower.TilePlace, weights []int8) (*isa.EncodedWeights, []byte, error) {
	code := l.trained.code
	first, ok := l.trained.stretch(place)
	if !ok {
		l.report.TilesPlain = scattered[code.Order]
		return nil, nil, nil
	}
	t := l.describeFractional(len(weights), place.OutputCount)
	t.Skip, t.Cells, t.Order = uint16(first%code.Outputs()), uint16(l.trained.cells), isa.ChannelMajorOrder
	if code.Order == fractionalcode.ChannelMinor {
		t.Order = isa.InputMajorOrder
	}
	slice, slices := first/code.Outputs(), t.PlaneSlices()
	var stream []byte
	for p := range code.Planes {
		var part xorcode.Bitstream
		for s := slice; s < slice+slices; s++ {
			part.Append(code.Planes[p].Codes.At(xorcode.Bits(s)*xorcode.Bits(code.Inputs()), code.Inputs()), code.Inputs())
		}
		stream = append(stream, part.Bytes...)
	}
	t.CodeBytes = uint32(len(stream))
	for p := range code.Planes {
		for _, s := range l.trained.scales[p*code.Channels+place.Outputs:][:place.OutputCount] {
			stream = append(stream, byte(s))
		}
	}
	return t, stream, e.prove(t, stream, weights)
}
