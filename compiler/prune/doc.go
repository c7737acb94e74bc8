// Package prune decides which weights of a network stay, codes the masks that
// say so, and sets sparse formats beside each other.
//
// Pruning is unstructured: by magnitude, or any other score, to a sparsity
// within each layer or over all ([Magnitude], [Select]), or by masks of another
// tool read from .npy files ([ReadMasks]). A third way prunes to fit a mask
// format: [Factor] keeps a union of few rectangles in every tile, so that the
// mask costs a fixed, small number of bits a weight whatever it looks like;
// [FitProduct] does so for a whole matrix. [ExactProduct] looks for such factors
// in a mask that is given.
//
// A sparsity is the share of pruned weights, from 0 to below 1. Masks are bit
// vectors in the row-major order of the tensor, 1 for a kept weight. Encoded
// masks are the streams of isa/weightmask, which also decodes them.
//
// Nothing here retrains: what pruning costs in accuracy shows when the pruned
// network runs.
package prune
