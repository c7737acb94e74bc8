// Package binarycode is what compiler and machine must agree on for weights in
// binary codes: how they are stored, and the exact integer arithmetic of their
// products, by definition (Product) and by look-up tables (Evaluator). Choosing
// codes and scales is the compiler's; time is the cost model's.
//
// # Codes
//
// A matrix of Rows x Columns weights has 1 to MaxPlanes planes of signs. The
// weight in row r and column j of column group g is
//
//	w[r][j] = sum over planes i of alpha[r][i][g] * b[r][i][j],  b = +1 or -1
//
// Groups are Group columns wide, the last one may be narrower. Rows come in
// ranges, each with its number of planes; a range has scales for every row or
// shares one set (Shared).
//
// # Fixed point
//
// Activations are int8 with zero point z. The zero point is subtracted first,
// u = x - z, a 9-bit number with |u| <= InputBound(z) <= 255, so padding and the
// columns after the last one are 0. A scale is an integer mantissa a of at most
// 15 bits and sign with
//
//	alpha = a * 2^-(Exponent + Shifts[r]),  Shifts[r] from 0 to 15
//
// Exponent is the matrix's; Shifts[r] is the 4-bit shift k of output channel r in
// the requantizer (see package isa, mode channel_shift). The sum of row r is
//
//	acc[r] = bias[r] + sum over g, i of a[r][i][g] * S[r][i][g]
//	S[r][i][g] = sum over columns j of group g of b[r][i][j] * u[j]
//
// and fixed.Requantize with shift n + Shifts[r] makes the output of it, where
// M0 * 2^-n stands for s_in * 2^-Exponent / s_out and bias[r] for the real bias
// times 2^(Exponent+Shifts[r]) / s_in.
//
// Exact: u, tables, S, products and acc. Widths: a table entry of mu inputs is
// at most 255*mu, EntryBits(mu) bits with its sign: 12 up to mu 8, 13 at mu 9 and
// 10. |S| <= 255*MaxColumns < 2^28 fits int32. For acc the compiler bounds
//
//	|bias| + InputBound(z) * sum over g, i of |a| * columns of g  <=  2^31 - 1
//
// (CheckSums), so every partial sum fits int32 in whatever order it is added, and
// scaling may happen once a group or once for each piece of it. With q planes and
// n columns that leaves at least 31 - 8 - log2(q*n) bits for the largest mantissa,
// all 15 up to q*n = 256. An accumulator of 64 bits would keep 15 always, but the
// requantizer takes 32, and for normal weights 10 bits are left at q 4 and n 4096,
// 9 at q 3 and n 11008, whose rounding is 39 dB below the error of the codes.
//
// Rounds: mantissas, when the compiler makes them, to nearest; and the
// requantizer. Against real scales acc[r] * 2^-(Exponent+Shifts[r]) * s_in is off
// by at most
//
//	s_in * 2^-(Exponent+Shifts[r]+1) * (1 + sum over g, i of |S[r][i][g]|)
//
// the 1 being the bias; binary16 adds 2^-11 * s_in * sum over g, i of
// alpha * |S[r][i][g]|. The requantizer adds what package fixed states.
//
// Scales are stored as the mantissa itself (FixedScales, int16), or as IEEE
// binary16 h (HalfScales) with alpha = h * 2^-Exponent, from which the load path
// makes a = round(h * 2^Shifts[r]), halves away from zero.
//
// # Streams
//
// Columns are cut into sub-vectors of Mu; Group is a multiple of Mu or takes all
// columns, so none spans two groups. Bit j of a key is the sign of column j of its
// sub-vector, 1 for +1. Columns after the last one have key bits 0 and inputs 0.
//
// A tile is TileRows rows of one range (the last of a range may have fewer) by
// TileKeys sub-vectors (the last of the columns fewer). Keys are stored so that
// tables are built once for all rows:
//
//	for each column tile, each range, each row tile of it, each plane:
//	    for each row, each sub-vector of the tile: Mu bits
//
// lowest bits first, one row after the other without gaps; each plane of a tile
// starts at a byte, with zero bits before the next. That block is the unit that a
// weight codec may encrypt. Scales have their own stream of little-endian 16-bit
// words, and shifts one of nibbles, row 2i in the low half:
//
//	for each group, each range, each row tile of it, each plane: one for each row
//	for each group, each range that shares, each plane:          one
//
// # Container
//
// Encode adds a header: magic "NBC1", u16 version, u8 Mu, u8 scale format, i8
// Exponent, 3 zero bytes, u32 Rows, Columns, Group, TileRows, TileKeys and number
// of ranges; for each range u32 rows, u8 planes, u8 shared, 2 zero bytes; CRC-32C
// of keys, scales, shifts, then of the header so far. Keys, scales and shifts
// follow. Equal matrices and layouts give equal bytes; whatever is not exactly of
// that form is refused.
package binarycode
