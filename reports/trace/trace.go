// Package trace writes the recording of a run in the Chrome trace event
// format, which ui.perfetto.dev and chrome://tracing open, and reads it back.
//
// Times of events (ts, dur) are microseconds at the NPU clock, rounded to whole
// nanoseconds, as viewers keep them; arguments whose names end in _cycle or
// _cycles are exact NPU cycles. The file has these tracks:
//
//   - layers: the window of each layer, with what bounds it;
//   - units: a track a unit, with every operation and every wait, and arrows
//     from the operation that gave a signal to the one that waited for it:
//     from transfers to the work they feed and back;
//   - memory: counters of DRAM bandwidth in GB/s by tensor class, and of the
//     bytes in use in each scratchpad.
//
// Beside the events stands the key "npusim" with the memory map of the
// scratchpads, which viewers skip. Written here, not there: nothing that
// summary.json holds.
package trace

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/recording"
)

// Schema is the version of what Read understands.
const Schema = 1

// Processes of the trace, in the order in which viewers show them.
const (
	layersProcess = 1
	unitsProcess  = 2
	memoryProcess = 3
)

// Threads: the track of unit i is unitThread+i.
const (
	layersThread = 11
	unitThread   = 20
	memoryThread = 90
)

// Categories of events.
const (
	layerCategory     = "layer"
	operationCategory = "operation"
	waitCategory      = "wait"
	signalCategory    = "signal"
)

// Write writes the trace of a result that has a Recording.
func Write(w io.Writer, r *evaluate.Result) error {
	t := &writer{w: bufio.NewWriterSize(w, 1<<16), result: r, recording: r.Recording}
	t.w.WriteString(`{"traceEvents":[`)
	t.names()
	t.layers()
	for i := range t.recording.Tracks {
		t.track(i)
	}
	t.links()
	t.bandwidth()
	t.occupancy()
	t.w.WriteString("\n],\n")
	t.other()
	if err := t.data(); err != nil {
		return err
	}
	t.w.WriteString("}\n")
	return t.w.Flush()
}

// writer writes events one by one. Errors of the stream stay in the bufio.Writer
// until it is flushed.
type writer struct {
	w         *bufio.Writer
	result    *evaluate.Result
	recording *recording.Recording
	buffer    []byte
	events    int
}

// nanoseconds at which a cycle begins, rounded.
func (t *writer) nanoseconds(cycle int64) int64 {
	mhz := t.recording.ClockMHz
	return cycle/mhz*1000 + (cycle%mhz*1000+mhz/2)/mhz
}

// names gives processes and threads their names and order.
func (t *writer) names() {
	r := t.result
	for _, p := range []struct {
		id   int
		name string
	}{{layersProcess, "layers of " + r.Model.Name}, {unitsProcess, "units of " + r.Config.Name}, {memoryProcess, "memory"}} {
		t.begin("M", p.id, 0, "process_name")
		t.end(text("name", p.name))
		t.begin("M", p.id, 0, "process_sort_index")
		t.end(count("sort_index", p.id))
	}
	name := func(process, thread int, name string) {
		t.begin("M", process, thread, "thread_name")
		t.end(text("name", name))
		t.begin("M", process, thread, "thread_sort_index")
		t.end(count("sort_index", thread))
	}
	name(layersProcess, layersThread, "layers")
	for i := range t.recording.Tracks {
		name(unitsProcess, unitThread+i, t.recording.Tracks[i].Unit)
	}
	name(memoryProcess, memoryThread, "memory")
}

// slice writes an event that lasts.
func (t *writer) slice(process, thread int, category, name string, start, end int64, arguments ...argument) {
	from := t.nanoseconds(start)
	t.begin("X", process, thread, name)
	t.text("cat", category)
	t.time("ts", from)
	t.time("dur", t.nanoseconds(end)-from)
	t.end(arguments...)
}

// layers writes the windows of the layers, which follow one another.
func (t *writer) layers() {
	start := int64(0)
	for i := range t.result.Layers {
		l := &t.result.Layers[i]
		t.slice(layersProcess, layersThread, layerCategory, l.Name, start, start+l.Cycles,
			text("operator", l.Op), text("bound", l.Bound), count("window_cycles", l.Cycles), count("macs", l.MACs), real("mac_utilization", l.Utilization),
			count("dram_read_bytes", l.DRAMReadBytes), count("dram_write_bytes", l.DRAMWriteBytes), real("energy_uj", l.EnergyUJ))
		start += l.Cycles
	}
}

func (t *writer) layerName(layer int) string {
	if layer < 0 || layer >= len(t.result.Layers) {
		return ""
	}
	return t.result.Layers[layer].Name
}

// track writes the spans of a unit.
func (t *writer) track(i int) {
	var list []argument
	spans := t.recording.Tracks[i].Spans
	for k := range spans {
		s := &spans[k]
		list = append(list[:0], count("start_cycle", s.Start), count("length_cycles", s.Length()))
		category, name := waitCategory, "wait for "+s.For
		if s.Kind == recording.Operation {
			category, name = operationCategory, s.Opcode+" "+t.layerName(s.Layer)
			list = append(list, text("opcode", s.Opcode), count("layer", s.Layer), count("descriptor", s.Descriptor))
			if s.Begun != s.Start {
				list = append(list, count("begun_cycle", s.Begun))
			}
			if s.Class != "" {
				name = s.Opcode + " " + s.Class + " " + t.layerName(s.Layer)
				list = append(list, text("class", s.Class), count("bytes", s.Bytes))
				if ns := t.nanoseconds(s.End) - t.nanoseconds(s.Begun); ns > 0 {
					list = append(list, real("gb_per_s", float64(s.Bytes)/float64(ns)))
				}
			}
			if s.MACs > 0 {
				list = append(list, count("macs", s.MACs))
				if peak := float64(t.recording.MACsPerCycle) * float64(s.Length()); peak > 0 {
					list = append(list, real("mac_utilization", float64(s.MACs)/peak))
				}
			}
		} else {
			list = append(list, count("semaphore", s.Semaphore), text("signalled_by", s.For))
		}
		for _, c := range portsOf(&s.Ports) {
			if *c.value != 0 {
				list = append(list, count(c.key, *c.value))
			}
		}
		for _, c := range causesOf(&s.Cycles) {
			if *c.value != 0 {
				list = append(list, count(c.key, *c.value))
			}
		}
		if s.Joined > 0 {
			list = append(list, count("joined_spans", s.Joined))
			name += fmt.Sprintf(" and %d more", s.Joined)
		}
		t.slice(unitsProcess, unitThread+i, category, name, s.Start, s.End, list...)
	}
}

// keyed is an argument that is left out where it is 0.
type keyed struct {
	key   string
	value *int64
}

func causesOf(c *recording.Cycles) [6]keyed {
	return [6]keyed{{"busy_cycles", &c.Busy}, {"fill_cycles", &c.Fill}, {"drain_cycles", &c.Drain}, {"bank_cycles", &c.Bank},
		{"dram_wait_cycles", &c.DRAM}, {"semaphore_wait_cycles", &c.Semaphore}}
}

func portsOf(p *recording.Ports) [4]keyed {
	return [4]keyed{{"activation_buffer_read_bytes", &p.ActivationRead}, {"activation_buffer_written_bytes", &p.ActivationWritten},
		{"weight_buffer_read_bytes", &p.WeightRead}, {"weight_buffer_written_bytes", &p.WeightWritten}}
}

// links writes an arrow for each signal that a later operation waited for. It
// leaves its operation in the last nanosecond and arrives where the other one
// begins: inside both, for viewers bind arrows to what encloses their ends.
func (t *writer) links() {
	for i := range t.recording.Links {
		l := &t.recording.Links[i]
		from, to := &t.recording.Tracks[l.From.Track].Spans[l.From.Span], &t.recording.Tracks[l.To.Track].Spans[l.To.Span]
		name := "semaphore " + strconv.Itoa(l.Semaphore)
		arrives := t.nanoseconds(to.Start)
		leaves := min(max(t.nanoseconds(from.End)-1, t.nanoseconds(from.Start)), arrives)
		t.begin("s", unitsProcess, unitThread+l.From.Track, name)
		t.text("cat", signalCategory)
		t.number("id", int64(i+1))
		t.time("ts", leaves)
		t.end(count("semaphore", l.Semaphore), count("from_span", l.From.Span), count("to_unit", l.To.Track), count("to_span", l.To.Span),
			count("signalled_cycle", l.Signalled), count("taken_cycle", l.Taken), count("held_cycles", l.Held))
		t.begin("f", unitsProcess, unitThread+l.To.Track, name)
		t.text("cat", signalCategory)
		t.number("id", int64(i+1))
		t.time("ts", arrives)
		t.text("bp", "e")
		t.end()
	}
}

// counter writes the values of a counter from a cycle on.
func (t *writer) counter(name string, cycle int64, values ...argument) {
	t.begin("C", memoryProcess, memoryThread, name)
	t.time("ts", t.nanoseconds(cycle))
	t.end(values...)
}

// bandwidth writes what DRAM requests moved in each stretch of the run.
func (t *writer) bandwidth() {
	over := t.result.DRAM.OverTime
	if over == nil || over.IntervalCycles < 1 {
		return
	}
	var classes []string
	for class, bytes := range over.BytesByClass {
		if slices.Max(append([]int64{0}, bytes...)) > 0 {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	if len(classes) == 0 {
		return
	}
	values := make([]argument, len(classes))
	for i := range over.ReadBytes {
		start := int64(i) * over.IntervalCycles
		end := min(start+over.IntervalCycles, t.recording.Cycles)
		ns := float64(end-start) * 1000 / float64(t.recording.ClockMHz)
		for k, class := range classes {
			values[k] = real(class, 0)
			if bytes := over.BytesByClass[class]; i < len(bytes) && ns > 0 {
				values[k].number = float64(bytes[i]) / ns
			}
		}
		t.counter("DRAM GB/s", start, values...)
	}
	for k := range values {
		values[k].number = 0
	}
	t.counter("DRAM GB/s", t.recording.Cycles, values...)
}

// occupancy writes the bytes in use in each scratchpad.
func (t *writer) occupancy() {
	for i := range t.recording.Memory {
		pad := &t.recording.Memory[i]
		if pad.Allocated == 0 {
			continue
		}
		for _, l := range pad.Levels {
			t.counter(pad.Name+" bytes", l.Cycle, count("used", l.Bytes))
		}
		if n := len(pad.Levels); n > 0 && pad.Levels[n-1].Cycle < t.recording.Cycles {
			t.counter(pad.Name+" bytes", t.recording.Cycles, count("used", int64(0)))
		}
	}
}

// other says what the file is.
func (t *writer) other() {
	r := t.result
	b := append(t.buffer[:0], `"otherData":{`...)
	for i, pair := range [][2]string{{"tool", "npusim " + r.Tool}, {"network", r.Model.Name}, {"configuration", r.Config.Name}, {"config_hash", r.Config.ConfigHash},
		{"time", fmt.Sprintf("ts and dur are microseconds at the NPU clock of %d MHz; keys ending in _cycle or _cycles are NPU cycles", t.recording.ClockMHz)}} {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(b, pair[0])
		b = append(b, ':')
		b = quote(b, pair[1])
	}
	b = append(b, "},\n"...)
	t.w.Write(b)
	t.buffer = b
}

// sortedClasses are the classes of the blocks, which refer to them by number.
func sortedClasses(r *recording.Recording) []string {
	var list []string
	for i := range r.Memory {
		for k := range r.Memory[i].Blocks {
			if at, found := slices.BinarySearchFunc(list, r.Memory[i].Blocks[k].Class, cmp.Compare[string]); !found {
				list = slices.Insert(list, at, r.Memory[i].Blocks[k].Class)
			}
		}
	}
	return list
}
