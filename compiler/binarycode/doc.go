// Package binarycode finds binary codes and scales for float matrices: weights
// become sums of one to four planes of signs, each times a scale (package
// isa/binarycode states the form and its fixed-point arithmetic).
//
// Quantize solves for codes and scales, minimizing for each set of scales
//
//	sum over its weights of importance[column] * (w - w')^2
//
// or, with a full second moment H = E[x x'] of the inputs, the output error
// sum over rows of (w - w')' H (w - w'). What is exact:
//
//   - one plane, and Ternary: the global optimum for column importance;
//   - Alternating: each step is exact, least-squares scales by the normal
//     equations and then the nearest of the 2^q levels for every weight, so the
//     error never rises; the fixed point it ends in need not be the global optimum;
//   - a full second moment: scales are least squares exactly in each group with the
//     other groups fixed, codes are chosen one column at a time, each exactly with
//     the others fixed. The error never rises from that of the diagonal's solution;
//   - Greedy: one plane after the other on what is left, each exact.
//
// Results do not depend on the number of workers. Ties: a weight halfway between
// two levels takes the one of smaller magnitude; 0 counts as positive; among
// levels of the same value any is as good, the order of levels decides.
//
// Fix turns real scales into those of the machine, Curve and Allocate choose bits
// for layers or row ranges, FrequencyRanges and Part count the bits of mixed
// precision. Retraining is not done here.
package binarycode
