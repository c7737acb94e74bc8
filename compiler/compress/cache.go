package compress

import (
	"bytes"
	"crypto/sha256"
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

// cacheVersion changes with the encoder: what it finds must not depend on
// whether a file exists.
const cacheVersion = "npusim sequential code 1\n"

// cacheKey is the hash of the arguments of an encoder.
func cacheKey(o *codec.SequentialOptions, targets []codec.Target) string {
	h := sha256.New()
	write := func(words ...uint64) {
		for _, w := range words {
			h.Write(binary.LittleEndian.AppendUint64(nil, w))
		}
	}
	h.Write([]byte(cacheVersion))
	write(uint64(o.SymbolBits), uint64(o.Registers), uint64(o.PartSlices), uint64(o.Window), uint64(o.Network.Inputs), uint64(o.Network.Outputs))
	write(o.Network.Rows...)
	write(uint64(len(targets)))
	for _, t := range targets {
		write(uint64(t.Bits.Len()))
		write(t.Bits.Words...)
		write(t.Care.Words...)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (c *Cache) path(key string) string { return filepath.Join(c.Folder, key[:2], key+".xor") }

// load returns nil if there is no usable file.
func (c *Cache) load(key string, network *xorcode.Network, targets []codec.Target) *xorcode.Sequential {
	if c == nil {
		return nil
	}
	data, err := os.ReadFile(c.path(key))
	if err != nil {
		return nil
	}
	data, ours := bytes.CutPrefix(data, []byte(key))
	if !ours {
		return nil
	}
	q := new(xorcode.Sequential)
	if q.UnmarshalBinary(data) != nil || len(q.Planes) != len(targets) || q.Network == nil || !q.Network.Equal(network) {
		return nil
	}
	for k := range targets {
		plane, err := q.Decode(k)
		if err != nil || codec.Verify(targets[k], plane) != nil {
			return nil
		}
	}
	return q
}

// store keeps a code, as far as the folder allows: without it the next run
// takes longer, nothing else.
func (c *Cache) store(key string, q *xorcode.Sequential) {
	if c == nil {
		return
	}
	data, err := q.MarshalBinary()
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
