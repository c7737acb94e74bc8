package reports

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot"

	"github.com/npusim/npusim/npu/evaluate"
)

// hostile has names that no typeface, table or markup likes.
func hostile() *evaluate.Result {
	r := synthetic(6)
	r.Model.Name = strings.Repeat("W", 300)
	r.Config.Name = "<script>&\"'"
	r.Layers[0].Name = "\x00\x1b[31m\n\uFFFE 畳み込み <b>&amp;"
	r.Layers[1].Name = strings.Repeat("M", 500)
	r.Layers[2].Name = ""
	r.Layers[3].BytesByClass = map[string]int64{"codes": 5e5, "patches": 3e5, "mask": 2e5, "corrections": 1e5, "a class of a very long name that needs a line of the legend": 1e5, "z": 1, "weights": 7}
	r.Layers[4].CyclesByBound = nil
	return r
}

func render(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestChartsAreDeterministic(t *testing.T) {
	for _, r := range []*evaluate.Result{synthetic(6), hostile()} {
		for _, chart := range []func(*evaluate.Result) *Chart{DRAMByLayer, CyclesByLayer} {
			svg := render(t, chart(r).WriteSVG)
			for range 3 { // map orders differ from call to call
				if !bytes.Equal(svg, render(t, chart(r).WriteSVG)) {
					t.Error("two SVG files differ")
				}
			}
			if !bytes.Equal(render(t, chart(r).WritePNG), render(t, chart(r).WritePNG)) {
				t.Error("two PNG files differ")
			}
		}
	}
}

// TestChartMargins finds text or bars that leave the canvas: the outermost
// pixels stay white.
func TestChartMargins(t *testing.T) {
	results := map[string]*evaluate.Result{"none": synthetic(0), "one": synthetic(1), "few": synthetic(12), "hostile": hostile()}
	if !testing.Short() {
		results["many"] = synthetic(110)
	}
	for name, r := range results {
		for _, chart := range []*Chart{DRAMByLayer(r), CyclesByLayer(r)} {
			img := chart.raster(48)
			b := img.Bounds()
			const margin = 3 // pixels
			dark := 0
			for y := b.Min.Y; y < b.Max.Y; y++ {
				for x := b.Min.X; x < b.Max.X; x++ {
					if x == b.Min.X+margin && y >= b.Min.Y+margin && y < b.Max.Y-margin {
						x = b.Max.X - margin // over the inside
					}
					if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 250 {
						dark++
					}
				}
			}
			if dark > 0 {
				t.Errorf("%s, %s: %d pixels of the margin are not white", name, chart.title, dark)
			}
		}
	}
}

func TestChartRows(t *testing.T) {
	r := synthetic(400)
	c := CyclesByLayer(r)
	if len(c.rows) != chartLayers+1 || c.rows[chartLayers].name != "250 other layers" {
		t.Fatalf("%d rows, the last %q", len(c.rows), c.rows[len(c.rows)-1].name)
	}
	sum := 0.0
	for i := range c.rows {
		sum += c.rows[i].total()
	}
	if sum != float64(r.Timing.Cycles) {
		t.Errorf("rows sum to %g, want %d", sum, r.Timing.Cycles)
	}
	d := DRAMByLayer(synthetic(12))
	if len(d.rows) != 12 || len(d.series) != 3 || !strings.HasPrefix(d.series[0].name, "weights") {
		t.Errorf("%d rows, series %v", len(d.rows), d.series)
	}
	if a, b := d.series[0].color, DRAMByLayer(synthetic(110)).series[0].color; a != b {
		t.Errorf("weights are %v in one plot and %v in another", a, b)
	}
}

func TestSVG(t *testing.T) {
	for _, r := range []*evaluate.Result{synthetic(12), hostile(), synthetic(0)} {
		svg := render(t, CyclesByLayer(r).WriteSVG)
		decoder := xml.NewDecoder(bytes.NewReader(svg))
		texts := 0
		for {
			token, err := decoder.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("no well-formed XML: %v", err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "text" {
				texts++
				style := ""
				for _, a := range e.Attr {
					if a.Name.Local == "style" {
						style = a.Value
					}
				}
				if !strings.HasPrefix(style, "font-family:"+svgFontFamily+";") {
					t.Fatalf("text of style %q, want the sans family", style)
				}
			}
		}
		if texts < 3 {
			t.Errorf("%d texts in the plot", texts)
		}
		if !bytes.Contains(svg, []byte("<title>Cycles by layer: ")) {
			t.Error("no title for screen readers")
		}
	}
	if svg := string(render(t, CyclesByLayer(hostile()).WriteSVG)); strings.Contains(svg, "<script>") {
		t.Error("a name becomes markup")
	}
}

func TestAxisTicks(t *testing.T) {
	for _, c := range []struct {
		top, factor float64
		want        []string
	}{
		{880, 1, []string{"0", "200", "400", "600", "800"}},
		{8800, 1e3, []string{"0", "2", "4", "6", "8"}},
		{1_100, 1e3, []string{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{1_990_000, 1e6, []string{"0.00", "0.25", "0.50", "0.75", "1.00", "1.25", "1.50", "1.75"}},
		{8, 1, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}},
	} {
		var got []string
		for _, tick := range axisTicks(c.top, c.factor) {
			got = append(got, tick.Label)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("ticks to %g are %q, want %q", c.top, got, c.want)
		}
	}
	// Whatever the figures, there are a few ticks.
	for top := 1e-3; top < 1e18; top *= 1.7 {
		var ticks []plot.Tick = axisTicks(top, prefixes[prefixOf(top)].factor)
		if len(ticks) < 3 || len(ticks) > 10 || ticks[len(ticks)-1].Value > top*1.001 {
			t.Errorf("%d ticks up to %g", len(ticks), top)
		}
	}
}

func TestDrawable(t *testing.T) {
	if got := drawable("µJ …é畳\n\x00"); got != "µJ …é???" {
		t.Errorf("drawable gives %q", got)
	}
}

// TestPalette: neighbours in a stack differ in lightness, for print and for
// readers who do not tell the hues apart.
func TestPalette(t *testing.T) {
	lightness := func(c color.NRGBA) float64 { return 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B) }
	for _, stack := range [][]string{trafficClasses, boundKeys()} {
		for i := 1; i < len(stack); i++ {
			a, b := seriesColors[stack[i-1]], seriesColors[stack[i]]
			if d := lightness(a) - lightness(b); d > -35 && d < 35 {
				t.Errorf("%s and %s differ by %g of 255 in lightness", stack[i-1], stack[i], d)
			}
		}
	}
}

func TestChartGolden(t *testing.T) {
	goldenPicture(t, "cycles_small.png", render(t, CyclesByLayer(synthetic(5)).WritePNG))
}

// goldenPicture compares the pixels of a PNG with those of a golden file: they
// depend on the pinned versions of the drawing modules, a little on the rounding
// of the processor.
func goldenPicture(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("size is %v, want %v", got.Bounds(), want.Bounds())
	}
	if n, where := differentPixels(got, want); n*1000 > got.Bounds().Dx()*got.Bounds().Dy() {
		t.Errorf("%d pixels differ from %s, the first at %s; run with -update if this is meant", n, path, where)
	}
}

// differentPixels counts the pixels that differ visibly.
func differentPixels(a, b image.Image) (n int, first string) {
	distance := func(x, y uint32) uint32 { return max(x, y) - min(x, y) }
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			r0, g0, b0, _ := a.At(x, y).RGBA()
			r1, g1, b1, _ := b.At(x, y).RGBA()
			if max(distance(r0, r1), distance(g0, g1), distance(b0, b1)) > 0x1000 {
				if n == 0 {
					first = fmt.Sprintf("(%d,%d)", x, y)
				}
				n++
			}
		}
	}
	return n, first
}

func BenchmarkPNG110Layers(b *testing.B) {
	r := synthetic(110)
	for b.Loop() {
		if err := CyclesByLayer(r).WritePNG(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
