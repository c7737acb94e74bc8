package dram

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/npusim/npusim/memsim"
)

func traceMemory(t *testing.T, name string, channels int) *Memory {
	t.Helper()
	m, err := NewMemory(loadStandard(t, name), DefaultController(), channels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTraceForms: the lines of a request in each form, whole bursts at their
// own addresses and places.
func TestTraceForms(t *testing.T) {
	m := traceMemory(t, "lpddr5-6400", 2)
	burst := uint64(m.Standard().Organization.BytesPerAccess())
	place := func(address uint64) string {
		a := m.mapper.Map(address)
		return fmt.Sprintf("%d,%d,%d,%d,%d,%d", a.Channel, a.Rank, a.BankGroup, a.Bank, a.Row, a.Column)
	}
	want := [NumTraceForms]string{
		DRAMsim3Form:           fmt.Sprintf("0x1000 READ 1\n0x%x READ 1\n0x20000 WRITE 5\n", 0x1000+burst),
		RamulatorLoadStoreForm: fmt.Sprintf("LD 0x1000\nLD 0x%x\nST 0x20000\n", 0x1000+burst),
		RamulatorReadWriteForm: fmt.Sprintf("R %s\nR %s\nW %s\n", place(0x1000), place(0x1000+burst), place(0x20000)),
	}
	for form := DRAMsim3Form; int(form) < NumTraceForms; form++ {
		var b bytes.Buffer
		w, err := NewTraceWriter(&b, m, form)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(0, memsim.Request{Address: 0x1000 + 3, Bytes: uint32(burst)}) // crosses a burst
		w.Write(memsim.Picoseconds(4*m.Standard().ClockPicoseconds), memsim.Request{Address: 0x20000, Bytes: 1, Write: true})
		w.Write(0, memsim.Request{Address: 7})
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if b.String() != want[form] {
			t.Errorf("%s:\n%s\nwant\n%s", form, b.String(), want[form])
		}
	}
	if _, err := NewTraceWriter(&bytes.Buffer{}, m, traceFormEnd); err == nil {
		t.Error("a form that does not exist is accepted")
	}
}

// TestTraceReadsBack: what is written in the DRAMsim3 form replays as the same
// bursts, on a memory of the same channels in about the same time.
func TestTraceReadsBack(t *testing.T) {
	for _, channels := range []int{1, 2} {
		m := traceMemory(t, "ddr4-2400", channels)
		var text bytes.Buffer
		w, err := NewTraceWriter(&text, m, DRAMsim3Form)
		if err != nil {
			t.Fatal(err)
		}
		random := splitMix(uint64(channels))
		var now memsim.Picoseconds
		for i := range 3000 {
			r := memsim.Request{ID: uint64(i), Address: random.next() % (1 << 28), Bytes: uint32(1 + random.next()%300), Write: random.next()%3 == 0}
			for !m.Submit(now, r) {
				next, ok := m.Next()
				if !ok {
					t.Fatal("the memory refuses and waits for nothing")
				}
				now = next
				m.Advance(now, nil)
			}
			w.Write(now, r)
			now += memsim.Picoseconds(random.next() % 20000)
			m.Advance(now, nil)
		}
		for next, ok := m.Next(); ok; next, ok = m.Next() {
			now = max(now, next)
			m.Advance(now, nil)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		reader, err := NewTraceReader("written", strings.NewReader(text.String()))
		if err != nil {
			t.Fatal(err)
		}
		controller := DefaultController()
		controller.IssueWidth = 64
		stats, err := Replay(m.Standard(), controller, reader, ReplayOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c := m.Counters()
		burst := m.Standard().Organization.BytesPerAccess()
		if stats.Reads*burst != c.ReadBytes || stats.Writes*burst != c.WrittenBytes {
			t.Errorf("%d channels: %d reads and %d writes replayed, %d and %d bytes were moved", channels, stats.Reads, stats.Writes, c.ReadBytes, c.WrittenBytes)
		}
		took, want := float64(stats.Cycles), float64(now)/float64(m.Standard().ClockPicoseconds)
		if took < 0.97*want || took > 1.03*want {
			t.Errorf("%d channels: replayed in %.0f clocks, made in %.0f", channels, took, want)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space") }

// TestTraceWriterKeepsItsError: a full disk shows at the end at the latest.
func TestTraceWriterKeepsItsError(t *testing.T) {
	w, err := NewTraceWriter(brokenWriter{}, traceMemory(t, "ddr4-2400", 1), DRAMsim3Form)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(100_000) {
		w.Write(0, memsim.Request{Address: i * 64, Bytes: 64})
	}
	if err := w.Flush(); err == nil || err.Error() != "no space" {
		t.Errorf("%v", err)
	}
}
