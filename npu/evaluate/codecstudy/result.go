package codecstudy

// Result is the outcome of one study, in the form of `npusim encode --format
// json`; the keys up to decode_plane_bits_per_second are fixed. Shares are
// fractions of 1.
type Result struct {
	Codec         string        `json:"codec"`
	Weights       int64         `json:"weights"`
	CareBits      int64         `json:"care_bits"` // of all planes; of xor-fractional, the signs
	Sparsity      float64       `json:"sparsity"`  // share of weights under the mask
	Inputs        int           `json:"n_in"`
	Outputs       int           `json:"n_out"`
	Registers     int           `json:"n_s"`
	Planes        int           `json:"planes"`
	BitsPerWeight BitsPerWeight `json:"bits_per_weight"`
	// Efficiency is the share of care bits that the code alone gets right.
	Efficiency   float64 `json:"efficiency"`
	EntropyBound float64 `json:"entropy_bound_bits_per_weight"` // care bits / weights
	// Against planes as they are: 1 - bits a weight / planes.
	MemoryReduction         float64 `json:"memory_reduction"`
	MemoryReductionWithMask float64 `json:"memory_reduction_with_mask"`
	Lossless                bool    `json:"lossless"` // found by decoding
	EncodeRate              float64 `json:"encode_plane_bits_per_second"`
	DecodeRate              float64 `json:"decode_plane_bits_per_second"`

	Source         string     `json:"source"` // file, or random
	Shape          []int      `json:"shape"`
	Material       string     `json:"material"` // in words
	Representation string     `json:"representation,omitempty"`
	Seed           uint64     `json:"seed"`
	Networks       int        `json:"networks"`     // tried, of which the best on a sample was taken
	NetworkSeed    uint64     `json:"network_seed"` // of that one
	Searched       bool       `json:"n_out_searched"`
	Exact          bool       `json:"exact"`                 // fewest patches of every slice
	Taps           int        `json:"taps,omitempty"`        // xor-fractional: of every output
	PartSlices     int        `json:"part_slices,omitempty"` // xor-sequential: between resets of the registers
	Slices         int64      `json:"slices"`                // of a plane
	Corrections    int64      `json:"corrections"`           // care bits that the code got wrong, put right
	StreamBytes    int64      `json:"stream_bytes"`          // binary form without the mask, with headers and checksums
	MaskFormat     string     `json:"mask_format"`           // none if nothing is pruned
	MaskEntropy    float64    `json:"mask_entropy_bits_per_weight"`
	MaskSizes      []MaskSize `json:"masks,omitempty"`
	LowRank        *LowRank   `json:"low_rank,omitempty"`
	SQNRDB         *float64   `json:"sqnr_db,omitempty"` // xor-fractional: of the weights
	Notes          []string   `json:"notes,omitempty"`
	Host           Host       `json:"host"`
}

// BitsPerWeight says where the bits go. Total is all but the mask.
type BitsPerWeight struct {
	Total      float64 `json:"total"`
	Code       float64 `json:"code"`
	Patch      float64 `json:"patch"`      // xor-block: counts and positions
	Correction float64 `json:"correction"` // xor-sequential
	Mask       float64 `json:"mask"`
	Scale      float64 `json:"scale,omitempty"` // xor-fractional: 32 a plane and row
}

// MaskSize is the cost of the mask in a format, with its header.
type MaskSize struct {
	Format        string  `json:"format"`
	Bytes         int64   `json:"bytes"`
	BitsPerWeight float64 `json:"bits_per_weight"`
}

// LowRank is a mask that was pruned to fit: in each tile the union of rank
// rectangles.
type LowRank struct {
	TileRows int `json:"tile_rows"`
	TileCols int `json:"tile_columns"`
	Rank     int `json:"rank"`
	// KeptShare is the magnitude that is kept, of all; Unstructured is that of
	// the same number of largest weights.
	KeptShare    float64 `json:"kept_magnitude"`
	Unstructured float64 `json:"unstructured_kept_magnitude"`
}

// Host is what the study took on this computer.
type Host struct {
	Workers       int     `json:"workers"`
	WallSeconds   float64 `json:"wall_seconds"`
	ChooseSeconds float64 `json:"choose_seconds"` // search for n_out and the best network
	EncodeSeconds float64 `json:"encode_seconds"`
	DecodeSeconds float64 `json:"decode_seconds"` // once
}

// SweepResult is a study repeated over values of one parameter.
type SweepResult struct {
	Codec     string `json:"codec"`
	Parameter string `json:"sweep"` // n-in, n-out, n-s or sparsity
	Source    string `json:"source"`
	Seed      uint64 `json:"seed"`
	Rows      []Row  `json:"rows"`
	Host      Host   `json:"host"` // sums of the rows, but for wall_seconds
}

// Row is the study at one value.
type Row struct {
	Value float64 `json:"value"` // of the parameter
	Result
}

// finish derives what follows from the parts.
func (r *Result) finish() {
	b := &r.BitsPerWeight
	b.Total = b.Code + b.Patch + b.Correction + b.Scale
	r.MemoryReduction = 1 - b.Total/float64(r.Planes)
	r.MemoryReductionWithMask = 1 - (b.Total+b.Mask)/float64(r.Planes)
	r.EntropyBound = float64(r.CareBits) / float64(r.Weights)
}
