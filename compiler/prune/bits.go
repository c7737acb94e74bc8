package prune

import "encoding/binary"

// bitWriter packs bits from bit 0 of byte 0 upwards.
type bitWriter struct {
	data   []byte
	window uint64
	filled int // bits of window, 0..63
}

// write appends the low count bits of value, count 0..64.
func (w *bitWriter) write(value uint64, count int) {
	if count < 64 {
		value &= 1<<count - 1
	}
	w.window |= value << w.filled
	if w.filled+count < 64 {
		w.filled += count
		return
	}
	w.data = binary.LittleEndian.AppendUint64(w.data, w.window)
	// A shift of 64 gives 0 in Go: nothing is left then.
	w.window = value >> (64 - w.filled)
	w.filled += count - 64
}

// zeros appends count zeros.
func (w *bitWriter) zeros(count int) {
	for ; count > 0; count -= 64 {
		w.write(0, min(64, count))
	}
}

// close fills the last byte with zeros and gives all bytes. The writer goes on
// at the next byte.
func (w *bitWriter) close() []byte {
	for ; w.filled > 0; w.filled -= min(8, w.filled) {
		w.data = append(w.data, byte(w.window))
		w.window >>= 8
	}
	w.window = 0
	return w.data
}
