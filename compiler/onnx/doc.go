// Package onnx reads ONNX models and tensors, and writes them back.
//
// It is a decoder for the protobuf wire format of onnx.proto (IR versions 1
// to 11 and later ones that only add fields), written by hand on protowire:
// there is no generated code and no reflection. It knows how a model is
// stored, not what its operators mean: names are not resolved, shapes are not
// inferred, opset rules are not applied, values are not judged (a NaN weight
// passes).
//
// Decoded: model, operator sets, graph, nodes, attributes with numbers,
// strings and dense tensors, value infos of dense tensors, initializers in
// every storage form (raw_data, the typed fields packed and unpacked, external
// files inside the model's folder). Whatever the form, a [Tensor] holds its
// elements as the bytes of raw_data.
//
// Recognised but not decoded: graph, sparse tensor, tensor list and type
// attributes, and value infos that are sequences, maps, optionals, sparse or
// opaque; the reader states their kind, and who needs them refuses them.
// Passed over: documentation strings, metadata, quantization annotations,
// training information. Refused: sparse initializers, tensors in segments,
// nodes that call a function of the model, groups (which ONNX never uses).
//
// # Untrusted input
//
// Every fault is an [*Error] that names the file, the place in the message
// tree, the byte offset in the file and the rule. Nothing is allocated on the
// word of a length or a shape alone: the bytes that back it have been seen
// first. So a decoded model takes at most about 32 times the bytes of its file
// (24 for a file of the shortest possible nodes, one for a file of weights), holds
// at most 4 Mi nodes, attributes, names, dimensions and the like, and nesting
// is bounded because nothing recursive is decoded. Files are read up to 2 GiB,
// which is protobuf's own limit, external data included.
//
// Sources: github.com/onnx/onnx, onnx/onnx.in.proto and docs/IR.md,
// docs/ExternalData.md; protobuf.dev/programming-guides/encoding.
package onnx
