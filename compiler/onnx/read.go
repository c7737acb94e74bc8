package onnx

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrNotTensor is the cause of the error for a tensor file that holds a
// SequenceProto or OptionalProto, as some ONNX test sets do.
var ErrNotTensor = errors.New("sequences and optionals are not supported")

// Read reads a model. External data is read from the model's folder and
// nowhere else: neither a path nor a link may lead out of it.
func Read(path string) (*Model, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	external := &externalData{folder: filepath.Dir(path), taken: int64(len(data))}
	defer external.close()
	return decodeModel(data, &decoder{file: path, external: external})
}

// Decode decodes a model in memory; name stands for its path in errors.
// External data is an error. The model shares memory with data, which must not
// be changed afterwards.
func Decode(data []byte, name string) (*Model, error) {
	return decodeModel(data, &decoder{file: name})
}

func decodeModel(data []byte, d *decoder) (*Model, error) {
	if err := d.admit(data); err != nil {
		return nil, err
	}
	m := &Model{Path: d.file, SHA256: sha256.Sum256(data)}
	if err := d.model(data, m); err != nil {
		return nil, err
	}
	return m, nil
}

// ReadTensor reads a file that holds one TensorProto, as the inputs and
// outputs of ONNX test sets do. The error for a SequenceProto or OptionalProto
// wraps ErrNotTensor.
func ReadTensor(path string) (*Tensor, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	external := &externalData{folder: filepath.Dir(path), taken: int64(len(data))}
	defer external.close()
	return decodeTensor(data, &decoder{file: path, external: external})
}

// DecodeTensor is to ReadTensor what Decode is to Read.
func DecodeTensor(data []byte, name string) (*Tensor, error) {
	return decodeTensor(data, &decoder{file: name})
}

func decodeTensor(data []byte, d *decoder) (*Tensor, error) {
	if err := d.admit(data); err != nil {
		return nil, err
	}
	d.enter("tensor", -1)
	t := new(Tensor)
	err := d.tensor(message{data: data}, t)
	if err == nil {
		return t, nil
	}
	if d.sequenceForm(data) {
		fault := d.fault(noOffset, "not a TensorProto, but by its fields a SequenceProto or OptionalProto")
		fault.Err = ErrNotTensor
		return nil, fault
	}
	return nil, err
}

// admit refuses what is not worth decoding.
func (d *decoder) admit(data []byte) error {
	switch {
	case int64(len(data)) > maxFileBytes:
		return d.fault(noOffset, "%d bytes, the limit is %d", len(data), int64(maxFileBytes))
	case bytes.HasPrefix(data, []byte("version https://git-lfs")):
		return d.fault(noOffset, "is a Git LFS pointer, not the file it stands for")
	}
	return nil
}

// readFile reads a regular file within the size limit.
func readFile(path string) ([]byte, error) {
	refuse := func(cause error, format string, arguments ...any) error {
		return &Error{File: path, Offset: noOffset, Rule: fmt.Sprintf(format, arguments...), Err: cause}
	}
	// Look before opening: opening a pipe would wait for its writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, refuse(cause(err), "cannot be read")
	}
	if !info.Mode().IsRegular() {
		return nil, refuse(nil, "is not a regular file")
	}
	if info.Size() > maxFileBytes {
		return nil, refuse(nil, "%d bytes, the limit is %d", info.Size(), int64(maxFileBytes))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, refuse(cause(err), "cannot be read")
	}
	defer file.Close()
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, refuse(err, "cannot be read in full")
	}
	return data, nil
}

// cause drops the path from an error of package os, which stands before it
// already.
func cause(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}
