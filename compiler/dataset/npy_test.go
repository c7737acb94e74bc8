package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// npyFile builds a .npy file with any header.
func npyFile(major int, header string, data []byte) []byte {
	out := append([]byte("\x93NUMPY"), byte(major), 0)
	if major == 1 {
		out = binary.LittleEndian.AppendUint16(out, uint16(len(header)))
	} else {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(header)))
	}
	return append(append(out, header...), data...)
}

func decodeBytes(file []byte) (*Array, error) {
	return DecodeNPY(bytes.NewReader(file), int64(len(file)), "test.npy")
}

func TestNPYRoundTripEveryType(t *testing.T) {
	shapes := [][]int{{}, {0}, {5}, {1}, {2, 3}, {3, 0, 2}, {2, 1, 4, 3}}
	for typ := Bool; typ < elementTypeEnd; typ++ {
		for _, shape := range shapes {
			n, _ := elementCount(shape, typ.Size())
			data := make([]byte, n*typ.Size())
			for i := range data {
				data[i] = byte(i*37 + 11)
				if typ == Bool {
					data[i] &= 1
				}
			}
			a, err := FromBytes(shape, typ, data)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "a.npy")
			if err := WriteNPY(path, a); err != nil {
				t.Fatal(err)
			}
			b, err := ReadNPY(path)
			if err != nil {
				t.Fatal(err)
			}
			if b.Type != typ || !slices.Equal(b.Shape, shape) || !bytes.Equal(b.Bytes(), data) {
				t.Errorf("%v %v came back as %v %v, bytes equal: %v", typ, shape, b.Type, b.Shape, bytes.Equal(b.Bytes(), data))
			}
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if (len(file)-len(data))%npyAlignment != 0 {
				t.Errorf("%v %v: data starts at byte %d, not on a multiple of %d", typ, shape, len(file)-len(data), npyAlignment)
			}
		}
	}
}

// The form of the header is that of numpy.save (see also TestRealArrays).
func TestNPYHeaderBytes(t *testing.T) {
	a, err := FromFloats([]int{2, 3}, []float32{0, 1, 2, 3, 4, 5})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := EncodeNPY(&got, a); err != nil {
		t.Fatal(err)
	}
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
	want := npyFile(1, header+strings.Repeat(" ", 117-len(header))+"\n", a.Bytes())
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got  %q\nwant %q", got.Bytes(), want)
	}
}

func TestNPYValuesOfEveryType(t *testing.T) {
	cases := []struct {
		descr string
		data  []byte
		want  []float64
	}{
		{"|b1", []byte{0, 1}, []float64{0, 1}},
		{"?", []byte{0, 1}, []float64{0, 1}},
		{"|u1", []byte{0, 255}, []float64{0, 255}},
		{"|i1", []byte{0x80, 0x7f}, []float64{-128, 127}},
		{"<i1", []byte{0xff}, []float64{-1}},
		{"<u2", []byte{0x34, 0x12}, []float64{0x1234}},
		{">u2", []byte{0x12, 0x34}, []float64{0x1234}},
		{"<i2", []byte{0xfe, 0xff}, []float64{-2}},
		{">i2", []byte{0xff, 0xfe}, []float64{-2}},
		{"<u4", []byte{0xff, 0xff, 0xff, 0xff}, []float64{math.MaxUint32}},
		{">u4", []byte{0, 0, 1, 2}, []float64{258}},
		{"<i4", []byte{0xfd, 0xff, 0xff, 0xff}, []float64{-3}},
		{">i4", []byte{0xff, 0xff, 0xff, 0xfd}, []float64{-3}},
		{"<u8", []byte{1, 0, 0, 0, 0, 0, 0, 0x80}, []float64{1<<63 + 1}},
		{">i8", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc}, []float64{-4}},
		{"<f2", []byte{0x00, 0x3c, 0x00, 0xc1}, []float64{1, -2.5}},
		{">f2", []byte{0x3c, 0x00}, []float64{1}},
		{"<f4", []byte{0, 0, 0x20, 0xc0}, []float64{-2.5}},
		{">f4", []byte{0xc0, 0x20, 0, 0}, []float64{-2.5}},
		{"<f8", []byte{0, 0, 0, 0, 0, 0, 0x04, 0xc0}, []float64{-2.5}},
		{">f8", []byte{0xc0, 0x04, 0, 0, 0, 0, 0, 0}, []float64{-2.5}},
	}
	for _, c := range cases {
		header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }", c.descr, len(c.want))
		for major := 1; major <= 3; major++ {
			a, err := decodeBytes(npyFile(major, header, c.data))
			if err != nil {
				t.Errorf("%s version %d: %v", c.descr, major, err)
				continue
			}
			for i, want := range c.want {
				if got := a.Float64At(i); got != want {
					t.Errorf("%s version %d: element %d is %v, want %v", c.descr, major, i, got, want)
				}
				if got := a.Floats()[i]; got != float32(want) {
					t.Errorf("%s: element %d is %v as float32, want %v", c.descr, i, got, float32(want))
				}
			}
		}
	}
}

func TestNPYColumnMajor(t *testing.T) {
	// numpy.asfortranarray(numpy.arange(24).reshape(2,3,4)) stores element
	// [i,j,k] at i + 2*j + 6*k.
	data := make([]byte, 48)
	for i := range 2 {
		for j := range 3 {
			for k := range 4 {
				binary.BigEndian.PutUint16(data[2*(i+2*j+6*k):], uint16(12*i+4*j+k))
			}
		}
	}
	a, err := decodeBytes(npyFile(1, "{'descr': '>u2', 'fortran_order': True, 'shape': (2, 3, 4), }\n", data))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range a.Ints() {
		if v != int64(i) {
			t.Fatalf("element %d is %d after conversion to row-major", i, v)
		}
	}
}

func TestNPYHeaderForms(t *testing.T) {
	for _, header := range []string{
		"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }          \n",
		"{'shape':(2,3),'descr':'|u1','fortran_order':False}",
		`{"descr": "|u1", "fortran_order": False, "shape": (2, 3,)}`,
		"{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L), }\n", // Python 2
		" { 'descr' : 'u1' , 'fortran_order' : False , 'shape' : ( 2 , 3 ) } ",
	} {
		a, err := decodeBytes(npyFile(1, header, make([]byte, 6)))
		if err != nil {
			t.Errorf("%q: %v", header, err)
		} else if !slices.Equal(a.Shape, []int{2, 3}) {
			t.Errorf("%q: shape %v", header, a.Shape)
		}
	}
}

func TestNPYMalformed(t *testing.T) {
	u1 := func(rest string) string { return "{'descr': '|u1', 'fortran_order': False, " + rest }
	cases := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "unexpected EOF"},
		{"magic", []byte("PK\x03\x04 not an array at all"), "not a .npy file"},
		{"version", npyFile(4, "{}", nil), "version 4.0 is not supported"},
		{"header cut", npyFile(1, u1("'shape': (1,)}"), nil)[:20], "reading the header: unexpected EOF"},
		{"header too long", append([]byte("\x93NUMPY\x02\x00"), 0xff, 0xff, 0xff, 0xff), "above the limit of 65536"},
		{"no dictionary", npyFile(1, "hello", nil), "expected '{'"},
		{"no comma", npyFile(1, "{'descr': '|u1' 'shape': ()}", nil), "expected '}'"},
		{"missing key", npyFile(1, "{'descr': '|u1', 'shape': ()}", nil), `key "fortran_order" is missing`},
		{"empty dictionary", npyFile(1, "{}", nil), `key "descr" is missing`},
		{"unknown key", npyFile(1, u1("'shape': (), 'extra': 1}"), nil), `unknown key "extra"`},
		{"repeated key", npyFile(1, u1("'descr': '|u1'}"), nil), `key "descr" stands twice`},
		{"trailing text", npyFile(1, u1("'shape': ()} 1"), nil), "unexpected text"},
		{"open string", npyFile(1, "{'descr", nil), "without closing quote"},
		{"escape", npyFile(1, `{'de\x73cr': '|u1'}`, nil), "escape sequences"},
		{"object type", npyFile(1, "{'descr': '|O', 'fortran_order': False, 'shape': ()}", nil), `type "|O" is not supported`},
		{"string type", npyFile(1, "{'descr': '<U8', 'fortran_order': False, 'shape': ()}", nil), "not supported"},
		{"complex type", npyFile(1, "{'descr': '<c8', 'fortran_order': False, 'shape': ()}", nil), "not supported"},
		{"native order", npyFile(1, "{'descr': '=f4', 'fortran_order': False, 'shape': ()}", nil), "not supported"},
		{"no order", npyFile(1, "{'descr': '|f4', 'fortran_order': False, 'shape': ()}", nil), "lacks a byte order"},
		{"structured type", npyFile(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", nil), "structured types"},
		{"order no boolean", npyFile(1, "{'descr': '|u1', 'fortran_order': 0, 'shape': ()}", nil), "must be True or False"},
		{"negative axis", npyFile(1, u1("'shape': (-1,)}"), nil), "non-negative whole number"},
		{"fractional axis", npyFile(1, u1("'shape': (1.5,)}"), nil), "expected ',' or ')'"},
		{"open shape", npyFile(1, u1("'shape': (1, 2"), nil), "expected ',' or ')'"},
		{"no tuple", npyFile(1, u1("'shape': 3}"), nil), "expected '('"},
		{"one axis without comma", npyFile(1, u1("'shape': (3)}"), make([]byte, 3)), "written with a comma"},
		{"too many axes", npyFile(1, u1("'shape': ("+strings.Repeat("1,", 65)+")}"), nil), "more than 64 axes"},
		{"data missing", npyFile(1, u1("'shape': (3,)}"), make([]byte, 2)), "takes 3 bytes, but 2 follow"},
		{"data left over", npyFile(1, u1("'shape': (3,)}"), make([]byte, 4)), "takes 3 bytes, but 4 follow"},
		{"1e12 elements", npyFile(1, u1("'shape': (1000000, 1000000)}"), nil), "above the limit"},
		{"1e12 on one axis", npyFile(1, u1("'shape': (1000000000000,)}"), nil), "above the limit"},
		{"axis beyond 64 bits", npyFile(1, u1("'shape': (99999999999999999999,)}"), nil), "above the limit"},
		{"overflowing product", npyFile(1, u1("'shape': (4294967296, 4294967296, 0)}"), nil), "above the limit"},
	}
	for _, c := range cases {
		if _, err := decodeBytes(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		} else if !strings.HasPrefix(err.Error(), "test.npy: npy: ") {
			t.Errorf("%s: error %q does not name the file", c.name, err)
		}
	}
}

func TestNPYStreamLongerThanSaid(t *testing.T) {
	file := npyFile(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", make([]byte, 4))
	_, err := DecodeNPY(bytes.NewReader(file), int64(len(file)-1), "x")
	if err == nil || !strings.Contains(err.Error(), "bytes follow the last element") {
		t.Errorf("error %v", err)
	}
}

func TestReadNPYRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadNPY(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("folder: error %v", err)
	}
	if _, err := ReadNPY(filepath.Join(dir, "absent.npy")); !os.IsNotExist(err) {
		t.Errorf("absent file: error %v", err)
	}
}

func TestWriteNPYLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.npy")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := &Array{Shape: []int{3}, Type: Uint8, data: make([]byte, 2)}
	if err := WriteNPY(path, broken); err == nil {
		t.Error("an array whose shape does not describe its bytes was written")
	}
	if now, _ := os.ReadFile(path); string(now) != "before" {
		t.Errorf("a failed write changed the file to %q", now)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("a failed write left %d files", len(entries))
	}
}

func TestNPYRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "shape")
		n, _ := elementCount(shape, 8)
		values := rapid.SliceOfN(rapid.Int64(), n, n).Draw(t, "values")
		a, err := FromInts(shape, Int64, values)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := EncodeNPY(&file, a); err != nil {
			t.Fatal(err)
		}
		b, err := decodeBytes(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(b.Shape, a.Shape) || !slices.Equal(b.Ints(), values) {
			t.Fatalf("%v %v came back as %v %v", shape, values, b.Shape, b.Ints())
		}
	})
}

// FuzzNPY looks for panics and for files that read differently after a write.
func FuzzNPY(f *testing.F) {
	for _, seed := range [][]byte{
		npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n", make([]byte, 8)),
		npyFile(2, "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", make([]byte, 12)),
		npyFile(3, "{'descr': '|b1', 'fortran_order': False, 'shape': (), }", []byte{1}),
		npyFile(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }", nil),
		npyFile(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }", nil),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := decodeBytes(file)
		if err != nil {
			return
		}
		if len(a.Bytes()) > len(file) {
			t.Fatalf("%d bytes of elements from a file of %d", len(a.Bytes()), len(file))
		}
		var again bytes.Buffer
		if err := EncodeNPY(&again, a); err != nil {
			t.Fatal(err)
		}
		b, err := decodeBytes(again.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if b.Type != a.Type || !slices.Equal(b.Shape, a.Shape) || !bytes.Equal(b.Bytes(), a.Bytes()) {
			t.Fatalf("%v %v came back as %v %v", a.Type, a.Shape, b.Type, b.Shape)
		}
	})
}
