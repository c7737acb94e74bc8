// Package codec encodes bit planes of pruned weights for the XOR networks of
// package isa/xorcode, whose decoders give every care bit back exactly.
//
//   - [EncodeBlock]: the block code. Each slice is a system of linear equations
//     over GF(2), one for each care bit; those that contradict the ones before
//     become patches. For few inputs an exact search finds the fewest patches.
//   - [EncodeSequential]: the sequential code. The codes of a part are the
//     cheapest path through a trellis (Viterbi), whose states are the codes in
//     the registers.
//   - [ChooseBlock], [ChooseSequential]: the best of several random networks on
//     a sample.
//
// Encoders use several goroutines; their output depends on nothing but their
// arguments, and not on the processor. Sizes are counted by the streams
// themselves ([xorcode.Sizes]); masks of pruned weights are coded elsewhere.
package codec
