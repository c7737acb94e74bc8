package dram

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readTrace reads all of a trace, a few requests at a time.
func readTrace(t Trace) ([]TraceRequest, error) {
	var list []TraceRequest
	batch := make([]TraceRequest, 3)
	for {
		n, err := t.Read(batch)
		list = append(list, batch[:n]...)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
	}
}

func parseTrace(text string) ([]TraceRequest, error) {
	r, err := NewTraceReader("t.trc", strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	return readTrace(r)
}

func TestTraceReader(t *testing.T) {
	const text = "0x0 READ 0\n\n# comment\r\n\t0xFFffFFffFFffFFff  WRITE\t12 \r\n0X40 READ 12"
	want := []TraceRequest{{0, false, 0}, {1<<64 - 1, true, 12}, {0x40, false, 12}}
	got, err := parseTrace(text)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprint(w, text)
	w.Close()
	if got, err := parseTrace(zipped.String()); err != nil || !slices.Equal(got, want) {
		t.Errorf("gzip: got %v, %v", got, err)
	}
	if got, err := parseTrace(""); err != nil || len(got) != 0 {
		t.Errorf("empty: got %v, %v", got, err)
	}
	if _, err := parseTrace(zipped.String()[:zipped.Len()-9]); err == nil || !strings.Contains(err.Error(), "t.trc:") {
		t.Errorf("cut gzip: %v", err)
	}
}

// TestTraceOfNULs: a file of NUL bytes, as a crash may leave, is no trace.
func TestTraceOfNULs(t *testing.T) {
	for _, n := range []int{1, 64, maxTraceLine, 1 << 17} {
		if _, err := parseTrace(strings.Repeat("\x00", n)); err == nil || !strings.Contains(err.Error(), "t.trc:1: ") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestTraceReaderRefuses(t *testing.T) {
	for _, c := range []struct{ line, say string }{
		{"40 READ 0", "0x"},
		{"0x READ 0", "0x"},
		{"0x4g READ 0", "hexadecimal"},
		{"0x10000000000000000 READ 0", "64 bits"},
		{"0x40 read 0", "READ"},
		{"0x40", "READ"},
		{"0x40 READ", "clock"},
		{"0x40 READ -1", "clock"},
		{"0x40 READ 1.5", "clock"},
		{"0x40 READ 99999999999999999999", "exceeds"},
		{"0x40 READ 4 5", "after the clock"},
		{"0x40 READ 9", "go back"},
		{strings.Repeat("0", 1<<17), "more than"},
		{strings.Repeat("0", maxTraceLine+1), "more than"},
		{strings.Repeat(" ", maxTraceLine+1), "more than"},
		{"\x00", "0x"},
		{strings.Repeat("\x00", 100), "0x"},
		{"0x40 READ\x0012", "READ"},
	} {
		_, err := parseTrace("0x0 READ 10\n0x0 READ 10\n" + c.line + "\n")
		if err == nil || !strings.Contains(err.Error(), "t.trc:3: ") || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%.30q: %.200v", c.line, err)
		}
		s := loadStandard(t, "ddr4-2400")
		trace, _ := NewTraceReader("t.trc", strings.NewReader("0x0 READ 10\n0x0 READ 10\n"+c.line+"\n"))
		if _, err := Replay(s, DefaultController(), trace, ReplayOptions{}); err == nil {
			t.Errorf("%.30q is replayed", c.line)
		}
	}
}

// FuzzTraceReader: whatever the text, requests come in order or an error
// names a line.
func FuzzTraceReader(f *testing.F) {
	for _, seed := range []string{"0x0 READ 0\n", "0xff WRITE 3\n0x1 READ 4", "#\n\n", "\x1f\x8b", "0x0 READ 5\n0x0 READ 4\n", "0x1 READ 1000000000000000\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseTrace(text)
		if err != nil && !strings.Contains(err.Error(), "t.trc:") {
			t.Fatalf("error %v", err)
		}
		if !slices.IsSortedFunc(list, func(a, b TraceRequest) int { return int(a.Clock - b.Clock) }) {
			t.Fatalf("%v", list)
		}
	})
}

// stuckTrace never delivers anything.
type stuckTrace struct{}

func (stuckTrace) Read([]TraceRequest) (int, error) { return 0, nil }

func TestReplayOfBrokenTraces(t *testing.T) {
	s := loadStandard(t, "ddr4-2400")
	if _, err := Replay(s, DefaultController(), stuckTrace{}, ReplayOptions{}); err == nil {
		t.Error("a trace without end or requests is replayed")
	}
	stats, err := Replay(s, DefaultController(), &SliceTrace{}, ReplayOptions{})
	if err != nil || stats.Cycles != 0 || stats.RowHitRate() != 0 || stats.AverageReadLatency() != 0 || stats.BytesPerSecond() != 0 {
		t.Errorf("an empty trace gives %+v, %v", stats, err)
	}
}

// TestHistogram: quantiles are exact below 64 clocks and within 1/32 above.
func TestHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 1<<rapid.IntRange(1, 61).Draw(t, "bits")), 1, 50).Draw(t, "values")
		var h Histogram
		for _, v := range values {
			h.add(Clock(v))
		}
		slices.Sort(values)
		share := rapid.Float64Range(0, 0.999).Draw(t, "share")
		want := values[int(share*float64(len(values)))]
		got := int64(h.Quantile(share))
		if got > want || want-got > want/32 || want < 64 && got != want {
			t.Fatalf("quantile %g of %v is %d, not %d", share, values, got, want)
		}
	})
}

// TestBurstTable compares the table with a map.
func TestBurstTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, want := newBurstTable(8), map[uint64]int32{}
		keys := rapid.SliceOfN(rapid.Uint64Range(0, 300), 1, 400).Draw(t, "keys")
		for i, k := range keys {
			k *= 0x1fffffffffffff // collide now and then
			if _, ok := want[k]; ok {
				table.remove(k)
				delete(want, k)
			} else {
				table.put(k, int32(i))
				want[k] = int32(i)
			}
			for _, k := range keys {
				k *= 0x1fffffffffffff
				v, ok := want[k]
				if got := table.get(k); !ok && got != none || ok && got != v {
					t.Fatalf("key %d: got %d, want %d, %t", k, got, v, ok)
				}
			}
		}
	})
}
