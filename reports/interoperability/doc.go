// Package interoperability writes the outcome of a recorded run in forms that
// scripts for other tools read: the three reports of SCALE-Sim, the summary and
// per-layer tables of Arm's Vela compiler, and properties of ONNX nodes, which
// Netron shows.
//
// The columns are theirs, to the letter; the figures are those of npusim, which
// models another machine. Each column is what its name says as nearly as the
// machine allows, the functions say how it is counted, and a column that stands
// for nothing here is empty. A word of SCALE-Sim is a byte: tensors are int8.
//
// Layers are those of layers.csv, in its order.
package interoperability
