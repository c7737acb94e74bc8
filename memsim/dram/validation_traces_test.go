package dram

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// splitMix is the generator of the random traces: SplitMix64 from state 1.
type splitMix uint64

func (s *splitMix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// validationTrace generates a dev trace for requests of some bytes. The
// reference figures of a memory with 32-byte bursts were made with 32-byte
// requests; the files hold the 64-byte ones.
func validationTrace(t testing.TB, name string, requests int, size uint64) *SliceTrace {
	t.Helper()
	const span = 1 << 30 // bytes touched by the strided and random traces
	stride := map[string]uint64{"stride_256": 256, "stride_4k": 4096, "stride_64k": 65536}[name]
	random := splitMix(1)
	list := make([]TraceRequest, requests)
	for i := range list {
		r, n := &list[i], uint64(i)
		switch {
		case stride > 0:
			r.Address = n*stride%span + n*stride/span*size
		case name == "rand_read":
			r.Address = random.next() % (span / size) * size
		case name == "triad_2r1w":
			r.Address = [3]uint64{0, 0x10002000, 0x20004000}[n%3] + n/3*size
			r.Write = n%3 == 2
		case name == "seq_read", name == "seq_write":
			r.Address, r.Write = n*size, name == "seq_write"
		case name == "paced_seq":
			r.Address, r.Clock = n*size, Clock(n)*100
		default:
			t.Fatalf("no trace %s", name)
		}
	}
	return &SliceTrace{Requests: list}
}

// TestTracesAreTheFiles: the generated 64-byte traces are those of the
// validation data.
func TestTracesAreTheFiles(t *testing.T) {
	folder := traceFolder(t)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		file, err := NewTraceReader(e.Name(), bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var got []TraceRequest
		batch := make([]TraceRequest, 1000)
		for err == nil {
			var n int
			n, err = file.Read(batch)
			got = append(got, batch[:n]...)
		}
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		want := validationTrace(t, strings.TrimSuffix(e.Name(), ".trc.gz"), len(got), 64).Requests
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s: request %d is %+v in the file, %+v generated", e.Name(), i, got[i], want[i])
			}
		}
	}
}

func traceFolder(t testing.TB) string {
	t.Helper()
	data := os.Getenv("NPUSIM_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	folder := filepath.Join(data, "dram_validation", "traces")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no trace files: %v; set NPUSIM_DATA to the folder of the data of others, which testdata/DATA.md describes", err)
	}
	return folder
}
