package compress

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/weighttile"
)

// Moments are what calibration samples say of the inputs of a layer: mean and
// mean square of q - zero by input channel.
type Moments struct{ Mean, Square []float64 }

// Defaults of the fractional code where the configuration leaves n_in and n_out
// to the compiler: 0.95 bits a weight and plane.
const (
	defaultFractionalInputs  = 19
	defaultFractionalOutputs = 20
)

// Fits tells whether layers have the fractional code, which changes weights:
// those have to be replaced before the network is final.
func (e *Encoder) Fits() bool {
	for _, l := range e.order {
		if l.fit != nil || l.trained != nil {
			return true
		}
	}
	return false
}

// planFractional decides on the networks of a family: one for each plane, the
// same for all layers, of which a layer with fewer planes uses the first.
func (e *Encoder) planFractional(f *family, spec *configs.Spec) error {
	inputs, outputs := f.inputs, f.outputs
	if inputs == 0 {
		inputs, outputs = defaultFractionalInputs, defaultFractionalOutputs
	}
	if inputs > spec.XOR.MaxInputs || outputs > spec.XOR.MaxOutputs {
		return fmt.Errorf("a network of %d inputs and %d outputs: the machine has xor.max_inputs = %d and xor.max_outputs = %d",
			inputs, outputs, spec.XOR.MaxInputs, spec.XOR.MaxOutputs)
	}
	planes := 0
	var sample []float32
	for _, l := range f.layers {
		l.report.Inputs, l.report.Outputs, l.report.Planes, l.report.Seed = inputs, outputs, l.asked.Planes, uint64(spec.Compression.Seed)
		rate := fractionalcode.Rate(l.report.Planes, inputs, outputs)
		if rate >= float64(l.report.Bits) {
			l.report.Reason = fmt.Sprintf("stays plain: %.2f bits a weight coded, %d plain", rate, l.report.Bits)
			continue
		}
		l.report.Coded = true
		planes = max(planes, l.report.Planes)
		sample = append(sample, normalized(l.sample)...)
	}
	if planes == 0 {
		return nil
	}
	sample = spread(sample, fractionalSample)
	networks, err := fractional.ChooseNetworks(context.Background(), sample, 1, fractional.NetworkOptions{Planes: planes,
		Inputs: inputs, Outputs: outputs, Taps: spec.Compression.Taps, Seed: uint64(spec.Compression.Seed), Tries: spec.Compression.Networks}, fractional.Options{Workers: e.options.Workers})
	if err != nil {
		return err
	}
	first := len(e.networks) // of plane 0; those of the others follow
	for i := range networks {
		e.networks = append(e.networks, networks[i].Matrix)
	}
	encoders := make([]*fractional.Encoder, planes+1)
	for _, l := range f.layers {
		if !l.report.Coded {
			continue
		}
		n := l.report.Planes
		if encoders[n] == nil {
			if encoders[n], err = fractional.NewEncoder(networks[:n], 0); err != nil {
				return err
			}
		}
		l.fit, l.network = encoders[n], first
	}
	return nil
}

// fractionalSample is the number of weights that networks are compared on.
const fractionalSample = 1 << 12

// normalized scales weights to a mean square of 1, so that those of all layers
// count alike.
func normalized(weights []int8) []float32 {
	sum := 0.0
	for _, w := range weights {
		sum += float64(w) * float64(w)
	}
	if sum == 0 {
		return nil
	}
	scaled := floats(weights)
	unit := float32(math.Sqrt(float64(len(weights)) / sum))
	for i := range scaled {
		scaled[i] *= unit
	}
	return scaled
}

// spread takes so many of the weights, evenly spaced; a single zero of none.
func spread(weights []float32, most int) []float32 {
	if len(weights) == 0 {
		return []float32{0}
	}
	if len(weights) <= most {
		return weights
	}
	list := make([]float32, most)
	for i := range list {
		list[i] = weights[i*len(weights)/most]
	}
	return list
}

func floats(weights []int8) []float32 {
	f := make([]float32, len(weights))
	for i, w := range weights {
		f[i] = float32(w)
	}
	return f
}

// describeFractional states a tile of the fractional code.
func (l *layerCode) describeFractional(elements, channels int) *isa.EncodedWeights {
	slices := (elements + l.report.Outputs - 1) / l.report.Outputs
	return &isa.EncodedWeights{Codec: isa.FractionalCodec, Representation: isa.ScaledSigns, Bits: uint8(l.report.Planes), Mask: isa.NoMask,
		Order:   isa.StreamingOrder,
		Network: uint16(l.network), Inputs: uint8(l.report.Inputs), Outputs: uint16(l.report.Outputs), Cells: 1, Elements: uint32(elements), Kept: uint32(elements), Channels: uint32(channels),
		CodeBytes: uint32(l.report.Planes * ((slices*l.report.Inputs + 7) / 8)), ScaleBytes: uint32(l.report.Planes * channels)}
}

// fittedTile is a tile whose weights have been replaced by ones that the code
// can give.
type fittedTile struct {
	descriptor isa.EncodedWeights
	stream     []byte
}

// tileKey finds the stream of a fitted tile by its weights.
func tileKey(layer string, weights []int8, channels int) [32]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%d %q", channels, layer)
	h.Write(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(weights))), len(weights)))
	return [32]byte(h.Sum(nil))
}

// Fitter is the encoder with which a network is lowered once to fit the tiles
// of the fractional code. Apply then replaces the weights of the network; it
// must be lowered again, with the Encoder itself and everything else equal.
type Fitter struct {
	*Encoder
	graph   *integer.Graph
	nodes   map[string]*integer.Node
	moments map[string]Moments
	weights map[string][]int8
	// Squared errors and squares of the weights, by layer, with the moments as
	// weights.
	noise, signal map[string]float64
}

var _ lower.WeightEncoder = (*Fitter)(nil)

// NeedsTiles tells whether there are layers whose codes have not been trained.
func (f *Fitter) NeedsTiles() bool {
	return slices.ContainsFunc(f.order, func(l *layerCode) bool { return l.fit != nil })
}

// NewFitter fits the tiles of a network. Moments, by layer name, weigh the
// errors; a layer without them counts all alike.
func (e *Encoder) NewFitter(g *integer.Graph, moments map[string]Moments) *Fitter {
	f := &Fitter{Encoder: e, graph: g, nodes: map[string]*integer.Node{}, moments: moments, weights: map[string][]int8{},
		noise: map[string]float64{}, signal: map[string]float64{}}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		l := e.layers[n.Name]
		if n.Kind != integer.Convolution || l == nil || l.fit == nil && l.trained == nil {
			continue
		}
		f.nodes[n.Name] = n
		f.weights[n.Name] = slices.Clone(n.Convolution.Weights)
		if l.trained != nil {
			f.weights[n.Name] = l.trained.weights
			for i, w := range n.Convolution.Weights {
				d := float64(l.trained.weights[i]) - float64(w)
				f.noise[n.Name] += d * d
				f.signal[n.Name] += float64(w) * float64(w)
			}
		}
	}
	e.fitted = map[[32]byte]fittedTile{}
	return f
}

// Tile implements lower.WeightEncoder. Tiles of other codes are left plain: this
// program is not kept.
func (f *Fitter) Tile(layer string, place lower.TilePlace, weights []int8, channels int) (*isa.EncodedWeights, []byte, error) {
	l := f.layers[layer]
	n := f.nodes[layer]
	if n == nil || l.fit == nil {
		return nil, nil, nil
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	a := n.Convolution
	cells := a.Kernel[0] * a.Kernel[1]
	importance := make([]float32, len(weights))
	m, weighed := f.moments[layer]
	for i := range importance {
		importance[i] = 1
		if weighed {
			importance[i] = float32(m.Square[inputOf(a, place, i, channels)]) + 1e-3
		}
	}
	ctx := context.Background()
	tensor := channelMajor(floats(weights), channels)
	o := fractional.Options{Order: fractionalcode.ChannelMinor, Importance: channelMajor(importance, channels), Workers: f.options.Workers}
	result, err := l.fit.Encode(ctx, tensor, channels, o)
	if err != nil {
		return nil, nil, err
	}
	limitScales(result.Code, channels)
	if err := fractional.FixScales(result.Code, []float32{1}); err != nil {
		return nil, nil, err
	}
	code, err := l.fit.Refit(ctx, tensor, result.Code, o)
	if err != nil {
		return nil, nil, err
	}
	t := l.describeFractional(len(weights), channels)
	var stream []byte
	for p := range code.Planes {
		stream = append(stream, code.Planes[p].Codes.Bytes...)
	}
	for _, s := range code.Integer.Scales {
		stream = append(stream, byte(s))
	}
	decoded := make([]int8, len(weights))
	if err := weighttile.Decode(decoded, t, f.networks, stream); err != nil {
		return nil, nil, err
	}
	perOutput := len(a.Weights) / len(a.Bias)
	for i, w := range decoded {
		cell, in, out := i/channels/place.InputCount, place.Inputs+i/channels%place.InputCount, place.Outputs+i%channels
		f.weights[layer][out*perOutput+in*cells+cell] = w
		d := float64(w) - float64(weights[i])
		f.noise[layer] += d * d * float64(importance[i])
		f.signal[layer] += float64(weights[i]) * float64(weights[i]) * float64(importance[i])
	}
	f.fitted[tileKey(layer, decoded, channels)] = fittedTile{*t, stream}
	return t, stream, nil
}

// inputOf is the input channel of the layer that weight i of a tile, whose
// output channels are innermost, is multiplied with.
func inputOf(a *integer.ConvolutionAttributes, place lower.TilePlace, i, channels int) int {
	inputs := len(a.Weights) / len(a.Bias) / (a.Kernel[0] * a.Kernel[1]) // of a group
	group := (place.Outputs + i%channels) / (len(a.Bias) / a.Groups)
	return group*inputs + place.Inputs + i/channels%place.InputCount
}

// channelMajor is a tile, whose channels are innermost, as the tensor [channels]
// [rest] that encoders take.
func channelMajor(tile []float32, channels int) []float32 {
	tensor := make([]float32, len(tile))
	rest := len(tile) / channels
	for i, x := range tile {
		tensor[i%channels*rest+i/channels] = x
	}
	return tensor
}

// limitScales shrinks the scales of a channel that would reach beyond the int8
// weights that they replace; the bits are chosen again for the scales.
func limitScales(code *fractionalcode.Code, channels int) {
	for c := range channels {
		reach := float32(0)
		for p := range code.Planes {
			reach += max(code.Planes[p].Scales[c], -code.Planes[p].Scales[c])
		}
		const most = 127 - 4 // each of up to 8 scales rounds up by half a step at most
		for p := range code.Planes {
			if reach > most {
				code.Planes[p].Scales[c] *= most / reach
			}
		}
	}
}

// Apply replaces weights and biases of the network. The bias keeps what was
// folded into it, -zero * sum(weights), true, and takes over the mean of what
// the changed weights no longer add.
func (f *Fitter) Apply() error {
	for name, n := range f.nodes { // each on its own
		a := n.Convolution
		zero := int64(f.graph.Tensors[n.Inputs[0]].Zero)
		perOutput := len(a.Weights) / len(a.Bias)
		cells := a.Kernel[0] * a.Kernel[1]
		inputs := perOutput / cells
		m, weighed := f.moments[name]
		bias := append([]int32(nil), a.Bias...)
		for c := range bias {
			var changed int64
			mean := 0.0
			group := c / (len(a.Bias) / a.Groups) * inputs
			for k := range perOutput {
				d := int64(a.Weights[c*perOutput+k]) - int64(f.weights[name][c*perOutput+k])
				changed += d
				if weighed {
					mean += float64(d) * m.Mean[group+k/cells]
				}
			}
			corrected := int64(bias[c]) + zero*changed + int64(math.Round(mean))
			if corrected < math.MinInt32 || corrected > math.MaxInt32 {
				return fmt.Errorf("layer %s: the bias of channel %d leaves 32 bits", name, c)
			}
			bias[c] = int32(corrected)
		}
		a.Weights, a.Bias = f.weights[name], bias
		l := f.layers[name]
		if f.signal[name] > 0 {
			l.report.Error = f.noise[name] / f.signal[name]
		}
	}
	return f.graph.Validate()
}

// fractionalTile looks a fitted tile up.
func (e *Encoder) fractionalTile(layer string, weights []int8, channels int) (*isa.EncodedWeights, []byte, error) {
	tile, ok := e.fitted[tileKey(layer, weights, channels)]
	if !ok {
		return nil, nil, fmt.Errorf("a tile of %d weights was not fitted: the network was lowered in another way", len(weights))
	}
	t := tile.descriptor
	return &t, tile.stream, nil
}
