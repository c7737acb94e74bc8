package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestDigest: every byte that the samples depend on changes the digest, and
// nothing else does.
func TestDigest(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	array := func(name string, values ...float32) {
		t.Helper()
		a, err := FromFloats([]int{len(values), 1}, values)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteNPY(filepath.Join(folder, name), a); err != nil {
			t.Fatal(err)
		}
	}
	digest := func() [32]byte {
		t.Helper()
		s, err := Open(filepath.Join(folder, "set.toml"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		d, err := s.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	seen := map[[32]byte]string{}
	differs := func(what string) {
		t.Helper()
		d := digest()
		if earlier, ok := seen[d]; ok {
			t.Errorf("%s: the digest is that of %s", what, earlier)
		}
		seen[d] = what
	}
	write("set.toml", "inputs = \"x.npy\"\nlabels = \"y.csv\"\n")
	array("x.npy", 1, 2, 3)
	write("y.csv", "label\n0\n1\n2\n")
	differs("the first set")
	if s, err := Open(filepath.Join(folder, "set.toml")); err != nil || !slices.Equal(s.Files(), []string{filepath.Join(folder, "set.toml"), filepath.Join(folder, "x.npy")}) {
		t.Errorf("%v, %v", s.Files(), err)
	}
	array("x.npy", 1, 2, 4)
	differs("another input")
	write("y.csv", "label\n0\n1\n1\n")
	differs("another label")
	write("set.toml", "inputs = \"x.npy\"\nlabels = \"y.csv\"\nscale = 2\n")
	differs("another scale")
	write("set.toml", "inputs = \"x.npy\"\nreference = \"r.npy\"\nmetric = \"binary\"\n")
	array("r.npy", 1, 2, 3)
	differs("a reference")
	array("r.npy", 1, 2, 5)
	differs("another reference")
	write("unused.npy", "x")
	if seen[digest()] != "another reference" {
		t.Error("a file that is not named changes the digest")
	}
}
