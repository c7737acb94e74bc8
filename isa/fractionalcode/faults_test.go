package fractionalcode

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// TestCorruption: every flipped bit, every cut and every byte too many is found.
func TestCorruption(t *testing.T) {
	for seed := range uint64(6) {
		c := randomCode(t, seed)
		data, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 * len(data) {
			data[i/8] ^= 1 << (i % 8)
			var read Code
			if read.UnmarshalBinary(data) == nil {
				t.Fatalf("seed %d: bit %d flipped, not found", seed, i)
			}
			if read.Planes != nil {
				t.Fatalf("seed %d: bit %d flipped: the code changed in spite of the error", seed, i)
			}
			data[i/8] ^= 1 << (i % 8)
		}
		for n := range data {
			if new(Code).UnmarshalBinary(data[:n]) == nil {
				t.Fatalf("seed %d: cut to %d of %d bytes, not found", seed, n, len(data))
			}
		}
		if err := new(Code).UnmarshalBinary(append(data, 0)); err == nil || !strings.Contains(err.Error(), "after the last section") {
			t.Errorf("seed %d: a byte too many: %v", seed, err)
		}
	}
}

// TestHeaderRules: headers with right checksums and wrong contents.
func TestHeaderRules(t *testing.T) {
	c := benchmarkCode(t, 2)
	c.Weights, c.Channels = 40, 4
	for p := range c.Planes {
		c.Planes[p].Scales = c.Planes[p].Scales[:4]
		c.Planes[p].Codes = xorcode.Bitstream{}
		c.Planes[p].Codes.Append(0x12345678, 32)
	}
	c.Integer.Scales = c.Integer.Scales[:8]
	good, err := c.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	table := headerBytes + checksumBytes*c.sections()
	for name, test := range map[string]struct {
		at   int
		with []byte
		want string
	}{
		"version":      {4, []byte{2}, "version 2"},
		"no planes":    {5, []byte{0}, "planes = 0"},
		"planes":       {5, []byte{9}, "planes = 9"},
		"order":        {6, []byte{3}, "order 3"},
		"flags":        {7, []byte{2}, "flags 2"},
		"integer":      {7, []byte{0}, "1 steps"},
		"inputs":       {8, []byte{65}, "inputs = 65"},
		"no inputs":    {8, []byte{0}, "inputs = 0"},
		"reserved":     {9, []byte{1}, "reserved byte 1"},
		"outputs":      {10, []byte{1, 4}, "outputs = 1025"},
		"channels":     {12, []byte{3, 0, 0, 0}, "no multiple"},
		"no channels":  {12, []byte{0, 0, 0, 0}, "channels = 0"},
		"weights":      {16, []byte{0, 0, 0, 0, 17, 0, 0, 0}, "weights = "},
		"huge weights": {16, []byte{0, 0, 0, 0, 1, 0, 0, 0}, "is cut off"},
		"no weights":   {16, make([]byte, 8), "weights = 0"},
		"steps":        {24, []byte{3, 0, 0, 0}, "3 steps"},
		"networks":     {28, []byte{0xff, 0xff, 0xff, 0xff}, "is cut off"},
	} {
		data := append([]byte(nil), good...)
		copy(data[test.at:], test.with)
		binary.LittleEndian.PutUint32(data[table:], crc32.Checksum(data[:table], castagnoli))
		if err := new(Code).UnmarshalBinary(data); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

// TestRules: codes that must be refused.
func TestRules(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *Code)
		want   string
	}{
		"no planes":       {func(c *Code) { c.Planes = nil }, "planes = 0"},
		"no network":      {func(c *Code) { c.Planes[1].Network.Matrix = nil }, "plane 1: no network"},
		"other network":   {func(c *Code) { c.Planes[1].Network, _ = Draw(15, 20, Generator{}) }, "20 x 15"},
		"other seed":      {func(c *Code) { c.Planes[1].Network.Generator = &Generator{Taps: 2, Seed: 99} }, "not that of seed 99"},
		"taps":            {func(c *Code) { c.Planes[1].Network.Generator = &Generator{Taps: 17} }, "taps = 17"},
		"code length":     {func(c *Code) { c.Planes[0].Codes.Append(0, 1) }, "codes have"},
		"scales":          {func(c *Code) { c.Planes[0].Scales = c.Planes[0].Scales[:3] }, "3 scales"},
		"infinite scale":  {func(c *Code) { c.Planes[1].Scales[5] = float32(math.Inf(1)) }, "scale of channel 5"},
		"int8 scales":     {func(c *Code) { c.Integer.Scales = nil }, "0 int8 scales"},
		"int8 sum":        {func(c *Code) { c.Integer.Scales[7], c.Integer.Scales[64+7] = -64, 64 }, "channel 7 sum to 128"},
		"smallest int8":   {func(c *Code) { c.Integer.Scales[7] = -128 }, "channel 7 sum to"},
		"number of steps": {func(c *Code) { c.Integer.Steps = make([]float32, 2) }, "2 steps"},
		"step":            {func(c *Code) { c.Integer.Steps[0] = 0 }, "step 0 is 0"},
	} {
		c := benchmarkCode(t, 2)
		test.change(c)
		if _, err := c.MarshalBinary(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
		if _, err := c.Floats(); err == nil {
			t.Errorf("%s: decodes", name)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for seed := range uint64(4) {
		data, err := randomCode(f, seed).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, false)
		f.Add(data[:len(data)/2], true)
	}
	f.Fuzz(func(t *testing.T, data []byte, mend bool) {
		if mend { // so that the fuzzer gets past the header
			mendChecksums(data)
		}
		var c Code
		if c.UnmarshalBinary(data) != nil {
			return
		}
		again, err := c.MarshalBinary()
		if err != nil {
			t.Fatalf("reads, but does not write: %v", err)
		}
		if string(again) != string(data) {
			t.Fatal("two forms of one code")
		}
		if c.Weights > 1<<22 {
			return
		}
		if _, err := c.Floats(); err != nil {
			t.Fatal(err)
		}
	})
}

// mendChecksums makes the checksums of header and sections right, as far as the
// sections are there.
func mendChecksums(data []byte) {
	if len(data) < headerBytes {
		return
	}
	planes, outputs := int(data[5]), int(binary.LittleEndian.Uint16(data[10:]))
	weights, channels := binary.LittleEndian.Uint64(data[16:]), int(binary.LittleEndian.Uint32(data[12:]))
	if weights > MaxWeights || outputs == 0 || planes > MaxPlanes {
		return
	}
	codes := (slicesOf(int(weights), outputs)*int(data[8]) + 7) / 8
	sizes := []int{int(binary.LittleEndian.Uint32(data[28:]))}
	for range planes {
		sizes = append(sizes, codes)
	}
	sizes = append(sizes, 4*planes*channels)
	if data[7] == 1 {
		sizes = append(sizes, planes*channels+4*int(binary.LittleEndian.Uint32(data[24:])))
	}
	table := headerBytes + checksumBytes*len(sizes)
	at := table + checksumBytes
	for i, size := range sizes {
		if at+size > len(data) {
			return
		}
		binary.LittleEndian.PutUint32(data[headerBytes+checksumBytes*i:], crc32.Checksum(data[at:at+size], castagnoli))
		at += size
	}
	binary.LittleEndian.PutUint32(data[table:], crc32.Checksum(data[:table], castagnoli))
}
