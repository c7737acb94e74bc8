package weightmask

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Format names how the bits of a mask are stored.
type Format uint8

// Formats of mask streams.
const (
	InvalidFormat Format = iota
	Raw
	RunLength
	LowRank
	formatEnd
)

var formatNames = [formatEnd]string{InvalidFormat: "invalid", Raw: "raw", RunLength: "run-length", LowRank: "low-rank"}

func (f Format) String() string {
	if f < formatEnd {
		return formatNames[f]
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// Limits of a stream. They bound what a decoder has to allocate, and keep every
// byte count in 32 bits.
const (
	MaxWeights = 1 << 30
	// Weights of a block are a multiple of BlockStep.
	BlockStep       = 64
	MaxBlockWeights = 1 << 16
	MaxTileSide     = 4096
	MaxRank         = 1024
)

// HeaderBytes is the size of the header of every stream.
const HeaderBytes = 40

const (
	magic         = "WMSK"
	formatVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header says what a stream holds. Fields of other formats are 0.
type Header struct {
	Format     Format
	Rows, Cols int
	Kept       int // weights
	// BlockWeights is the number of weights of a block of Raw and RunLength, in
	// row-major order; the last block may be shorter.
	BlockWeights int
	// TileRows x TileCols is the size of a tile of LowRank, Rank the number of
	// components that its mask is the union of.
	TileRows, TileCols, Rank int
}

// Weights is the number of bits of the mask.
func (h *Header) Weights() int { return h.Rows * h.Cols }

// Check tells what is wrong with a header.
func (h *Header) Check() error {
	switch {
	case h.Format == InvalidFormat || h.Format >= formatEnd:
		return fmt.Errorf("mask: unknown format %d", uint8(h.Format))
	case h.Rows < 1 || h.Cols < 1 || h.Rows > MaxWeights || h.Cols > MaxWeights || h.Rows*h.Cols > MaxWeights:
		return fmt.Errorf("mask: %d x %d weights, 1 to %d are possible", h.Rows, h.Cols, MaxWeights)
	case h.Kept < 0 || h.Kept > h.Weights():
		return fmt.Errorf("mask: %d of %d weights kept", h.Kept, h.Weights())
	case h.Format == LowRank:
		return h.checkTiles()
	case h.BlockWeights < BlockStep || h.BlockWeights > MaxBlockWeights || h.BlockWeights%BlockStep != 0:
		return fmt.Errorf("mask: blocks of %d weights, multiples of %d up to %d are possible", h.BlockWeights, BlockStep, MaxBlockWeights)
	case h.TileRows != 0 || h.TileCols != 0 || h.Rank != 0:
		return fmt.Errorf("mask: a %v stream has no tiles", h.Format)
	}
	return nil
}

func (h *Header) checkTiles() error {
	switch {
	case h.TileRows < 1 || h.TileCols < 1 || h.TileRows > MaxTileSide || h.TileCols > MaxTileSide:
		return fmt.Errorf("mask: tiles of %d x %d weights, sides of 1 to %d are possible", h.TileRows, h.TileCols, MaxTileSide)
	case h.Rank < 1 || h.Rank > min(MaxRank, h.TileRows, h.TileCols):
		return fmt.Errorf("mask: rank %d for tiles of %d x %d, 1 to %d is possible", h.Rank, h.TileRows, h.TileCols, min(MaxRank, h.TileRows, h.TileCols))
	case h.BlockWeights != 0:
		return errors.New("mask: a low-rank stream has no blocks")
	}
	return nil
}

// parameters are the two numbers of the header that differ by format.
func (h *Header) parameters() (a, b uint32) {
	if h.Format == LowRank {
		return uint32(h.TileRows) | uint32(h.TileCols)<<16, uint32(h.Rank)
	}
	return uint32(h.BlockWeights), 0
}

// Seal puts a header before a payload. It checks the header, not that the
// payload means the mask: that is for the encoder to get right and for
// [Stream.Decode] to check.
func Seal(h Header, payload []byte) ([]byte, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	if uint64(len(payload)) > 1<<32-1 {
		return nil, fmt.Errorf("mask: payload of %d bytes", len(payload))
	}
	a, b := h.parameters()
	data := append(make([]byte, 0, HeaderBytes+len(payload)), magic...)
	data = append(data, formatVersion, byte(h.Format), 0, 0)
	for _, x := range [...]uint32{uint32(h.Rows), uint32(h.Cols), uint32(h.Kept), a, b, uint32(len(payload)), crc32.Checksum(payload, castagnoli)} {
		data = binary.LittleEndian.AppendUint32(data, x)
	}
	data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
	return append(data, payload...), nil
}

// readHeader reads the header of a whole stream and checks both checksums.
func readHeader(data []byte) (h Header, payload []byte, err error) {
	if len(data) < HeaderBytes {
		return h, nil, fmt.Errorf("mask: %d bytes, the header alone has %d", len(data), HeaderBytes)
	}
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(data[at:]) }
	switch {
	case string(data[:4]) != magic:
		return h, nil, errors.New("mask: the stream does not start with " + magic)
	case data[4] != formatVersion:
		return h, nil, fmt.Errorf("mask: version %d, known is %d", data[4], formatVersion)
	case word(36) != crc32.Checksum(data[:36], castagnoli):
		return h, nil, errors.New("mask: the header does not match its checksum")
	case data[6] != 0 || data[7] != 0:
		return h, nil, errors.New("mask: reserved bytes are not 0")
	}
	payload = data[HeaderBytes:]
	h = Header{Format: Format(data[5])}
	if uint64(word(8)) > MaxWeights || uint64(word(12)) > MaxWeights || uint64(word(16)) > MaxWeights {
		return h, nil, fmt.Errorf("mask: %d of %d x %d weights, at most %d are possible", word(16), word(8), word(12), MaxWeights)
	}
	h.Rows, h.Cols, h.Kept = int(word(8)), int(word(12)), int(word(16))
	if h.Format == LowRank {
		h.TileRows, h.TileCols, h.Rank = int(word(20)&0xffff), int(word(20)>>16), int(min(word(24), MaxRank+1))
	} else {
		h.BlockWeights = int(min(word(20), MaxBlockWeights+1))
		if word(24) != 0 {
			return h, nil, errors.New("mask: reserved bytes are not 0")
		}
	}
	if err := h.Check(); err != nil {
		return h, nil, err
	}
	if uint64(word(28)) != uint64(len(payload)) {
		return h, nil, fmt.Errorf("mask: %d bytes follow the header, it states %d", len(payload), word(28))
	}
	if word(32) != crc32.Checksum(payload, castagnoli) {
		return h, nil, errors.New("mask: the payload does not match its checksum")
	}
	return h, payload, nil
}
