package page_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/recording"
	"github.com/npusim/npusim/reports"
)

// glyphPage is the page of the network of this repository on the preset edge.
func glyphPage(t *testing.T) (*evaluate.Result, []byte) {
	t.Helper()
	spec, err := configs.Load("edge", nil)
	if err != nil {
		t.Fatal(err)
	}
	const folder = "../../testdata/glyphs/"
	r, err := evaluate.Run(context.Background(), evaluate.Options{Model: folder + "glyphs.onnx", Data: folder + "glyphs.toml", Spec: spec, Samples: 4, Record: true})
	if err != nil {
		t.Fatal(err)
	}
	return r, render(t, r)
}

func render(t *testing.T, r *evaluate.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := reports.WritePage(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hostileNames try to leave the place they stand in.
var hostileNames = []string{
	`</script><script>window.harmed=1;alert(1)</script>`,
	`"><img src=http://198.51.100.1/x onerror="window.harmed=2">`,
	`<!--<script>`,
	`';window.harmed=3;//`,
	"`${window.harmed=4}`",
	`</style><style>*{display:none}</style>`,
	`]]>&lt;&amp;`,
	`\u003c/script>`,
}

// hostilePage is a page whose every name is hostile.
func hostilePage(t *testing.T) []byte {
	t.Helper()
	r := &evaluate.Result{Schema: evaluate.Schema, Timing: evaluate.Timing{Cycles: int64(100 * len(hostileNames)), LatencyMS: 1}}
	r.Recording = &recording.Recording{Cycles: r.Timing.Cycles, Tracks: []recording.Track{{Unit: "mac"}, {Unit: hostileNames[0]}}}
	for i, name := range hostileNames {
		r.Layers = append(r.Layers, evaluate.Layer{Name: name, Op: name, Cycles: 100, MACs: 10, Bound: name, CyclesByBound: map[string]int64{name: 50, "dram": 50},
			BytesByClass: map[string]int64{name: 5}, DRAMReadBytes: 5})
		span := recording.Span{Kind: recording.Operation, Start: int64(100 * i), End: int64(100*i + 100), Layer: i, Opcode: name, Class: name, Cycles: recording.Cycles{Busy: 100}}
		r.Recording.Tracks[1].Spans = append(r.Recording.Tracks[1].Spans, span)
	}
	name := strings.Join(hostileNames, " ")
	r.Model.Name, r.Config.Name, r.Config.TOML, r.Tool = name, name, name, name
	r.Config.Changes, r.Notes = hostileNames, hostileNames
	r.Recording.Memory = []recording.Scratchpad{{Name: name, Allocated: 10, Blocks: []recording.Block{{High: 10, To: 50, Class: name}}, Levels: []recording.Level{{Bytes: 10}}}}
	r.Stalls = evaluate.Stalls{name: {Busy: 5, DRAM: 3}}
	r.Accuracy = &evaluate.Accuracy{Data: name, Samples: 1, BitExact: new(bool), Divergence: name}
	r.Scratchpad.PeakBytes = map[string]int64{name: 10}
	return render(t, r)
}

// TestHostileNames: no name ends the element or attribute that it stands in.
func TestHostileNames(t *testing.T) {
	html := string(hostilePage(t))
	for what, want := range map[string]int{"<script": 2, "</script": 2, "<style": 1, "</style": 1, "<img": 0, "<!--": 0, "ZgotmplZ": 0} {
		if n := strings.Count(html, what); n != want {
			t.Errorf("%d times %s, want %d", n, what, want)
		}
	}
}

// TestPageIsSelfContained: nothing in the page names an address to fetch from,
// and its policy forbids it anyway.
func TestPageIsSelfContained(t *testing.T) {
	_, html := glyphPage(t)
	for _, pattern := range []string{`src=`, `@import`, `\burl\(`, `\bfetch\(`, `XMLHttpRequest`, `WebSocket`, `importScripts`, `href="[^#d]`, `href="d[^a]`} {
		if found := regexp.MustCompile(pattern).Find(html); found != nil {
			t.Errorf("the page holds %q", found)
		}
	}
	// The namespace of SVG is a name, not an address.
	for _, address := range regexp.MustCompile(`https?://[^\s"'<)]*`).FindAllString(string(html), -1) {
		if address != "http://www.w3.org/2000/svg" {
			t.Errorf("the page names %s", address)
		}
	}
	if !bytes.Contains(html, []byte(`content="default-src 'none';`)) {
		t.Error("the page has no policy against requests")
	}
}

// TestPageSays: the figures and words stand in the markup, for readers without
// scripts and for search.
func TestPageSays(t *testing.T) {
	r, html := glyphPage(t)
	text := string(html)
	for _, want := range []string{
		"<title>glyphs on edge - npusim</title>", "What bounds it: MAC array", "6,432 cycles", "block1/depthwise spends", "What to change:", "npu.activation_bytes_per_cycle",
		"every layer of 4 checked samples equals the integer reference", "load DMA", reports.KiB(r.Scratchpad.PeakBytes["weight_buffer"]),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if again := render(t, r); !bytes.Equal(again, html) {
		t.Error("the same result gives another page")
	}
	for _, l := range r.Layers {
		if !strings.Contains(text, ">"+l.Name+"<") {
			t.Errorf("layer %s is not in the table", l.Name)
		}
	}
}

// TestPageIsSmall: however long the run, the page stays below 5 MB.
func TestPageIsSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const cycles = int64(4e9)
	r := &evaluate.Result{Schema: evaluate.Schema, Timing: evaluate.Timing{Cycles: cycles, LatencyMS: 4000}}
	r.Model.Name, r.Config.Name = "large", "slow"
	const layers = 400
	for i := range layers {
		r.Layers = append(r.Layers, evaluate.Layer{Name: fmt.Sprintf("FeatureExtractor/MobilenetV2/expanded_conv_%d/depthwise/Conv2D", i), Op: "Conv+BatchNormalization+Clip", Cycles: cycles / layers,
			CyclesByBound: map[string]int64{"mac": cycles / layers}, MACs: 1e9, Bound: "mac", DRAMReadBytes: 1e9, Reuse: &evaluate.LayerReuse{WeightBytes: 1e8}})
	}
	rec := &recording.Recording{Cycles: cycles}
	r.Recording = rec
	for _, unit := range evaluate.Units {
		track := recording.Track{Unit: unit}
		step := cycles / recording.MostSpans
		for i := range int64(recording.MostSpans) {
			c := recording.Cycles{Fill: random.Int64N(step / 4), Drain: random.Int64N(step / 4), Bank: random.Int64N(step / 4)}
			c.Busy = step - c.Sum()
			track.Spans = append(track.Spans, recording.Span{Kind: recording.Operation, Start: i * step, End: i*step + step, Layer: random.IntN(layers), Opcode: "convolution", Class: "weights", Bytes: random.Int64N(1e9), Cycles: c, Joined: random.IntN(100)})
		}
		rec.Tracks = append(rec.Tracks, track)
	}
	for range recording.MostLinks {
		taken := random.Int64N(cycles)
		rec.Links = append(rec.Links, recording.Link{From: recording.Place{Track: random.IntN(5)}, To: recording.Place{Track: random.IntN(5)}, Semaphore: random.IntN(64), Signalled: taken, Taken: taken, Held: 1 + random.Int64N(1e6)})
	}
	for _, name := range []string{"activation_buffer", "weight_buffer", "accumulator_buffer"} {
		pad := recording.Scratchpad{Name: name, Allocated: 1 << 30}
		for range recording.MostBlocks {
			low, from := random.Int64N(1<<29), random.Int64N(cycles/2)
			pad.Blocks = append(pad.Blocks, recording.Block{Low: low, High: low + 1 + random.Int64N(1<<20), From: from, To: from + 1 + random.Int64N(1e6), Layer: random.IntN(layers), Class: "activations"})
		}
		for i := range int64(recording.MostLevels) {
			pad.Levels = append(pad.Levels, recording.Level{Cycle: i * (cycles / recording.MostLevels), Bytes: random.Int64N(1 << 30)})
		}
		rec.Memory = append(rec.Memory, pad)
	}
	if size := len(render(t, r)); size > 5_000_000 {
		t.Errorf("the page has %d bytes, must have at most 5 MB", size)
	} else {
		t.Logf("%d bytes", size)
	}
}

// emptyResults have hardly anything in them.
func emptyResults() []*evaluate.Result {
	layers := []evaluate.Layer{{Name: "a", Cycles: 5}}
	return []*evaluate.Result{
		{},
		{Layers: layers, Timing: evaluate.Timing{Cycles: 5}},
		{Layers: layers, Timing: evaluate.Timing{Cycles: 5, LatencyMS: 1}, Recording: &recording.Recording{}},
	}
}

// TestEmptyPage: results with hardly anything in them have a page too.
func TestEmptyPage(t *testing.T) {
	for i, r := range emptyResults() {
		markup, _, _ := strings.Cut(string(render(t, r)), "<script")
		for _, wrong := range []string{"NaN", "Inf", "ZgotmplZ", "%!"} {
			if strings.Contains(markup, wrong) {
				t.Errorf("page %d holds %s", i, wrong)
			}
		}
	}
}
