// Package codecstudy encodes one weight tensor, or one seeded random bit plane,
// with a codec of XOR networks and says what came out: bits a weight by what
// they are for, the encoding efficiency beside the entropy bound, the cost of
// the mask of pruned weights, and how fast this program encodes and decodes.
// Sweeps repeat that over a parameter.
//
// Every lossless result is checked: the stream is written in its binary form,
// read again, decoded, and compared with every care bit and every weight.
//
// Sizes are bits a weight over all planes of the tensor: codes, patches or
// corrections, and the mask, with the fields that say how many there are.
// Headers, checksums and the seed of the network are left out, as they do not
// grow with the tensor; StreamBytes has them. Machines, cycles and networks are
// not modelled here: that is what a run is for.
//
// Results depend on their arguments alone, rates aside, which are measured on
// this computer.
package codecstudy
