package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// externalData reads tensors that stand in files of their own, inside the
// model's folder.
type externalData struct {
	folder string
	root   *os.Root // opened with the first external tensor
	taken  int64    // bytes of the model file and of the external tensors so far
}

func (e *externalData) close() {
	if e.root != nil {
		e.root.Close() // opened for reading: nothing to lose
	}
}

// externalEntry is the external_data of a tensor. Absent numbers are "".
type externalEntry struct{ location, offset, length string }

// externalField reads one key and its value. A checksum is not verified: the
// format gives it to the whole file, which may be huge.
func (d *decoder) externalField(m message, to *externalEntry) error {
	var key, value string
	err := d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return d.text(&f, "external_data key", &key)
		case 2:
			return d.text(&f, "external_data value", &value)
		}
		return nil
	})
	switch key {
	case "location":
		to.location = value
	case "offset":
		to.offset = value
	case "length":
		to.length = value
	}
	return err
}

// externalTensor reads the elements of t, of which there are n.
func (d *decoder) externalTensor(m message, t *Tensor, n int, entry *externalEntry) error {
	refuse := func(cause error, format string, arguments ...any) error {
		err := d.fault(m.start, "tensor %s: %s", quote(t.Name), fmt.Sprintf(format, arguments...))
		err.Err = cause
		return err
	}
	if d.external == nil {
		return refuse(nil, "has external data in %s, which needs the model to be read from its folder", quote(entry.location))
	}
	name := filepath.FromSlash(entry.location)
	if entry.location == "" {
		return refuse(nil, "external data without a location")
	}
	if !filepath.IsLocal(name) {
		return refuse(nil, "external location %s must be relative and stay inside the model's folder", quote(entry.location))
	}
	offset, want := int64(0), t.Type.rawBytes(n)
	if entry.offset != "" {
		v, err := strconv.ParseInt(entry.offset, 10, 64)
		if err != nil || v < 0 {
			return refuse(nil, "external offset %s must be a number from 0 on", quote(entry.offset))
		}
		offset = v
	}
	if entry.length != "" {
		v, err := strconv.ParseInt(entry.length, 10, 64)
		if err != nil || v != want {
			return refuse(nil, "external length %s must be the %d bytes that dims %v of %v take", quote(entry.length), want, t.Dims, t.Type)
		}
	}
	e := d.external
	if e.root == nil {
		root, err := os.OpenRoot(e.folder)
		if err != nil {
			return refuse(err, "the model's folder cannot be opened")
		}
		e.root = root
	}
	// The root refuses links that lead outside. Look before opening: opening a
	// pipe would wait for its writer.
	info, err := e.root.Stat(name)
	if err != nil {
		return refuse(err, "external data in %s", quote(entry.location))
	}
	if !info.Mode().IsRegular() {
		return refuse(nil, "external location %s is not a regular file", quote(entry.location))
	}
	if offset > info.Size() || want > info.Size()-offset {
		return refuse(nil, "%s has %d bytes, too few for %d at offset %d", quote(entry.location), info.Size(), want, offset)
	}
	if entry.length == "" && want != info.Size()-offset {
		return refuse(nil, "%s has %d bytes from offset %d on where dims %v of %v take %d; state a length", quote(entry.location), info.Size()-offset, offset, t.Dims, t.Type, want)
	}
	if want > maxFileBytes-e.taken {
		return refuse(nil, "the model with its external data exceeds %d bytes", int64(maxFileBytes))
	}
	file, err := e.root.Open(name)
	if err != nil {
		return refuse(err, "external data in %s", quote(entry.location))
	}
	defer file.Close()
	raw := make([]byte, want)
	if _, err := file.ReadAt(raw, offset); err != nil && !(errors.Is(err, io.EOF) && want == 0) {
		return refuse(err, "reading external data from %s", quote(entry.location))
	}
	e.taken += want
	t.Raw = raw
	return nil
}
