// Package bitplane cuts integer weights into bit planes and puts weights
// together again from decoded planes and a keep mask.
//
// A plane holds one bit of every weight, weight i at bit i, so that a codec
// for single bits can carry weights of any width. Three representations are
// known, see [Representation]; plane 0 is always the lowest bit.
//
// A decoder for pruned weights gives arbitrary bits where a weight was pruned.
// [Assemble] therefore takes the keep mask and makes every pruned weight 0,
// whatever its decoded bits are. All planes of a tensor share the one mask.
//
// Both directions work on 64 weights at once: the arithmetic (sign extension,
// negation, masking) is done on whole planes, bit by bit of the weight, and one
// 8 x 64 bit transposition turns the result into bytes.
package bitplane
