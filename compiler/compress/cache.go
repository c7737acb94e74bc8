package compress

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/isa/xorcode"
)

// Cache keeps the codes of planes in a folder, one file each, named by the hash
// of everything that determines them, which they begin with. Files are checked
// when they are read; a missing, damaged or foreign one only costs the time to
// encode again.
type Cache struct{ Folder string }

// Versions change with the encoders: what they find must not depend on whether a
// file exists.
const (
	sequentialVersion = "npusim sequential code 1\n"
	blockVersion      = "npusim block code 1\n"
)

// stored is a code in its binary form.
type stored interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	Decode(plane int) (xorcode.Plane, error)
}

// sequentialKey is the hash of the arguments of EncodeSequential.
func sequentialKey(o *codec.SequentialOptions, targets []codec.Target) string {
	return cacheKey(sequentialVersion, o.Network, targets, uint64(o.SymbolBits), uint64(o.Registers), uint64(o.PartSlices), uint64(o.Window))
}

// cacheKey is the hash of the arguments of an encoder.
func cacheKey(version string, network *xorcode.Network, targets []codec.Target, parameters ...uint64) string {
	h := sha256.New()
	write := func(words ...uint64) {
		for _, w := range words {
			h.Write(binary.LittleEndian.AppendUint64(nil, w))
		}
	}
	h.Write([]byte(version))
	write(parameters...)
	write(uint64(network.Inputs), uint64(network.Outputs))
	write(network.Rows...)
	write(uint64(len(targets)))
	for _, t := range targets {
		write(uint64(t.Bits.Len()))
		write(t.Bits.Words...)
		write(t.Care.Words...)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (c *Cache) path(key string) string { return filepath.Join(c.Folder, key[:2], key+".xor") }

// load reads a code; false if there is no usable file. The caller compares
// network and planes with what it asked for.
func (c *Cache) load(key string, code stored, targets []codec.Target) bool {
	if c == nil {
		return false
	}
	data, err := os.ReadFile(c.path(key))
	if err != nil {
		return false
	}
	data, ours := bytes.CutPrefix(data, []byte(key))
	if !ours || code.UnmarshalBinary(data) != nil {
		return false
	}
	for k := range targets {
		plane, err := code.Decode(k)
		if err != nil || codec.Verify(targets[k], plane) != nil {
			return false
		}
	}
	return true
}

// store keeps a code, as far as the folder allows: without it the next run
// takes longer, nothing else.
func (c *Cache) store(key string, code stored) {
	if c == nil {
		return
	}
	data, err := code.MarshalBinary()
	if err != nil {
		return
	}
	data = append([]byte(key), data...)
	path := c.path(key)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return
	}
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".*.tmp")
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if closed := f.Close(); err != nil || closed != nil || os.Rename(f.Name(), path) != nil {
		_ = os.Remove(f.Name())
	}
}
