package dataset

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDeflateRatio is the best that deflate can do: 258 bytes from 2 bits. An
// entry that claims more is not what it says.
const maxDeflateRatio = 1032

// ReadNPZ reads all arrays of an .npz file (a zip archive of .npy entries,
// stored or deflated). Names and arrays stand in file order; names lack the
// ".npy" of the entries, as NumPy shows them.
func ReadNPZ(path string) (names []string, arrays []*Array, err error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return DecodeNPZ(f, size, path)
}

// ReadNPZKey reads one array of an .npz file. An absent key is an error that
// lists the keys there are.
func ReadNPZKey(path, key string) (*Array, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return DecodeNPZKey(f, size, path, key)
}

// DecodeNPZ reads all arrays of an .npz archive of size bytes. name appears in
// errors.
func DecodeNPZ(r io.ReaderAt, size int64, name string) (names []string, arrays []*Array, err error) {
	entries, err := npzEntries(r, size, name)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		a, err := entry.decode(name)
		if err != nil {
			return nil, nil, err
		}
		names = append(names, entry.key)
		arrays = append(arrays, a)
	}
	return names, arrays, nil
}

// DecodeNPZKey reads one array of an .npz archive of size bytes.
func DecodeNPZKey(r io.ReaderAt, size int64, name, key string) (*Array, error) {
	entries, err := npzEntries(r, size, name)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(entries))
	for i, entry := range entries {
		if entry.key == key {
			return entry.decode(name)
		}
		keys[i] = entry.key
	}
	return nil, fmt.Errorf("%s: npz: no array %q; there are %s", name, key, listOf(keys))
}

// listOf prints names for an error, cut to a readable number.
func listOf(names []string) string {
	const most = 20
	if len(names) == 0 {
		return "none"
	}
	tail := ""
	if len(names) > most {
		tail = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(quoted, ", ") + tail
}

type npzEntry struct {
	key  string
	file *zip.File
}

// npzEntries lists the arrays of an archive after checking that the sizes it
// declares are possible, so that a small file cannot ask for much memory.
func npzEntries(r io.ReaderAt, size int64, name string) ([]npzEntry, error) {
	archive, err := zip.NewReader(r, size)
	// Insecure paths do not matter: entries are looked up, never extracted.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%s: npz: %w", name, err)
	}
	fail := func(f *zip.File, format string, args ...any) error {
		return fmt.Errorf("%s: npz: entry %q: %s", name, f.Name, fmt.Sprintf(format, args...))
	}
	var compressed, expanded uint64
	seen := make(map[string]bool, len(archive.File))
	entries := make([]npzEntry, 0, len(archive.File))
	for _, f := range archive.File {
		key, isArray := strings.CutSuffix(f.Name, ".npy")
		switch {
		case !isArray:
			return nil, fail(f, "not an array: its name does not end in .npy")
		case seen[key]:
			return nil, fail(f, "the name stands twice")
		case f.Method != zip.Store && f.Method != zip.Deflate:
			return nil, fail(f, "compression method %d is not supported; stored and deflated are", f.Method)
		case f.CompressedSize64 > uint64(size)-compressed:
			return nil, fail(f, "the entries are larger than the file, so they overlap or lie outside")
		case f.UncompressedSize64 > MaxArrayBytes-expanded:
			return nil, fail(f, "the arrays together are above the limit of %d bytes", int64(MaxArrayBytes))
		case f.Method == zip.Store && f.UncompressedSize64 != f.CompressedSize64:
			return nil, fail(f, "stored, but its sizes differ (%d and %d)", f.CompressedSize64, f.UncompressedSize64)
		case f.UncompressedSize64 > maxDeflateRatio*(f.CompressedSize64+1):
			return nil, fail(f, "declares %d bytes from %d, more than deflate can give", f.UncompressedSize64, f.CompressedSize64)
		}
		seen[key] = true
		compressed += f.CompressedSize64
		expanded += f.UncompressedSize64
		entries = append(entries, npzEntry{key, f})
	}
	return entries, nil
}

func (e npzEntry) decode(archive string) (*Array, error) {
	name := archive + ":" + e.key
	r, err := e.file.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: npz: %w", name, err)
	}
	defer r.Close()
	return DecodeNPY(r, int64(e.file.UncompressedSize64), name)
}
