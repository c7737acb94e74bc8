package weightmask

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Fields of the byte that a run-length block begins with.
const (
	// MaxRice is the largest Rice parameter.
	MaxRice = 15
	// RunsOfKept marks a block whose runs are of kept weights.
	RunsOfKept = 1 << 4
	// RawBlock marks a block of raw bits.
	RawBlock = 1 << 5
)

// IndexEntryBytes is the size of a row of the table of blocks.
const IndexEntryBytes = 4

func (s *Stream) openRunLength() error {
	table := IndexEntryBytes * s.Tiles()
	if len(s.code) < table {
		return fmt.Errorf("mask: %d bytes, the table of %d blocks alone has %d", len(s.code), s.Tiles(), table)
	}
	s.index, s.code = s.code[:table], s.code[table:]
	if first := binary.LittleEndian.Uint32(s.index); first != 0 {
		return fmt.Errorf("mask: block 0 begins at byte %d", first)
	}
	for i := range s.Tiles() {
		if from, to := s.block(i); from >= to || to > len(s.code) {
			return fmt.Errorf("mask: block %d lies at bytes %d to %d of %d", i, from, to, len(s.code))
		}
	}
	return nil
}

// block is where block i lies in the code.
func (s *Stream) block(i int) (from, to int) {
	from, to = int(binary.LittleEndian.Uint32(s.index[IndexEntryBytes*i:])), len(s.code)
	if i+1 < s.Tiles() {
		to = int(binary.LittleEndian.Uint32(s.index[IndexEntryBytes*(i+1):]))
	}
	return from, to
}

// Faults of a block.
var (
	errLongRun  = errors.New("a run is longer than the rest of the block")
	errNoEnd    = errors.New("the block ends within a run")
	errTrailing = errors.New("bytes or bits follow the last run")
	errBlockTag = errors.New("unknown kind of block")
)

// decodeRuns decodes block i.
func (s *Stream) decodeRuns(i int, words []uint64) error {
	from, to := s.block(i)
	t := s.Tile(i)
	tag, code := s.code[from], s.code[from+1:to]
	switch {
	case tag == RawBlock:
		if len(code) != RawBytes(t.Cols) || t.Cols%8 != 0 && code[len(code)-1]>>(t.Cols%8) != 0 {
			return errTrailing
		}
		copyRaw(words, t.Col, code, t.Cols)
		return nil
	case tag&^(MaxRice|RunsOfKept) != 0:
		return errBlockTag
	}
	used, err := decodeRice(code, words, t.Col, t.Cols, int(tag&MaxRice), tag&RunsOfKept != 0)
	if err != nil {
		return err
	}
	if used > 8*len(code) {
		return errNoEnd
	}
	if (used+7)/8 != len(code) || used%8 != 0 && code[len(code)-1]>>(used%8) != 0 {
		return errTrailing
	}
	return nil
}

// decodeRice decodes runs until they cover count weights from bit at onwards,
// and tells how many bits it read. Past the end of the code it reads zeros,
// which either make a run too long or are noticed by the number of bits.
func decodeRice(code []byte, words []uint64, at, count, k int, kept bool) (used int, err error) {
	low := uint64(1)<<k - 1
	for end := at + count; at < end; {
		// At least 57 bits are valid; only longer runs take the slow way.
		var window uint64
		if from := used >> 3; from+8 <= len(code) {
			window = binary.LittleEndian.Uint64(code[from:]) >> (used & 7)
		} else {
			window = readBits(code, used, 57)
		}
		quotient := bits.TrailingZeros64(window)
		if quotient+1+k > 57 {
			if quotient, err = longUnary(code, used, (end-at)>>k); err != nil {
				return used, err
			}
			window = readBits(code, used+quotient+1, MaxRice)
		} else {
			window >>= quotient + 1
		}
		used += quotient + 1 + k
		run := quotient<<k | int(window&low)
		if run > end-at {
			return used, errLongRun
		}
		next := at + run
		if kept {
			setBits(words, at, run)
		} else if next < end {
			words[next>>6] |= 1 << (next & 63)
		}
		at = next + 1
	}
	return used, nil
}

// longUnary counts the zeros before the next one, at most limit of them.
func longUnary(code []byte, at, limit int) (int, error) {
	for zeros := 0; zeros <= limit; zeros += 57 {
		if at+zeros >= 8*len(code) {
			return 0, errNoEnd
		}
		if x := readBits(code, at+zeros, 57); x != 0 {
			if zeros += bits.TrailingZeros64(x); zeros <= limit {
				return zeros, nil
			}
			break
		}
	}
	return 0, errLongRun
}
