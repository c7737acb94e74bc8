package dataset

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type zipEntry struct {
	name   string
	method uint16
	data   []byte
}

func zipFile(t testing.TB, entries ...zipEntry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: e.method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func smallNPY(values ...byte) []byte {
	return npyFile(1, "{'descr': '|u1', 'fortran_order': False, 'shape': ("+strconv.Itoa(len(values))+",), }\n", values)
}

func decodeZip(file []byte) ([]string, []*Array, error) {
	return DecodeNPZ(bytes.NewReader(file), int64(len(file)), "test.npz")
}

func TestNPZKeepsFileOrder(t *testing.T) {
	file := zipFile(t,
		zipEntry{"zebra.npy", zip.Store, smallNPY(1, 2, 3)},
		zipEntry{"group/apple.npy", zip.Deflate, smallNPY(bytes.Repeat([]byte{7}, 1000)...)},
		zipEntry{"m.npy", zip.Deflate, smallNPY()})
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	names, arrays, err := ReadNPZ(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"zebra", "group/apple", "m"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	for i, want := range []int{3, 1000, 0} {
		if arrays[i].Elements() != want {
			t.Errorf("%s has %d elements, want %d", names[i], arrays[i].Elements(), want)
		}
	}
	a, err := ReadNPZKey(path, "group/apple")
	if err != nil {
		t.Fatal(err)
	}
	if a.IntAt(999) != 7 {
		t.Errorf("last element is %d, want 7", a.IntAt(999))
	}
	_, err = ReadNPZKey(path, "appel")
	if want := `no array "appel"; there are "zebra", "group/apple", "m"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// directoryEntry finds the central directory record of the first entry.
func directoryEntry(t *testing.T, file []byte) []byte {
	t.Helper()
	at := bytes.Index(file, []byte("PK\x01\x02"))
	if at < 0 {
		t.Fatal("no central directory")
	}
	return file[at:]
}

func TestNPZMalformed(t *testing.T) {
	sizes := func(method uint16, compressed, expanded uint32) []byte {
		file := zipFile(t, zipEntry{"a.npy", method, smallNPY(1, 2, 3)})
		record := directoryEntry(t, file)
		if compressed > 0 {
			binary.LittleEndian.PutUint32(record[20:], compressed)
		}
		binary.LittleEndian.PutUint32(record[24:], expanded)
		return file
	}
	flipped := zipFile(t, zipEntry{"a.npy", zip.Store, smallNPY(1, 2, 3)})
	flipped[bytes.Index(flipped, []byte{1, 2, 3})] ^= 4

	cases := []struct {
		name string
		file []byte
		want string
	}{
		{"no zip", []byte("hello"), "not a valid zip file"},
		{"cut", zipFile(t, zipEntry{"a.npy", zip.Store, smallNPY(1)})[:90], "not a valid zip file"},
		{"no array", zipFile(t, zipEntry{"readme.txt", zip.Store, nil}), "does not end in .npy"},
		{"folder", zipFile(t, zipEntry{"folder/", zip.Store, nil}), "does not end in .npy"},
		{"repeated name", zipFile(t, zipEntry{"a.npy", zip.Store, smallNPY(1)}, zipEntry{"a.npy", zip.Store, smallNPY(1)}), "stands twice"},
		{"bad array", zipFile(t, zipEntry{"a.npy", zip.Deflate, []byte("junk, not an array")}), "test.npz:a: npy: not a .npy file"},
		{"checksum", flipped, "checksum"},
		{"bomb by ratio", sizes(zip.Deflate, 0, 1<<30), "more than deflate can give"},
		{"stored sizes differ", sizes(zip.Store, 0, 1<<20), "its sizes differ"},
		{"beyond the file", sizes(zip.Deflate, 1<<20, 1<<20), "overlap or lie outside"},
		{"size is not the shape's", sizes(zip.Deflate, 0, 70), "takes 3 bytes"},
		{"method", func() []byte {
			file := zipFile(t, zipEntry{"a.npy", zip.Store, smallNPY(1)})
			binary.LittleEndian.PutUint16(directoryEntry(t, file)[10:], 12)
			return file
		}(), "compression method 12"},
	}
	for _, c := range cases {
		if _, _, err := decodeZip(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		} else if !strings.HasPrefix(err.Error(), "test.npz") {
			t.Errorf("%s: error %q does not name the file", c.name, err)
		}
	}
}

func TestNPZBoundsTheSum(t *testing.T) {
	// Two honest-looking ZIP64 claims of 6 GiB each.
	file := make([]byte, 0, 1024)
	var directory []byte
	for _, name := range []string{"a.npy", "b.npy"} {
		at := len(file)
		file = append(file, "PK\x03\x04"...)
		file = append(file, make([]byte, 26)...)
		binary.LittleEndian.PutUint16(file[at+26:], uint16(len(name)))
		file = append(file, name...)
		record := append([]byte("PK\x01\x02"), make([]byte, 42)...)
		binary.LittleEndian.PutUint16(record[10:], zip.Deflate)
		binary.LittleEndian.PutUint32(record[20:], 8<<20)
		binary.LittleEndian.PutUint32(record[24:], 0xffffffff)
		binary.LittleEndian.PutUint16(record[28:], uint16(len(name)))
		binary.LittleEndian.PutUint16(record[30:], 12)
		binary.LittleEndian.PutUint32(record[42:], uint32(at))
		record = append(record, name...)
		record = binary.LittleEndian.AppendUint16(record, 1)
		record = binary.LittleEndian.AppendUint16(record, 8)
		record = binary.LittleEndian.AppendUint64(record, 6<<30)
		directory = append(directory, record...)
	}
	file = append(file, make([]byte, 16<<20)...)
	end := append([]byte("PK\x05\x06"), make([]byte, 18)...)
	binary.LittleEndian.PutUint16(end[8:], 2)
	binary.LittleEndian.PutUint16(end[10:], 2)
	binary.LittleEndian.PutUint32(end[12:], uint32(len(directory)))
	binary.LittleEndian.PutUint32(end[16:], uint32(len(file)))
	file = append(append(file, directory...), end...)
	if _, _, err := decodeZip(file); err == nil || !strings.Contains(err.Error(), `entry "b.npy": the arrays together are above the limit`) {
		t.Errorf("error %v", err)
	}
}

// FuzzNPZ looks for panics and for memory beyond what deflate can expand to.
func FuzzNPZ(f *testing.F) {
	f.Add(zipFile(f, zipEntry{"a.npy", zip.Store, smallNPY(1, 2, 3)}))
	f.Add(zipFile(f, zipEntry{"a.npy", zip.Deflate, smallNPY(bytes.Repeat([]byte{9}, 5000)...)}, zipEntry{"b.npy", zip.Store, smallNPY()}))
	f.Add(zipFile(f, zipEntry{"readme", zip.Deflate, []byte("text")}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, file []byte) {
		names, arrays, err := decodeZip(file)
		if err != nil {
			return
		}
		total := 0
		for i, a := range arrays {
			total += len(a.Bytes())
			again, err := DecodeNPZKey(bytes.NewReader(file), int64(len(file)), "test.npz", names[i])
			if err != nil || !bytes.Equal(again.Bytes(), a.Bytes()) {
				t.Fatalf("array %q differs when it is read alone: %v", names[i], err)
			}
		}
		if total > maxDeflateRatio*(len(file)+len(arrays)) {
			t.Fatalf("%d bytes of elements from a file of %d", total, len(file))
		}
	})
}
