// Package compress decides how the weights of a quantized network are coded
// for the XOR decryption units, and codes them tile by tile as lowering asks
// for them. The block and the sequential code change no weight: one that
// quantization made zero, pruned or not, is left to the mask, the bits of all
// others decode exactly. The fractional code fits its bits to the quantized
// weights, tile by tile, and replaces them (Fitter), unless training left codes,
// which are taken as they are.
//
// All layers of a code share one XOR network, as the machine has it; each uses as
// many of its inputs and outputs as suit it. They are searched on samples of the weights of all layers for the least bits in all:
// codes, corrections, masks and the table of the network. A layer whose coded
// form would not be smaller stays plain, and so does a single tile.
// Sizes are bytes; the machine's time for decoding is that of npu/cost.
package compress

import (
	"github.com/npusim/npusim/configs"
)

// Layer is what became of the weights of one layer.
type Layer struct {
	Name string
	// Scheme that the configuration asks for, and whether the layer is coded.
	Scheme configs.CompressionScheme
	Coded  bool
	// Reason says why a layer is not coded, or coded in another way than asked.
	Reason string

	Inputs, Outputs, Registers int // n_in, n_out, n_s
	Planes                     int // of the fractional code
	// Error of the fractional code: weighed squared error over weighed squares.
	Error float64
	Seed  uint64

	// Weights, those that are not zero, and their width.
	Weights, Kept int64
	Bits          int
	// Bytes in DRAM of the tiles: what they would take plain, and what the parts
	// take. Tiles that stay plain are in PlainBytes and in StoredPlain.
	PlainBytes, CodeBytes, CorrectionBytes, MaskBytes, ScaleBytes, StoredPlain int64
	Corrections                                                                int64
	Tiles, PlainTiles                                                          int
	TilesPlain                                                                 string // why PlainTiles are
}

// Bytes is what the layer takes in DRAM.
func (l *Layer) Bytes() int64 {
	return l.CodeBytes + l.CorrectionBytes + l.MaskBytes + l.ScaleBytes + l.StoredPlain
}
