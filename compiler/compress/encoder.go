package compress

import (
	"fmt"
	"sync"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/weighttile"
	"github.com/npusim/npusim/isa/xorcode"
	"github.com/npusim/npusim/npu/cost"
)

// Encoder codes weight tiles. It implements lower.WeightEncoder.
type Encoder struct {
	machine    *cost.Machine
	options    Options
	maskFormat configs.MaskFormat
	layers     map[string]*layerCode
	order      []*layerCode
	networks   []*xorcode.Network
	fitted     map[[32]byte]fittedTile // of the fractional code
}

// layerCode is the decision for a layer.
type layerCode struct {
	mutex          sync.Mutex
	asked          configs.LayerCompression
	report         Layer
	sample         []int8         // while planning
	targets        []codec.Target // planes of the sample, while planning
	best           *candidate     // the least bits on the sample with any network; nil without
	network        int            // row of the table
	representation bitplane.Representation
	// Of the sample: bits a weight.
	corrections, mask, patches float64
	kept                       float64             // share
	rawMask                    bool                // else run-length
	otherMask                  float64             // of the sample: bits a weight of the mask unless it is low-rank
	maskSides                  [2]int              // of the mask as a matrix: inputs and cells, outputs
	maskRank                   int                 // components of a low-rank mask; 0: none is known
	product                    *layerProduct       // its factors; nil where random weights stand in
	fit                        *fractional.Encoder // of the fractional code
	trained                    *trainedLayer       // of the fractional code, in place of fit
}

// Networks implements lower.WeightEncoder.
func (e *Encoder) Networks() []*xorcode.Network { return e.networks }

// Fresh is an encoder with the same codes that has coded nothing yet: Tile
// counts what it codes. Its fits are shared, they must be complete.
func (e *Encoder) Fresh() *Encoder {
	own := *e
	own.layers, own.order = make(map[string]*layerCode, len(e.layers)), nil
	for _, l := range e.order {
		c := &layerCode{report: l.report, network: l.network, representation: l.representation,
			corrections: l.corrections, mask: l.mask, patches: l.patches, kept: l.kept, rawMask: l.rawMask, otherMask: l.otherMask, maskSides: l.maskSides, maskRank: l.maskRank, product: l.product, fit: l.fit, trained: l.trained, asked: l.asked}
		own.layers[c.report.Name] = c
		own.order = append(own.order, c)
	}
	return &own
}

// Layers says what became of each layer, in the order of the network.
func (e *Encoder) Layers() []Layer {
	var list []Layer
	for _, l := range e.order {
		list = append(list, l.report)
	}
	return list
}

// codeBytes is the exact size of the codes of so many weights.
func (l *layerCode) codeBytes(elements int) int {
	slices := (elements + l.report.Outputs - 1) / l.report.Outputs
	return l.report.Bits * ((slices*l.report.Inputs + 7) / 8)
}

// describe fills in what all tiles of a layer share.
func (l *layerCode) describe(elements, channels int) *isa.EncodedWeights {
	t := &isa.EncodedWeights{Representation: isa.SignMagnitude, Bits: uint8(l.report.Bits), Order: isa.StreamingOrder, Network: uint16(l.network),
		Inputs: uint8(l.report.Inputs), Outputs: uint16(l.report.Outputs), Cells: 1, Elements: uint32(elements), Kept: uint32(elements), Channels: uint32(channels), Mask: isa.NoMask}
	if l.representation == bitplane.TwosComplement {
		t.Representation = isa.TwosComplement
	}
	t.Codec = isa.BlockCodec
	if l.report.Scheme == configs.XORSequential {
		t.Codec, t.Registers = isa.SequentialCodec, uint8(l.report.Registers)
	}
	return t
}

// Estimate implements lower.WeightEncoder.
func (e *Encoder) Estimate(layer string, elements, channels int) *isa.EncodedWeights {
	l := e.layers[layer]
	if l == nil || !l.report.Coded {
		return nil
	}
	if l.fit != nil || l.trained != nil {
		if t := l.describeFractional(elements, channels); t.StreamBytes() < isa.PackedBytes(elements, l.report.Bits) {
			return t
		}
		return nil
	}
	t := l.describe(elements, channels)
	t.CodeBytes = uint32(l.codeBytes(elements))
	t.CorrectionBytes = uint32(l.corrections*float64(elements)/8) + 1
	t.Patches = uint32(l.patches * float64(elements))
	t.Kept = uint32(l.kept * float64(elements))
	if l.mask > 0 {
		t.Mask, t.MaskBytes = isa.RunLengthMask, uint32(l.otherMask*float64(elements)/8)+1
		if l.rawMask {
			t.Mask, t.MaskBytes = isa.RawMask, uint32(elements+7)/8
		}
		e.estimateProduct(l, t)
	}
	if t.StreamBytes() >= isa.PackedBytes(elements, l.report.Bits) {
		return nil
	}
	return t
}

// Tile implements lower.WeightEncoder.
func (e *Encoder) Tile(layer string, place lower.TilePlace, weights []int8, channels int) (*isa.EncodedWeights, []byte, error) {
	l := e.layers[layer]
	if l == nil {
		return nil, nil, nil
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	plain := isa.PackedBytes(len(weights), l.report.Bits)
	var t *isa.EncodedWeights
	var stream []byte
	if l.report.Coded {
		var err error
		if l.trained != nil {
			t, stream, err = e.trainedTile(l, place, weights)
		} else if l.fit != nil {
			t, stream, err = e.fractionalTile(layer, weights, channels)
		} else {
			t, stream, err = e.smallestTile(l, place, weights, channels)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("code of layer %s: %w", layer, err)
		}
	}
	if t != nil && len(stream) >= plain {
		t, stream = nil, nil
	}
	l.book(t, plain)
	return t, stream, nil
}

// tile codes a tile, of which a sealed mask keeps some weights and nil all, and
// proves that it decodes to the same weights.
func (e *Encoder) tile(l *layerCode, weights []int8, channels int, keep xorcode.Plane, sealed []byte) (*isa.EncodedWeights, []byte, error) {
	t := l.describe(len(weights), channels)
	targets, err := targetsOf(weights, keep, l.report.Bits, l.representation)
	if err != nil {
		return nil, nil, err
	}
	codes, corrections, bySlice, err := e.code(l, t, targets)
	if err != nil {
		return nil, nil, err
	}
	t.Stalls = uint32(e.machine.CorrectionStalls(bySlice))
	mask, err := weighttile.Mask(t, sealed)
	if err != nil {
		return nil, nil, err
	}
	stream := append(append(codes, corrections...), mask...)
	return t, stream, e.prove(t, stream, weights)
}

// prove decodes a stream and compares it with the weights that it is of.
func (e *Encoder) prove(t *isa.EncodedWeights, stream []byte, weights []int8) error {
	decoded := make([]int8, len(weights))
	if err := weighttile.Decode(decoded, t, e.networks, stream); err != nil {
		return err
	}
	for i := range weights {
		if decoded[i] != weights[i] {
			return fmt.Errorf("weight %d decodes to %d, it is %d", i, decoded[i], weights[i])
		}
	}
	return nil
}

// code runs the encoder of the scheme.
func (e *Encoder) code(l *layerCode, t *isa.EncodedWeights, targets []codec.Target) (codes, corrections []byte, bySlice []int, err error) {
	network := e.networks[l.network].Part(t.Columns(), l.report.Outputs)
	if l.report.Scheme == configs.XORBlock {
		b, err := e.block(targets, network)
		if err != nil {
			return nil, nil, nil, err
		}
		return weighttile.Block(t, b, nil)
	}
	q, err := e.sequential(targets, codec.SequentialOptions{Network: network, SymbolBits: l.report.Inputs, Registers: l.report.Registers, Inverting: true, Workers: e.options.Workers})
	if err != nil {
		return nil, nil, nil, err
	}
	return weighttile.Sequential(t, q, nil)
}

// block encodes planes, or takes them from the cache.
func (e *Encoder) block(targets []codec.Target, network *xorcode.Network) (*xorcode.Block, error) {
	key, b := cacheKey(blockVersion, network, targets), new(xorcode.Block)
	if e.options.Cache.load(key, b, targets) && len(b.Planes) == len(targets) && b.Network.Equal(network) {
		return b, nil
	}
	b, err := codec.EncodeBlock(targets, codec.BlockOptions{Network: network, Workers: e.options.Workers})
	if err != nil {
		return nil, err
	}
	e.options.Cache.store(key, b)
	return b, nil
}

// sequential encodes planes, or takes them from the cache: the search for the
// codes is what takes long.
func (e *Encoder) sequential(targets []codec.Target, o codec.SequentialOptions) (*xorcode.Sequential, error) {
	key, q := sequentialKey(&o, targets), new(xorcode.Sequential)
	if e.options.Cache.load(key, q, targets) && len(q.Planes) == len(targets) && q.Network.Equal(o.Network) {
		return q, nil
	}
	q, err := codec.EncodeSequential(targets, o)
	if err != nil {
		return nil, err
	}
	e.options.Cache.store(key, q)
	return q, nil
}

// kept marks the weights that are not zero.
func kept(weights []int8) xorcode.Plane {
	keep := xorcode.NewPlane(len(weights))
	for i, w := range weights {
		if w != 0 {
			keep.Set(i, true)
		}
	}
	return keep
}

// targetsOf cuts weights into planes whose care bits are those of kept ones.
func targetsOf(weights []int8, keep xorcode.Plane, bits int, r bitplane.Representation) ([]codec.Target, error) {
	planes, err := bitplane.Split(weights, bits, r)
	if err != nil {
		return nil, err
	}
	var targets []codec.Target
	for _, p := range planes {
		targets = append(targets, codec.Target{Bits: p, Care: keep})
	}
	return targets, nil
}

// sealMask codes a keep mask as a single row; nil if everything is kept.
func sealMask(keep xorcode.Plane, format configs.MaskFormat) ([]byte, error) {
	n := keep.Len()
	if keep.Count() == n {
		return nil, nil
	}
	block := weighttile.MaskBlock(n)
	runs := func() ([]byte, error) { return prune.EncodeRunLength(keep, 1, n, block) }
	raw := func() ([]byte, error) { return encodeRaw(keep, n, block) }
	switch format {
	case configs.RawMask:
		return raw()
	case configs.RunLengthMask:
		return runs()
	}
	a, err := raw()
	if err != nil {
		return nil, err
	}
	b, err := runs()
	if err != nil || len(b) < len(a) {
		return b, err
	}
	return a, nil
}
