package configs

// CompressionScheme is the codec of weight streams in DRAM.
type CompressionScheme uint8

// Compression schemes.
const (
	NoCompression CompressionScheme = iota + 1 // weights at their exact width
	XORBlock                                   // XOR network a slice, wrong bits patched
	XORSequential                              // XOR network with shift registers, wrong bits corrected
	XORFractional                              // XOR network that gives binary planes, nothing put right
)

var compressionSchemes = enumeration{names: []string{
	NoCompression: "none",
	XORBlock:      "xor-block",
	XORSequential: "xor-sequential",
	XORFractional: "xor-fractional",
}}

// PruningScope says how weights are chosen to be pruned: which of them share a
// threshold of magnitude, or that the mask has a form.
type PruningScope uint8

// Pruning scopes.
const (
	LayerPruning   PruningScope = iota + 1 // those of a layer
	GlobalPruning                          // those of all layers of the same sparsity
	LowRankPruning                         // the mask of a layer is a Boolean product of few components
)

var pruningScopes = enumeration{names: []string{LayerPruning: "layer", GlobalPruning: "global", LowRankPruning: "low-rank"}}

// MaskFormat is how masks of pruned weights are stored in DRAM.
type MaskFormat uint8

// Mask formats.
const (
	SmallestMask  MaskFormat = iota + 1 // for each tile of weights the one that is smallest
	RawMask                             // one bit a weight
	RunLengthMask                       // runs in Rice codes
	LowRankMask                         // Boolean product; the smaller of the others where none is known
)

var maskFormats = enumeration{names: []string{
	SmallestMask:  "smallest",
	RawMask:       "raw",
	RunLengthMask: "run-length",
	LowRankMask:   "low-rank",
}}

// Representation says what the bit planes of an integer weight mean.
type Representation uint8

// Representations.
const (
	TwosComplement Representation = iota + 1 // the highest plane counts negative
	SignMagnitude                            // the highest plane is the sign
)

var representations = enumeration{names: []string{
	TwosComplement: "twos-complement",
	SignMagnitude:  "sign-magnitude",
}}

func (c CompressionScheme) enumeration() *enumeration { return &compressionSchemes }
func (p PruningScope) enumeration() *enumeration      { return &pruningScopes }
func (m MaskFormat) enumeration() *enumeration        { return &maskFormats }
func (r Representation) enumeration() *enumeration    { return &representations }

func (c CompressionScheme) String() string { return compressionSchemes.text(uint8(c)) }
func (p PruningScope) String() string      { return pruningScopes.text(uint8(p)) }
func (m MaskFormat) String() string        { return maskFormats.text(uint8(m)) }
func (r Representation) String() string    { return representations.text(uint8(r)) }

// MarshalText gives the name used in TOML.
func (c CompressionScheme) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalText gives the name used in TOML.
func (p PruningScope) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalText gives the name used in TOML.
func (m MaskFormat) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// MarshalText gives the name used in TOML.
func (r Representation) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the name used in TOML.
func (c *CompressionScheme) UnmarshalText(text []byte) (err error) {
	*(*uint8)(c), err = compressionSchemes.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (p *PruningScope) UnmarshalText(text []byte) (err error) {
	*(*uint8)(p), err = pruningScopes.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (m *MaskFormat) UnmarshalText(text []byte) (err error) {
	*(*uint8)(m), err = maskFormats.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (r *Representation) UnmarshalText(text []byte) (err error) {
	*(*uint8)(r), err = representations.parse(text)
	return err
}
