package dataset

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The .npy container, after NumPy's NEP 1 and numpy.lib.format: magic,
// version, length of the header (16 bits in version 1, 32 bits in 2 and 3), a
// header that is padded so that the data is aligned, then the elements.
const (
	npyMagic       = "\x93NUMPY"
	npyAlignment   = 64
	maxHeaderBytes = 64 << 10
)

// ReadNPY reads a .npy file of format version 1, 2 or 3.
func ReadNPY(path string) (*Array, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return DecodeNPY(f, size, path)
}

// openRegular opens a file and refuses folders, pipes and devices, whose
// reading might not end.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// DecodeNPY reads a .npy stream of exactly size bytes. The shape in the header
// must account for every byte before memory is taken for the elements. Big
// endian and column-major arrays are converted. name appears in errors.
func DecodeNPY(r io.Reader, size int64, name string) (*Array, error) {
	a, err := decodeNPY(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: npy: %w", name, err)
	}
	return a, nil
}

func decodeNPY(r io.Reader, size int64) (*Array, error) {
	h, headerBytes, err := readNPYHeader(r)
	if err != nil {
		return nil, err
	}
	elements, ok := elementCount(h.shape, h.elements.Size())
	if !ok {
		return nil, fmt.Errorf("shape %s of %v is above the limit of %d bytes", shapeString(h.shape), h.elements, int64(MaxArrayBytes))
	}
	want := int64(elements) * int64(h.elements.Size())
	if have := size - headerBytes; have != want {
		return nil, fmt.Errorf("shape %s of %v takes %d bytes, but %d follow the header", shapeString(h.shape), h.elements, want, have)
	}
	data := make([]byte, want)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("reading the elements: %w", unexpectedEnd(err))
	}
	// One read more: a longer stream is a fault, and a zip entry checks its
	// checksum only when it meets its end.
	var extra [1]byte
	if n, err := io.ReadFull(r, extra[:]); n != 0 {
		return nil, errors.New("bytes follow the last element")
	} else if err != io.EOF {
		return nil, fmt.Errorf("reading the end: %w", err)
	}
	if h.bigEndian {
		swapBytes(data, h.elements.Size())
	}
	if h.fortran && len(h.shape) > 1 {
		data = toRowMajor(data, h.shape, h.elements.Size())
	}
	return &Array{Shape: h.shape, Type: h.elements, data: data}, nil
}

// readNPYHeader reads up to the first element and tells how many bytes that
// took.
func readNPYHeader(r io.Reader) (npyHeader, int64, error) {
	var prefix [12]byte
	if _, err := io.ReadFull(r, prefix[:8]); err != nil {
		return npyHeader{}, 0, fmt.Errorf("reading the magic: %w", unexpectedEnd(err))
	}
	if string(prefix[:6]) != npyMagic {
		return npyHeader{}, 0, errors.New("not a .npy file: it does not start with \\x93NUMPY")
	}
	major, minor := prefix[6], prefix[7]
	if major < 1 || major > 3 || minor != 0 {
		return npyHeader{}, 0, fmt.Errorf("format version %d.%d is not supported; versions 1.0, 2.0 and 3.0 are", major, minor)
	}
	lengthBytes := 2
	if major > 1 {
		lengthBytes = 4
	}
	if _, err := io.ReadFull(r, prefix[8:8+lengthBytes]); err != nil {
		return npyHeader{}, 0, fmt.Errorf("reading the header length: %w", unexpectedEnd(err))
	}
	length := int64(binary.LittleEndian.Uint32(prefix[8:12])) // upper bytes are 0 in version 1
	if length > maxHeaderBytes {
		return npyHeader{}, 0, fmt.Errorf("header of %d bytes is above the limit of %d", length, maxHeaderBytes)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return npyHeader{}, 0, fmt.Errorf("reading the header: %w", unexpectedEnd(err))
	}
	h, err := parseNPYHeader(string(text))
	return h, int64(8+lengthBytes) + length, err
}

// unexpectedEnd turns the end of a stream into the error of a truncated one.
func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func swapBytes(data []byte, size int) {
	switch size {
	case 2:
		for i := 0; i < len(data); i += 2 {
			binary.LittleEndian.PutUint16(data[i:], binary.BigEndian.Uint16(data[i:]))
		}
	case 4:
		for i := 0; i < len(data); i += 4 {
			binary.LittleEndian.PutUint32(data[i:], binary.BigEndian.Uint32(data[i:]))
		}
	case 8:
		for i := 0; i < len(data); i += 8 {
			binary.LittleEndian.PutUint64(data[i:], binary.BigEndian.Uint64(data[i:]))
		}
	}
}

// toRowMajor copies column-major elements into row-major order.
func toRowMajor(data []byte, shape []int, size int) []byte {
	out := make([]byte, len(data))
	if len(data) == 0 {
		return out
	}
	strides := make([]int, len(shape)) // of the column-major source, in bytes
	stride := size
	for axis, d := range shape {
		strides[axis] = stride
		stride *= d
	}
	index := make([]int, len(shape))
	source := 0
	for at := 0; at < len(out); at += size {
		copy(out[at:at+size], data[source:source+size])
		for axis := len(shape) - 1; axis >= 0; axis-- {
			index[axis]++
			source += strides[axis]
			if index[axis] < shape[axis] {
				break
			}
			source -= shape[axis] * strides[axis]
			index[axis] = 0
		}
	}
	return out
}

// WriteNPY writes a .npy file of format version 1. The file appears under its
// name only when it is complete.
func WriteNPY(path string, a *Array) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*.npy")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	w := bufio.NewWriter(f)
	if err := EncodeNPY(w, a); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	// Temporary files are private; results are for everybody.
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// EncodeNPY writes an array in .npy format version 1, little-endian and
// row-major, with the data aligned to 64 bytes as NumPy does.
func EncodeNPY(w io.Writer, a *Array) error {
	if !a.Type.valid() {
		return fmt.Errorf("npy: invalid element type %v", a.Type)
	}
	if n, ok := elementCount(a.Shape, a.Type.Size()); !ok || n*a.Type.Size() != len(a.data) {
		return fmt.Errorf("npy: shape %s of %v does not describe %d bytes", shapeString(a.Shape), a.Type, len(a.data))
	}
	order := "<"
	if a.Type.Size() == 1 {
		order = "|"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "{'descr': '%s%s', 'fortran_order': False, 'shape': (", order, elementTypes[a.Type].code)
	for i, d := range a.Shape {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, d)
	}
	if len(a.Shape) == 1 {
		b.WriteByte(',')
	}
	b.WriteString("), }")
	prefix := len(npyMagic) + 4
	total := (prefix + b.Len() + 1 + npyAlignment - 1) / npyAlignment * npyAlignment
	b.WriteString(strings.Repeat(" ", total-prefix-b.Len()-1))
	b.WriteByte('\n')

	head := append([]byte(npyMagic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(b.Len()))
	head = append(head, b.String()...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(a.data)
	return err
}
