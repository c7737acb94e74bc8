package trace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/recording"
	"github.com/npusim/npusim/reports/trace"
)

const glyphs = "../../testdata/glyphs/glyphs.onnx"

// recorded times a network and records it.
func recorded(t testing.TB, model, preset string, sets ...string) *evaluate.Result {
	t.Helper()
	spec, err := configs.Load(preset, sets)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evaluate.Run(context.Background(), evaluate.Options{Model: model, Spec: spec, TimingOnly: true, Record: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func written(t testing.TB, r *evaluate.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// field is a key of an event with the kinds of JSON value it may have.
type field struct {
	name  string
	kinds string // "s" string, "n" number, "o" object
}

// required are the keys that the trace event format wants of each phase.
var required = map[string][]field{
	"M": {{"name", "s"}, {"pid", "n"}, {"tid", "n"}, {"args", "o"}},
	"X": {{"name", "s"}, {"cat", "s"}, {"pid", "n"}, {"tid", "n"}, {"ts", "n"}, {"dur", "n"}},
	"C": {{"name", "s"}, {"pid", "n"}, {"tid", "n"}, {"ts", "n"}, {"args", "o"}},
	"s": {{"name", "s"}, {"cat", "s"}, {"id", "n"}, {"pid", "n"}, {"tid", "n"}, {"ts", "n"}},
	"t": {{"name", "s"}, {"cat", "s"}, {"id", "n"}, {"pid", "n"}, {"tid", "n"}, {"ts", "n"}},
	"f": {{"name", "s"}, {"cat", "s"}, {"id", "n"}, {"pid", "n"}, {"tid", "n"}, {"ts", "n"}, {"bp", "s"}},
}

type slice struct{ start, end int64 } // nanoseconds

type thread struct{ process, thread int64 }

// validate checks a trace against the trace event format, knowing nothing of
// who wrote it, and counts the events of each phase.
func validate(content []byte) (map[string]int, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var file struct {
		Events []map[string]any `json:"traceEvents"`
	}
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	phases := map[string]int{}
	slices_ := map[thread][]slice{}
	named := map[thread]bool{}
	processes := map[int64]bool{}
	type flow struct {
		name, category string
		id             int64
	}
	type end struct {
		at    int64
		on    thread
		phase string
	}
	flows := map[flow][]end{}
	for i, e := range file.Events {
		phase, _ := e["ph"].(string)
		fields, ok := required[phase]
		if !ok {
			return nil, fmt.Errorf("event %d: phase %q", i, phase)
		}
		phases[phase]++
		for _, f := range fields {
			kind := map[bool]string{true: "o"}[isObject(e[f.name])]
			switch e[f.name].(type) {
			case string:
				kind = "s"
			case json.Number:
				kind = "n"
			}
			if kind == "" || !strings.Contains(f.kinds, kind) {
				return nil, fmt.Errorf("event %d, phase %s: key %q is %v", i, phase, f.name, e[f.name])
			}
		}
		at := thread{integer(e["pid"]), integer(e["tid"])}
		if e["name"] == "" {
			return nil, fmt.Errorf("event %d has no name", i)
		}
		switch phase {
		case "M":
			args := e["args"].(map[string]any)
			switch e["name"] {
			case "process_name":
				processes[at.process] = args["name"].(string) != ""
			case "thread_name":
				named[at] = args["name"].(string) != ""
			case "process_sort_index", "thread_sort_index":
				integer(args["sort_index"])
			default:
				return nil, fmt.Errorf("event %d: metadata %q", i, e["name"])
			}
			continue
		case "C":
			args := e["args"].(map[string]any)
			if len(args) == 0 {
				return nil, fmt.Errorf("event %d: a counter without values", i)
			}
			for key, value := range args {
				number, ok := value.(json.Number)
				if x, err := number.Float64(); !ok || err != nil || x < 0 {
					return nil, fmt.Errorf("event %d: counter %q is %v", i, key, value)
				}
			}
		}
		ts, err := nanoseconds(e["ts"].(json.Number))
		if err != nil {
			return nil, fmt.Errorf("event %d: ts: %w", i, err)
		}
		switch phase {
		case "X":
			dur, err := nanoseconds(e["dur"].(json.Number))
			if err != nil {
				return nil, fmt.Errorf("event %d: dur: %w", i, err)
			}
			slices_[at] = append(slices_[at], slice{ts, ts + dur})
		case "s", "t", "f":
			key := flow{e["name"].(string), e["cat"].(string), integer(e["id"])}
			flows[key] = append(flows[key], end{ts, at, phase})
		}
	}
	for at, list := range slices_ {
		if !named[at] || !processes[at.process] {
			return nil, fmt.Errorf("thread %v has no name", at)
		}
		slices.SortStableFunc(list, func(a, b slice) int {
			if a.start != b.start {
				return int(a.start - b.start)
			}
			return int(b.end - a.end)
		})
		var open []slice
		for _, s := range list {
			for len(open) > 0 && open[len(open)-1].end <= s.start {
				open = open[:len(open)-1]
			}
			if len(open) > 0 && s.end > open[len(open)-1].end {
				return nil, fmt.Errorf("thread %v: a slice from %d to %d ns reaches out of one from %d to %d ns", at, s.start, s.end, open[len(open)-1].start, open[len(open)-1].end)
			}
			open = append(open, s)
		}
	}
	for key, ends := range flows {
		if len(ends) < 2 || ends[0].phase != "s" || ends[len(ends)-1].phase != "f" {
			return nil, fmt.Errorf("flow %v does not go from a start to an end: %v", key, ends)
		}
		for i, e := range ends {
			if i > 0 && (e.phase == "s" || e.at < ends[i-1].at) || i > 0 && i < len(ends)-1 && e.phase != "t" {
				return nil, fmt.Errorf("flow %v: %v", key, ends)
			}
			// Ends bind to the slice that encloses them.
			list := slices_[e.on]
			if !slices.ContainsFunc(list, func(s slice) bool { return s.start <= e.at && (e.at < s.end || s.start == s.end) }) {
				return nil, fmt.Errorf("flow %v has an end outside of all slices: %v", key, e)
			}
		}
	}
	return phases, nil
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

func integer(v any) int64 {
	n, err := v.(json.Number).Int64()
	if err != nil {
		return -1
	}
	return n
}

// nanoseconds of a time in microseconds, which must not be negative nor finer.
func nanoseconds(n json.Number) (int64, error) {
	whole, fraction, _ := strings.Cut(n.String(), ".")
	if len(fraction) > 3 || strings.ContainsAny(n.String(), "eE-") {
		return 0, fmt.Errorf("%s is negative, or no whole number of nanoseconds", n)
	}
	return json.Number(whole + (fraction + "000")[:3]).Int64()
}

// check validates a trace and reads it back.
func check(t *testing.T, r *evaluate.Result) []byte {
	t.Helper()
	content := written(t, r)
	phases, err := validate(content)
	if err != nil {
		t.Fatal(err)
	}
	for _, phase := range []string{"M", "X", "C", "s", "f"} {
		if phases[phase] == 0 {
			t.Errorf("no event of phase %s", phase)
		}
	}
	path := filepath.Join(t.TempDir(), "trace.json")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := trace.Read(path, r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Recording, got); diff != "" {
		t.Fatalf("read recording differs (-want +got):\n%s", diff)
	}
	if again := written(t, r); !bytes.Equal(content, again) {
		t.Error("the same result gives other bytes")
	}
	return content
}

// TestTraceOfOurNetwork on machines whose cycles are whole nanoseconds and
// others: fractions of them, and several in one.
func TestTraceOfOurNetwork(t *testing.T) {
	for _, sets := range [][]string{{}, {"npu.clock_mhz=300"}, {"npu.clock_mhz=3001"},
		{"compression.scheme=xor-sequential", "compression.sparsity=0.7"},
		{"quantization.weights=binary-coding", "quantization.planes=2"}} {
		t.Run(strings.Join(sets, " "), func(t *testing.T) {
			r := recorded(t, glyphs, "edge", sets...)
			content := check(t, r)
			for i := range r.Recording.Tracks {
				track := &r.Recording.Tracks[i]
				var sum recording.Cycles
				for k := range track.Spans {
					sum.Add(&track.Spans[k].Cycles)
				}
				want, told := r.Stalls[track.Unit]
				if got := (evaluate.UnitStalls{Busy: sum.Busy, Fill: sum.Fill, Drain: sum.Drain, Bank: sum.Bank, DRAM: sum.DRAM, Semaphore: sum.Semaphore, Finished: r.Timing.Cycles - sum.Sum()}); told && got != want {
					t.Errorf("%s: recorded %+v, the report says %+v", track.Unit, got, want)
				}
			}
			var file struct {
				Events []struct {
					Name, Cat, Ph string
					Args          map[string]any
				} `json:"traceEvents"`
			}
			if err := json.Unmarshal(content, &file); err != nil {
				t.Fatal(err)
			}
			// The layer track has every layer by name, and its cycles.
			var layers []string
			cycles := 0.0
			for _, e := range file.Events {
				if e.Cat == "layer" {
					layers = append(layers, e.Name)
					cycles += e.Args["window_cycles"].(float64)
				}
			}
			if len(layers) != len(r.Layers) || layers[1] != r.Layers[1].Name || int64(cycles) != r.Timing.Cycles {
				t.Errorf("layers %q of %g cycles, the run took %d", layers, cycles, r.Timing.Cycles)
			}
		})
	}
}

// TestTraceOfMobileNet: a real network stays far below what viewers take.
func TestTraceOfMobileNet(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("a large network takes too long with the race detector or -short")
	}
	const name = "mobilenetv2_1.0_224.onnx"
	root := os.Getenv("NPUSIM_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	model := filepath.Join(root, "models", name)
	if _, err := os.Stat(model); err != nil {
		t.Skipf("%s is missing: MobileNetV2 of the ONNX model zoo (github.com/onnx/models), in the folder models of NPUSIM_DATA", model)
	}
	content := check(t, recorded(t, model, "edge"))
	if len(content) > 20_000_000 {
		t.Errorf("the trace has %d bytes, more than 20 MB", len(content))
	}
	t.Logf("%d bytes", len(content))
}

// TestValidator: the check notices what it is there for.
func TestValidator(t *testing.T) {
	const head = `{"traceEvents":[{"ph":"M","pid":1,"tid":0,"name":"process_name","args":{"name":"p"}},{"ph":"M","pid":1,"tid":2,"name":"thread_name","args":{"name":"t"}},`
	one := `{"ph":"X","pid":1,"tid":2,"name":"a","cat":"c","ts":0,"dur":5}`
	start := `,{"ph":"s","pid":1,"tid":2,"name":"f","cat":"c","id":1,"ts":4}`
	if _, err := validate([]byte(head + one + "]}")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ events, want string }{
		{`{"ph":"Z"}`, `phase "Z"`},
		{`{"ph":"X","pid":1,"tid":2,"name":"a","cat":"c","ts":0}`, `key "dur"`},
		{`{"ph":"X","pid":1,"tid":2,"name":"a","cat":"c","ts":-1,"dur":5}`, "negative"},
		{`{"ph":"X","pid":1,"tid":3,"name":"a","cat":"c","ts":1,"dur":5}`, "no name"},
		{one + `,{"ph":"X","pid":1,"tid":2,"name":"a","cat":"c","ts":4,"dur":2}`, "reaches out"},
		{`{"ph":"C","pid":1,"tid":2,"name":"a","ts":4,"args":{"x":-2}}`, "counter"},
		{one + start, "does not go from"},
		{one + start + `,{"ph":"f","pid":1,"tid":2,"name":"f","cat":"c","id":2,"ts":4,"bp":"e"}`, "does not go from"},
		{one + start + `,{"ph":"f","pid":1,"tid":2,"name":"f","cat":"c","id":1,"ts":9,"bp":"e"}`, "outside"},
		{one + start + `,{"ph":"f","pid":1,"tid":2,"name":"f","cat":"c","id":1,"ts":3,"bp":"e"}`, "flow"},
	} {
		if _, err := validate([]byte(head + c.events + "]}")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s gives %v, want %q", c.events, err, c.want)
		}
	}
}

// TestNamesOfViewers: names that JSON has to escape by number become plain.
func TestNamesOfViewers(t *testing.T) {
	r := recorded(t, glyphs, "edge")
	r.Layers[0].Name = "a\x01b\"c\\d\u2028é\xff"
	content := check(t, r)
	if !bytes.Contains(content, []byte(`"name":"a b\"c\\d é`+"\ufffd\"")) || bytes.Contains(content, []byte(`\u`)) {
		t.Error("the name of a layer is not as viewers read it")
	}
}

func TestReadErrors(t *testing.T) {
	r := recorded(t, glyphs, "edge")
	good := string(written(t, r))
	other := *r
	other.Timing.Cycles++
	for _, c := range []struct{ content, want string }{
		{"", "byte 0: no trace"},
		{"[]", "must be a JSON object"},
		{`{"traceEvents":7}`, "must be a JSON array"},
		{`{"traceEvents":[7]}`, "no trace of npusim"},
		{`{"traceEvents":[]}`, `key "npusim" is missing`},
		{`{"traceEvents":[],"traceEvents":[]}`, "twice"},
		{`{"traceEvents":[],"npusim":{"schema":9}}`, "schema is 9"},
		{`{"traceEvents":[{"ph":"X","cat":"wait","tid":4}]}`, "thread 4"},
		{`{"traceEvents":[{"ph":"X","cat":"wait","tid":20}]}`, "args of an operation"},
		{`{"traceEvents":[{"ph":"s","cat":"signal","tid":20,"args":[]}]}`, "args of a signal"},
		{`{"traceEvents":[{"ph":"X","cat":"wait","tid":20,"args":{"start_cycle":9223372036854775807,"length_cycles":1}}]}`, "an operation of 1 cycles"},
		{good[:len(good)/2], "unexpected EOF"},
		{good + "{}", "something follows"},
		{strings.Replace(good, `"units":["load","store","mac",`, `"units":[`, 1), "names 3 units"},
		{strings.Replace(good, `"from_span":`, `"from_span":99`, 1), "not there"},
		{strings.Replace(good, `"busy_cycles":`, `"busy_cycles":1`, 1), "cycles by cause"},
		{strings.Replace(good, `"start_cycle":0`, `"start_cycle":1`, 1), "must begin at 0"},
		{strings.Replace(good, `"blocks":[[0,`, `"blocks":[[-1,`, 1), "block 0"},
		{strings.Replace(good, `"layer":0`, `"layer":100`, 1), "of layer 100"},
	} {
		path := filepath.Join(t.TempDir(), "trace.json")
		if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := trace.Read(path, r); err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.100q gives %v, want %q", c.content, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "trace.json")
	if err := os.WriteFile(path, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := trace.Read(path, &other); err == nil || !strings.Contains(err.Error(), "of another run") {
		t.Errorf("the trace of another run gives %v", err)
	}
	if _, err := trace.Read(filepath.Join(t.TempDir(), "absent.json"), r); !os.IsNotExist(err) {
		t.Errorf("an absent file gives %v", err)
	}
}

func FuzzRead(f *testing.F) {
	r := &evaluate.Result{Layers: []evaluate.Layer{{Name: "a", Cycles: 9}}, Timing: evaluate.Timing{Cycles: 9}}
	b := &recording.Builder{}
	b.AddTrack("load")
	b.AddTrack("mac")
	b.AddSemaphore(0, 1, 0)
	b.AddScratchpad("buffer", 64)
	b.Add(0, recording.Span{Kind: recording.Operation, End: 4, Opcode: "load", Class: "weights", Bytes: 64, Cycles: recording.Cycles{Busy: 4}})
	b.Write(0, 0, 64, 0, 4, 0, "weights")
	b.Block(0, 0)
	b.Signal(0, 4)
	b.Take(0, 4)
	b.Add(1, recording.Span{Kind: recording.Wait, End: 4, Layer: -1, For: "load", Cycles: recording.Cycles{DRAM: 4}})
	b.Begin(1, 0)
	b.Add(1, recording.Span{Kind: recording.Operation, Start: 4, Begun: 4, End: 9, Opcode: "convolution", MACs: 3, Cycles: recording.Cycles{Fill: 2, Busy: 3}})
	r.Recording = b.Finish(9)
	r.Recording.ClockMHz = 1000
	f.Add(written(f, r))
	f.Add([]byte(`{"traceEvents":[{"ph":"X","cat":"wait","tid":21,"args":{"length_cycles":9,"dram_wait_cycles":9}}],"npusim":{"schema":1,"clock_mhz":1,"cycles":9,"units":["a","b"],"scratchpads":[{"blocks":[[0,1,2,3,4,5]],"levels":[[0,0]]}]}}`))
	f.Add([]byte(`{"traceEvents":[{"ph":"X","cat":"wait","tid":20,"args":{"length_cycles":9,"dram_wait_cycles":9}}],"npusim":{"schema":1,"clock_mhz":1,"cycles":9,"units":["",""]}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		read, err := trace.Decode(bytes.NewReader(content), r)
		if err != nil {
			return
		}
		// What is accepted can be written, and read again.
		again := *r
		again.Recording = read
		var b bytes.Buffer
		if err := trace.Write(&b, &again); err != nil {
			t.Fatal(err)
		}
		if _, err := trace.Decode(&b, r); err != nil {
			t.Fatalf("not read again: %v\n%s", err, content)
		}
	})
}
