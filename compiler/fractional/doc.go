// Package fractional makes weights in the fractional code (package
// isa/fractionalcode): sums of scaled planes of signs that come out of XOR
// networks, at planes * n_in / n_out bits a weight.
//
// Encode (or an Encoder, for many tiles) fits codes and scales to a trained float tensor, without training: it
// minimizes
//
//	sum over weights of importance * (w - w')^2
//
// by turns. Given the scales, the best bits of a slice are a decoding problem of
// a linear code. It is solved exactly, for all planes at once, by Viterbi's
// algorithm on the minimal trellis of the networks, where that takes at most
// Options.Effort steps a weight: so for the usual 10 or 20 outputs, any number of
// inputs, and one or two planes of two taps, which take 5 to 400 steps a weight.
// Otherwise planes are chosen in pairs or one by one with the others fixed, and
// where even one plane is too much, as for dense networks with many outputs, a
// heuristic search stands in that keeps the codes it has unless it finds better
// ones. Given the bits, the scales of a channel are its least-squares solution.
// So the error never rises; where it settles need not be the global optimum.
//
// ChooseNetworks draws networks and keeps those that fit a sample best.
// FixScales makes the int8 scales of the machine, Refit chooses the bits anew
// for them. Import reads what training left. Training itself is not done here.
//
// Results depend on seeds and arguments only, not on the number of workers.
package fractional
