package dram

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/npusim/npusim/memsim"
)

// TraceForm is a text form of request traces that a public simulator reads.
type TraceForm uint8

// Trace forms. All have one line a burst, in the order in which requests were
// made.
const (
	InvalidTraceForm TraceForm = iota
	// DRAMsim3Form is "0xADDRESS READ|WRITE CLOCK", the form that TraceReader
	// reads too.
	DRAMsim3Form
	// RamulatorLoadStoreForm is "LD|ST 0xADDRESS", without times, for the
	// LoadStoreTrace of Ramulator 2.
	RamulatorLoadStoreForm
	// RamulatorReadWriteForm is "R|W channel,rank,bank group,bank,row,column",
	// without times, for the ReadWriteTrace of Ramulator 2; columns count
	// bursts. The places are those of this memory's address map.
	RamulatorReadWriteForm
	traceFormEnd
)

// NumTraceForms bounds tables indexed by TraceForm.
const NumTraceForms = int(traceFormEnd)

var traceFormNames = [NumTraceForms]string{DRAMsim3Form: "dramsim3", RamulatorLoadStoreForm: "ramulator_loadstore", RamulatorReadWriteForm: "ramulator_readwrite"}

func (f TraceForm) String() string { return traceFormNames[f] }

// TraceWriter writes the requests that a Memory accepts as text. It keeps its
// first error for Flush.
type TraceWriter struct {
	memory *Memory
	form   TraceForm
	out    *bufio.Writer
	line   []byte
	err    error
}

// NewTraceWriter writes requests of a memory in a form.
func NewTraceWriter(w io.Writer, m *Memory, form TraceForm) (*TraceWriter, error) {
	if form == InvalidTraceForm || form >= traceFormEnd {
		return nil, fmt.Errorf("trace form %d does not exist", form)
	}
	return &TraceWriter{memory: m, form: form, out: bufio.NewWriterSize(w, 1<<16)}, nil
}

// Write adds the bursts of a request that was made at a time. The clock of a
// line is the first edge of the memory's clock at which the burst may be
// offered, as in Memory.
func (t *TraceWriter) Write(at memsim.Picoseconds, r memsim.Request) {
	if t.err != nil {
		return
	}
	clock := int64(at/t.memory.clock) + 1
	first, bursts := t.memory.span(r)
	for n := range uint64(bursts) {
		address := (first + n) << t.memory.burst
		t.line = t.line[:0]
		switch t.form {
		case DRAMsim3Form:
			t.line = append(t.line, "0x"...)
			t.line = strconv.AppendUint(t.line, address, 16)
			if r.Write {
				t.line = append(t.line, " WRITE "...)
			} else {
				t.line = append(t.line, " READ "...)
			}
			t.line = strconv.AppendInt(t.line, clock, 10)
		case RamulatorLoadStoreForm:
			if r.Write {
				t.line = append(t.line, "ST 0x"...)
			} else {
				t.line = append(t.line, "LD 0x"...)
			}
			t.line = strconv.AppendUint(t.line, address, 16)
		case RamulatorReadWriteForm:
			t.line = append(t.line, "R "...)
			if r.Write {
				t.line[0] = 'W'
			}
			a := t.memory.mapper.Map(address)
			for i, level := range [...]int32{a.Channel, a.Rank, a.BankGroup, a.Bank, a.Row, a.Column} {
				if i > 0 {
					t.line = append(t.line, ',')
				}
				t.line = strconv.AppendInt(t.line, int64(level), 10)
			}
		}
		if _, t.err = t.out.Write(append(t.line, '\n')); t.err != nil {
			return
		}
	}
}

// Flush writes what is buffered and returns the first error of all.
func (t *TraceWriter) Flush() error {
	if t.err == nil {
		t.err = t.out.Flush()
	}
	return t.err
}
