package front

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/npusim/npusim/reports"
)

func write(t *testing.T, f func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hostile has names, reasons and figures that no markup, table or axis likes.
func hostile() *Exploration {
	e := space(40)
	e.Name = "</script><script>document.documentElement.dataset.fault='1'</script>\x00\x1b[31m畳"
	e.Facts = append(e.Facts, "<img src=x onerror=alert(1)>")
	e.Axes[3].Values[1].Label = strings.Repeat("<b>W", 80)
	e.Axes[3].Values[1].Literals = []string{"'\"`${}\\"}
	e.Objectives[1].Name = strings.Repeat("long.", 60) + "<!--"
	for i := range e.Points {
		switch p := &e.Points[i]; {
		case p.Status == Failed:
			p.Reason = "</script>" + p.Reason
		case i%7 == 0:
			p.Objectives[0], p.OnFront = math.NaN(), false
		case i%7 == 1:
			p.Objectives[1], p.OnFront = math.Inf(1), false
		case i%7 == 2:
			p.Objectives[2] = 1e300
		}
	}
	return e
}

// odd are explorations of unusual shape.
func odd() map[string]*Exploration {
	one := space(1)
	bare := &Exploration{Name: "bare", Objectives: []Objective{{Name: "x"}}}
	failed := space(500)
	for i := range failed.Points {
		failed.Points[i] = Point{ID: int64(i), Values: failed.Points[i].Values, Status: Failed, Reason: "no"}
	}
	same := space(60)
	for i := range same.Points {
		if same.Points[i].Status != Failed {
			same.Points[i].Objectives = []float64{5, 0, -3}
		}
	}
	return map[string]*Exploration{"one": one, "bare": bare, "failed": failed, "same": same, "hostile": hostile(), "usual": space(300)}
}

// TestFiles: whatever the exploration, every file is written, twice alike, SVG is
// well-formed and the page asks no address for anything.
func TestFiles(t *testing.T) {
	address := regexp.MustCompile(`(?i)\b(https?:|src=|@import|url\()`)
	for name, e := range odd() {
		files, err := Files(e)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, f := range files {
			if f.Write == nil { // not of this exploration
				continue
			}
			if strings.HasSuffix(f.Name, ".png") && (testing.Short() || name != "usual") {
				continue // drawn as the SVG is
			}
			content := write(t, f.Write)
			if !bytes.Equal(content, write(t, f.Write)) {
				t.Errorf("%s: %s differs from time to time", name, f.Name)
			}
			switch {
			case strings.HasSuffix(f.Name, ".svg"):
				if bytes.Contains(content, []byte("NaN")) || bytes.Contains(content, []byte("Inf")) {
					t.Errorf("%s: %s has a coordinate that is no number", name, f.Name)
				}
				decoder := xml.NewDecoder(bytes.NewReader(content))
				for {
					if _, err := decoder.Token(); err == io.EOF {
						break
					} else if err != nil {
						t.Fatalf("%s: %s: %v", name, f.Name, err)
					}
				}
			case f.Name == "explore.html":
				if n := bytes.Count(content, []byte("</script>")); n != 2 {
					t.Errorf("%s: the page has %d ends of scripts, want 2", name, n)
				}
				if found := address.Find(content); found != nil && name != "hostile" {
					t.Errorf("%s: the page holds %q", name, found)
				}
			}
		}
		if want := 4 + 2*min(len(e.Objectives)*(len(e.Objectives)-1)/2, mostPairs); count(files) != want {
			t.Errorf("%s: %d files, want %d", name, count(files), want)
		}
	}
	many := space(10)
	many.Objectives = append(many.Objectives, Objective{Name: "a"}, Objective{Name: "b"})
	for i := range many.Points {
		if many.Points[i].Status != Failed {
			many.Points[i].Objectives = append(many.Points[i].Objectives, 1, 2)
		}
	}
	files, err := Files(many)
	if n := count(files); err != nil || n != 4+2*mostPairs {
		t.Errorf("five objectives give %d files, %v", n, err)
	}
}

// count is the number of files that are written.
func count(files []reports.File) int {
	n := 0
	for _, f := range files {
		if f.Write != nil {
			n++
		}
	}
	return n
}

// TestReports: the page leads to reports, by model where there are several.
func TestReports(t *testing.T) {
	e := space(10)
	e.Points[2].Reports = []Report{{Folder: "reports/2-ab"}}
	e.Points[3].Reports = []Report{{"small", "reports/3-cd"}, {"large", "reports/3-ef"}}
	page := write(t, func(w io.Writer) error { return WritePage(w, e) })
	for _, want := range []string{`"2":[{"name":"Report of this point","page":"reports/2-ab/report.html"}]`, `{"name":"Report of this point with large","page":"reports/3-ef/report.html"}`} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		spoil func(*Exploration)
		want  string
	}{
		{func(e *Exploration) { e.Objectives = nil }, "without objectives"},
		{func(e *Exploration) { e.Points[3].Status = InvalidStatus }, "invalid"},
		{func(e *Exploration) { e.Points[3].Status = 9 }, "Status(9)"},
		{func(e *Exploration) { e.Points[3].Values = nil }, "values of 0 axes, want 6"},
		{func(e *Exploration) { e.Points[3].Values[1] = 12 }, "value 12 of axis npu.weight_buffer_kib, which has 12"},
		{func(e *Exploration) { e.Points[3].Values[1] = -1 }, "value -1"},
		{func(e *Exploration) { e.Points[3].Status, e.Points[3].Objectives = Feasible, []float64{1} }, "1 objectives, want 3"},
		{func(e *Exploration) { e.Points[3].Status, e.Points[3].OnFront = Infeasible, true }, "on the front, but infeasible"},
		{func(e *Exploration) { e.Axes[0].Values[0].Literals = nil }, "0 TOML values for 2 keys"},
	} {
		e := space(20)
		c.spoil(e)
		if _, err := Files(e); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one with %q", err, c.want)
		}
	}
}

// TestCSV: the front has a row a point on it, the best first; sensitivity one a
// pair of axis and objective.
func TestCSV(t *testing.T) {
	e := space(300)
	rows := func(f func(io.Writer, *Exploration) error) [][]string {
		list, err := csv.NewReader(bytes.NewReader(write(t, func(w io.Writer) error { return f(w, e) }))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	front := rows(WriteFrontCSV)
	if want := 1 + len(e.members()); len(front) != want || want < 10 {
		t.Fatalf("%d rows of the front, want %d", len(front), want)
	}
	want := "id,mac_array.size,npu.weight_buffer_kib,quantization.weight_bits,quantization.weights,dram.channels,npu.clock_mhz,timing.cycles,energy_uj.total,accuracy.npu_top1,report"
	if got := strings.Join(front[0], ","); got != want {
		t.Errorf("header is %s", got)
	}
	last := 0.0
	for _, row := range front[1:] {
		cycles, err := strconv.ParseFloat(row[7], 64)
		if err != nil || cycles < last {
			t.Errorf("front is not sorted by cycles: %g before %s", last, row[7])
		}
		last = cycles
	}
	if got := rows(WriteSensitivityCSV); len(got) != 1+6*3 || strings.Join(got[1][:2], " ") != "mac_array.size timing.cycles" {
		t.Errorf("sensitivity is %q", got)
	}
}

func TestText(t *testing.T) {
	text := string(write(t, func(w io.Writer) error { return WriteText(w, space(300), reports.Style{}) }))
	for _, want := range []string{"300 points, ", " on the Pareto front, ", " miss a constraint, ", " failed\n", "quantization.weights", "Share of an objective's variance"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestSensitivity: an axis that decides all has all the variance, one that
// decides nothing none, whatever chance gives; of a sum each axis has its part.
func TestSensitivity(t *testing.T) {
	e := &Exploration{Objectives: []Objective{{Name: "first axis"}, {Name: "sum"}, {Name: "product"}, {Name: "constant"}}}
	for range 3 {
		a := Axis{Name: "a", Ordered: true}
		for range 10 {
			a.Values = append(a.Values, AxisValue{Label: "v"})
		}
		e.Axes = append(e.Axes, a)
	}
	for id := range 1000 {
		x, y := id%10, id/10%10
		e.Points = append(e.Points, Point{ID: int64(id), Values: []int{x, y, id / 100}, Status: Feasible,
			Objectives: []float64{float64(x / 5), float64(x) + 2*float64(y), (float64(x) - 4.5) * (float64(y) - 4.5), 7}})
	}
	s := e.Sensitivity()
	near := func(axis, objective int, want, within float64) {
		t.Helper()
		if got := s[axis][objective]; !(math.Abs(got-want) <= within) {
			t.Errorf("axis %d explains %g of %s, want %g", axis, got, e.Objectives[objective].Name, want)
		}
	}
	near(0, 0, 1, 0.12) // ten values in eight groups
	near(1, 0, 0, 0)
	near(0, 1, 0.2, 0.01) // variance 1 of 5
	near(1, 1, 0.8, 0.02)
	near(2, 1, 0, 0.001)
	near(0, 2, 0, 0.001) // only together
	near(1, 2, 0, 0.001)
	if !math.IsNaN(s[0][3]) {
		t.Errorf("of a constant an axis explains %g", s[0][3])
	}
}
