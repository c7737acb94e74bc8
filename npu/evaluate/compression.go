package evaluate

import (
	"cmp"
	"fmt"

	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
	"github.com/npusim/npusim/npu/timing"
)

// Compression is how the weights lie in DRAM. Bytes are those of the weights
// region, each tile once; traffic may move them several times.
type Compression struct {
	Scheme  string `json:"scheme"`  // that the configuration asks for
	Weights int64  `json:"weights"` // of convolutions and matrix products
	Kept    int64  `json:"kept"`    // that are not zero after quantization
	// Bytes of the weights as they would lie plain and as they do: codes,
	// corrections, masks, and tiles that stay plain.
	PlainBytes       int64 `json:"plain_bytes"`
	CodeBytes        int64 `json:"code_bytes"`
	CorrectionBytes  int64 `json:"correction_bytes"`
	MaskBytes        int64 `json:"mask_bytes"`
	ScaleBytes       int64 `json:"scale_bytes,omitempty"` // of the fractional code
	StoredPlainBytes int64 `json:"stored_plain_bytes"`
	// NetworkBytes is the table of the XOR networks, which a program has once.
	// The machine has them as fixed logic: they are no traffic.
	NetworkBytes int64 `json:"network_bytes"`
	// DecodeCycles is how long the decryption units are busy in one inference.
	DecodeCycles int64              `json:"decode_cycles"`
	Decryption   *Decryption        `json:"decryption,omitempty"` // the units that decode
	Layers       []CompressionLayer `json:"layers,omitempty"`
	// Storages sets sparse formats of the same weights beside each other.
	Storages []Storage `json:"storages,omitempty"`
}

// Decryption is what the decryption units take as hardware, an estimate: every
// network of the program, one for a code and all its layers, as fixed logic in
// each unit, the registers before it and the buffer of corrections. Units whose networks can be loaded would take
// an AND gate and a flip-flop more for every input of every output.
type Decryption struct {
	Units        int     `json:"units"`
	Networks     int     `json:"networks"`
	Gates        int64   `json:"gates"`         // two-input XOR gates of all units
	RegisterBits int64   `json:"register_bits"` // of all units
	AreaMM2      float64 `json:"area_mm2"`
}

// CompressionLayer is the code of one layer.
type CompressionLayer struct {
	Name      string `json:"name"`
	Scheme    string `json:"scheme"`           // "none" if the layer stays plain
	Reason    string `json:"reason,omitempty"` // why it does
	Inputs    int    `json:"n_in,omitempty"`
	Outputs   int    `json:"n_out,omitempty"`
	Registers int    `json:"n_s,omitempty"`
	Planes    int    `json:"planes,omitempty"` // of the fractional code
	// Error of the fractional code: squared error over squares of the weights,
	// weighed by the mean square of the input that each is multiplied with.
	Error            float64 `json:"error,omitempty"`
	Weights          int64   `json:"weights"`
	Sparsity         float64 `json:"sparsity"` // share of weights that are zero
	PlainBytes       int64   `json:"plain_bytes"`
	CodeBytes        int64   `json:"code_bytes"`
	CorrectionBytes  int64   `json:"correction_bytes"`
	MaskBytes        int64   `json:"mask_bytes"`
	ScaleBytes       int64   `json:"scale_bytes,omitempty"`
	StoredPlainBytes int64   `json:"stored_plain_bytes"`
	Corrections      int64   `json:"corrections"`
	// BitsPerWeight counts everything, the mask too.
	BitsPerWeight float64 `json:"bits_per_weight"`
}

// Storage is one way to store all the weights. Decoding is that of as many
// lanes as there are decryption units, rows dealt out in turn: a simple model
// of its own, without any limit of bandwidth.
type Storage struct {
	Format        string  `json:"format"`
	Bytes         int64   `json:"bytes"`
	BitsPerWeight float64 `json:"bits_per_weight"`
	DecodeCycles  int64   `json:"decode_cycles"`
	// Imbalance is the time of the slowest lane over the mean of the lanes.
	Imbalance float64 `json:"imbalance"`
}

// compressionOf gathers what is known of coded and pruned weights; nil if the
// configuration asks for neither.
func (j *job) compressionOf(t *timing.Result) *Compression {
	o := &j.spec.Compression
	encoder := j.encoder
	if j.compilation != nil {
		encoder = j.compilation.Encoder
	}
	pruned := o.Sparsity > 0 || o.Mask != ""
	for _, rule := range o.Layers {
		pruned = pruned || rule.Sparsity != nil && *rule.Sparsity > 0
	}
	if encoder == nil && !pruned {
		return nil
	}
	c := &Compression{Scheme: o.Scheme.String(), DecodeCycles: t.Total.DecodingCycles}
	var codes int64
	if encoder != nil {
		for _, l := range encoder.Layers() {
			c.add(&l)
			if l.Coded {
				slices := (l.Weights + int64(l.Outputs) - 1) / int64(l.Outputs)
				planes := l.Bits
				if l.Planes > 0 {
					planes = l.Planes
				}
				codes += slices * int64(planes)
			}
		}
	}
	for _, n := range j.program.Networks {
		c.NetworkBytes += int64(isa.NetworkBytes(n))
	}
	c.Decryption = decryptionOf(j.spec, j.program.Networks)
	if j.compilation != nil && j.compilation.Quantized != nil {
		j.storages(c, codes)
	}
	return c
}

// add counts a layer.
func (c *Compression) add(l *compress.Layer) {
	row := CompressionLayer{Name: l.Name, Scheme: configs.NoCompression.String(), Reason: l.Reason, Weights: l.Weights,
		Sparsity: 1 - ratio(float64(l.Kept), float64(l.Weights)), PlainBytes: l.PlainBytes, CodeBytes: l.CodeBytes, CorrectionBytes: l.CorrectionBytes,
		MaskBytes: l.MaskBytes, ScaleBytes: l.ScaleBytes, Planes: l.Planes, Error: l.Error, StoredPlainBytes: l.StoredPlain, Corrections: l.Corrections, BitsPerWeight: 8 * ratio(float64(l.Bytes()), float64(l.Weights))}
	if l.Coded {
		row.Scheme, row.Inputs, row.Outputs, row.Registers = l.Scheme.String(), l.Inputs, l.Outputs, l.Registers
		if l.PlainTiles > 0 {
			row.Reason = fmt.Sprintf("%d of %d tiles stay plain: %s", l.PlainTiles, l.Tiles, cmp.Or(l.TilesPlain, "their coded form is not smaller"))
		}
	}
	c.Layers = append(c.Layers, row)
	c.PlainBytes += l.PlainBytes
	c.CodeBytes += l.CodeBytes
	c.CorrectionBytes += l.CorrectionBytes
	c.MaskBytes += l.MaskBytes
	c.ScaleBytes += l.ScaleBytes
	c.StoredPlainBytes += l.StoredPlain
}

// storages counts the weights and compares formats over all layers, each a matrix
// of output channels by everything else. With binary codes there is nothing to
// compare: no weight is zero.
func (j *job) storages(c *Compression, codes int64) {
	decoder := prune.Decoder{Lanes: max(j.spec.XOR.Units, 1), Assignment: prune.RoundRobin, BitmapScan: 64}
	var sums []Storage
	binary := false
	for i := range j.compilation.Quantized.Nodes {
		n := &j.compilation.Quantized.Nodes[i]
		if n.Kind != integer.Convolution {
			continue
		}
		a := n.Convolution
		if a.Codes != nil {
			weights := int64(a.Codes.Shape.Rows) * int64(a.Codes.Shape.Columns)
			c.Weights, c.Kept, binary = c.Weights+weights, c.Kept+weights, true
			continue
		}
		mask := xorcode.NewPlane(len(a.Weights))
		for k, w := range a.Weights {
			if w != 0 {
				mask.Set(k, true)
			}
		}
		c.Weights += int64(len(a.Weights))
		c.Kept += int64(mask.Count())
		rows := len(a.Bias)
		list, err := prune.Compare(mask, rows, len(a.Weights)/rows, decoder)
		if err != nil {
			return
		}
		for k, s := range list {
			if k == len(sums) {
				sums = append(sums, Storage{Format: s.Name})
			}
			// Imbalance becomes the mean busy time until the ratio is taken.
			sums[k].Bytes += s.Bytes
			sums[k].DecodeCycles += s.Cycles
			sums[k].Imbalance += ratio(float64(s.Cycles), s.Imbalance)
		}
	}
	if binary {
		return
	}
	for k := range sums {
		sums[k].Imbalance = ratio(float64(sums[k].DecodeCycles), sums[k].Imbalance)
		sums[k].BitsPerWeight = 8 * ratio(float64(sums[k].Bytes), float64(c.Weights))
	}
	if coded := c.CodeBytes + c.CorrectionBytes + c.MaskBytes + c.ScaleBytes + c.StoredPlainBytes + c.NetworkBytes; coded > 0 {
		lanes := int64(decoder.Lanes)
		sums = append(sums, Storage{Format: c.Scheme + ", all bytes", Bytes: coded, BitsPerWeight: 8 * ratio(float64(coded), float64(c.Weights)),
			DecodeCycles: (codes + lanes - 1) / lanes, Imbalance: 1})
	}
	c.Storages = sums
}
