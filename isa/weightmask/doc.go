// Package weightmask is what the compiler and the machine must agree on about
// masks of pruned weights: the formats of the mask streams and their decoders.
// The encoders are the compiler's.
//
// A mask is a matrix of bits in row-major order, 1 for a kept weight; rows are
// usually output channels. Three formats are known, see [Format]:
//
//   - [Raw]: one bit a weight.
//   - [RunLength]: blocks of equally many weights, each coded on its own as
//     runs of pruned (or of kept) weights in a Rice code whose parameter the
//     block states, or raw where that is smaller. On Bernoulli masks of any
//     sparsity it lies at most 4.3 % above the entropy, plus about 6 bytes a
//     block; it never needs more than the raw bits and 5 bytes a block.
//   - [LowRank]: each tile of the matrix is the Boolean product of two thin
//     matrices, so its size is fixed however the mask looks. Only masks that
//     were pruned to fit can be stored so.
//
// The package models bits, not time. Streams are checked by CRC-32C when they
// are opened, and by what they must satisfy when they are decoded.
//
// # Header
//
// All numbers are little-endian, bits are packed from bit 0 of byte 0 upwards.
//
//	 0  4 bytes  "WMSK"
//	 4  u8       version, 1
//	 5  u8       format
//	 6  u16      0
//	 8  u32      rows, at least 1
//	12  u32      columns, at least 1; rows * columns is at most 2^30
//	16  u32      kept weights
//	20  u32      Raw, RunLength: weights of a block; LowRank: rows of a tile in
//	             the low half, columns in the high half
//	24  u32      LowRank: rank; otherwise 0
//	28  u32      bytes of the payload
//	32  u32      CRC-32C of the payload
//	36  u32      CRC-32C of bytes 0..35
//
// # Payload
//
// Raw: the bits in order, the last byte filled with zeros. Blocks exist only as
// units of access.
//
// RunLength: a u32 a block, its first byte counted from the end of this table;
// then the blocks. A block begins with a byte: bits 0..3 the Rice parameter k,
// bit 4 set where runs are of kept weights, bit 5 set where the block is raw
// (all else 0 then), bits 6 and 7 zero. A run of r weights is r>>k zeros, a
// one, and the k low bits of r; the weight after it is of the other kind and
// takes no bits. A run that ends with the block is the last one and has no
// weight after it. No run is longer than the rest of the block, so no escape
// exists. The last byte of a block is filled with zeros.
//
// LowRank: tiles in row-major order, those at the right and lower edge cut to
// the matrix. A tile of r rows and c columns is r * rank bits, those of one row
// together, then rank * c bits, those of one component together. Weight (i, j)
// is kept where some component has both row bit i and column bit j. The last
// byte of the payload is filled with zeros.
package weightmask
