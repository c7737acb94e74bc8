// Package xorcode is what the compiler and the machine must agree on about
// weights coded by XOR networks: the networks, the formats of the coded
// streams, and their decoders.
//
// A weight tensor of several bits is cut into bit planes, a plane into slices
// of n_out bits. A slice is stored as n_in bits, and a fixed XOR network, an
// n_out x n_in matrix over GF(2), gives the n_out bits back. Pruned weights
// leave bits that may come out either way, so that n_in can be little more
// than the number of bits that matter (the care bits). What the network cannot
// give is put right after it:
//
//   - the block code ([Block]) lists the outputs of each slice to flip
//     (patches);
//   - the sequential code ([Sequential]) feeds the network the codes of the
//     slices before as well, and corrects the plane in vectors of 512 bits.
//
// Both formats keep their codes at a fixed rate, so that any slice is found by
// arithmetic alone, and both decode by ranges of slices, as a machine does that
// fills one tile after another.
//
// The package models bits, not time: what a decoding unit costs in cycles,
// gates and energy is the machine's business. The mask of pruned weights is
// not part of the streams: pruned places decode to arbitrary bits, and whoever
// uses them must mask them.
//
// Sizes are in bits unless a name says bytes. All streams are packed from bit 0
// of byte 0 upwards, numbers in them with their least bit first.
//
// Sources: Kwon et al., "Structured Compression by Weight Encryption for
// Unstructured Pruning and Quantization" (CVPR 2020), for the block code; Park
// et al., "Encoding Weights of Irregular Sparsity for Fixed-to-Fixed Model
// Compression" (ICLR 2022), for the sequential code. Neither paper fixes a
// layout of bytes; the layouts here are this project's own.
package xorcode
