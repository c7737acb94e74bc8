// Package fractionalcode is what the compiler and the machine must agree on
// about weights at a fraction of a bit each: sums of scaled planes of signs,
// whose bits come out of XOR networks (codec xor-fractional). It has the stored
// form and its decoder; finding codes and scales is the compiler's, time and
// energy the cost model's.
//
// A tensor of Weights values in Channels output channels has one or more planes
// of bits y. Bit 1 stands for +1 and bit 0 for -1, and
//
//	weight i = sum over planes p of scale[p][channel of i] * (2*y[p][i] - 1)
//
// A plane is cut into slices of n_out bits, the last one partly used. A slice
// is stored as n_in bits x, and y = M x over GF(2) with the fixed n_out x n_in
// matrix M of the plane. So the signs take planes * n_in / n_out bits a weight,
// whole or not, at a fixed rate and with nothing to correct: the bits are
// trained, or fitted, to what the network can give.
//
// In the +1/-1 form in which such codes are trained, with s_j = +1 for x_j = 1
// and t taps in a row of M, the same is y = (-1)^(t-1) * product of the tapped
// s_j. With k of the t taps at +1 the product is (-1)^(t-k), so y is
// (-1)^(2t-1-k), which is +1 exactly when k is odd, and so is the XOR: the two
// agree for odd and even t alike, and for a row without taps, which gives -1.
//
// Scales are float32, as trained. The machine adds int8 scales instead, so a
// code may carry both (Integer): weight = step * (sum of +-scale), with sums
// within +-127.
//
// Codes are packed from bit 0 of byte 0 upwards, as package xorcode packs its
// streams; numbers are little-endian. The binary form has a CRC-32C for the
// header and for each section.
//
// Source: Lee, Kwon, Kim, Jeon, Park, Yun, "FleXOR: Trainable Fractional
// Quantization" (NeurIPS 2020). The paper fixes no layout of bytes; the layout
// here is this project's own.
package fractionalcode
