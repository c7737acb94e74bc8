package weightmask

import (
	"errors"
	"fmt"
)

// RawBytes is the size of the payload of a raw mask.
func RawBytes(weights int) int { return (weights + 7) / 8 }

func (s *Stream) openRaw() error {
	n := s.Weights()
	if len(s.code) != RawBytes(n) {
		return fmt.Errorf("mask: %d bytes for %d raw bits", len(s.code), n)
	}
	if n%8 != 0 && s.code[len(s.code)-1]>>(n%8) != 0 {
		return errors.New("mask: bits past the last weight are set")
	}
	return nil
}

// decodeRaw copies block i, which begins at a whole word.
func (s *Stream) decodeRaw(i int, words []uint64) {
	t := s.Tile(i)
	copyRaw(words, t.Col, s.code[t.Col/8:], t.Cols)
}

// copyRaw copies count raw bits to bit at, a multiple of 64, onwards.
func copyRaw(words []uint64, at int, code []byte, count int) {
	for done := 0; done < count; done += 64 {
		words[(at+done)>>6] = readBits(code, done, min(64, count-done))
	}
}
