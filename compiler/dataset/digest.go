package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// Digest identifies everything that the samples of the set depend on: the text
// of its file, and the bytes of the inputs, labels and reference.
func (s *Set) Digest() ([32]byte, error) {
	h := sha256.New()
	var digest [32]byte
	err := hashFile(h, s.path, func() (*os.File, error) {
		f, _, err := openRegular(s.path)
		return f, err
	})
	for _, in := range s.inputs {
		switch {
		case err != nil:
			return digest, err
		case in.images != nil:
			for _, name := range in.images.files {
				if err = hashFile(h, name, func() (*os.File, error) { return in.images.root.Open(name) }); err != nil {
					return digest, fmt.Errorf("%s: %w", in.file, err)
				}
			}
		case in.file != "":
			err = hashFile(h, in.file, func() (*os.File, error) {
				f, _, err := s.openFile(in.file)
				return f, err
			})
		}
	}
	if err != nil {
		return digest, err
	}
	counts := append([]int{len(s.labels)}, s.labels...)
	for _, label := range counts {
		hashNumber(h, uint64(label))
	}
	if s.reference != nil {
		for _, d := range s.reference.Shape {
			hashNumber(h, uint64(d))
		}
		h.Write(s.reference.Bytes())
	}
	h.Sum(digest[:0])
	return digest, nil
}

// Files lists the paths of the set's own file and of those that its samples are
// read from.
func (s *Set) Files() []string {
	folder := filepath.Dir(s.path)
	files := []string{s.path}
	for _, in := range s.inputs {
		switch {
		case in.images != nil:
			for _, name := range in.images.files {
				files = append(files, filepath.Join(folder, in.images.path, name))
			}
		case in.file != "":
			files = append(files, filepath.Join(folder, in.file))
		}
	}
	return files
}

// hashFile adds the name, length and bytes of a file.
func hashFile(h hash.Hash, name string, open func() (*os.File, error)) error {
	f, err := open()
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintf(h, "%q\n", name)
	n, err := io.Copy(h, f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	hashNumber(h, uint64(n))
	return nil
}

func hashNumber(h hash.Hash, n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	h.Write(b[:])
}
