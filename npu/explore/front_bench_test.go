package explore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/figures"
	"github.com/npusim/npusim/npu/explore/search"
	"github.com/npusim/npusim/npu/explore/sweep"
)

// benchmarkSpace has 2,016 machines for the glyph classifier.
const benchmarkSpace = `
set = ["dram.tier=linear"]
objectives = ["minimize timing.cycles", "minimize energy_uj.total", "minimize area_mm2.total"]
[[axis]]
key = "mac_array.rows"
values = [2, 4, 6, 8, 12, 16]
[[axis]]
key = "mac_array.columns"
values = [2, 4, 6, 8, 10, 12, 16]
[[axis]]
key = "npu.weight_buffer_kib"
powers_of_two = [4, 16]
[[axis]]
key = "npu.activation_buffer_kib"
powers_of_two = [32, 64]
[[axis]]
key = "dram.channels"
values = [1, 2]
[[axis]]
key = "mac_array.dataflow"
values = ["weight-stationary", "output-stationary"]
[[axis]]
key = "npu.clock_mhz"
values = [250, 500]
`

// BenchmarkNSGA2 tells what share of the exhaustive front's hypervolume NSGA-II
// reaches with a quarter and with a twentieth of the evaluations, as the median
// and the worst of five seeds, and a Sobol sequence of the same length beside it. The reference is the
// worst of every objective over the front, 10 % further out; objectives count in
// units of the front's extent.
func BenchmarkNSGA2(b *testing.B) {
	model, err := filepath.Abs("../../testdata/glyphs/glyphs.onnx")
	if err != nil {
		b.Fatal(err)
	}
	s, err := sweep.Parse("space.toml", []byte(benchmarkSpace), sweep.Overrides{Model: model})
	if err != nil {
		b.Fatal(err)
	}
	scores := exhaustive(b, s)
	worst, extent := bounds(scores)
	volume := func(points []int64) float64 {
		var front [][]float64
		for _, p := range points {
			scaled := make([]float64, len(worst))
			for m, x := range scores[p].Objectives {
				scaled[m] = (x - worst[m]) / extent[m]
			}
			front = append(front, scaled)
		}
		reference := slices.Repeat([]float64{0.1}, len(worst))
		return search.Hypervolume(undominated(front), reference)
	}
	everything := make([]int64, len(scores))
	for i := range everything {
		everything[i] = int64(i)
	}
	whole := volume(everything)
	b.ReportMetric(float64(len(scores)), "points")
	for b.Loop() {
		for _, percent := range []int64{25, 5} {
			budget := int64(len(scores)) * percent / 100
			var shares, sobol []float64
			for seed := uint64(1); seed <= 5; seed++ {
				seen := evolve(b, s, scores, budget, seed)
				shares = append(shares, 100*volume(seen)/whole)
				sobol = append(sobol, 100*volume(search.SobolPoints(s.Space, budget, seed, everyPoint))/whole)
			}
			slices.Sort(shares)
			slices.Sort(sobol)
			with := fmt.Sprintf("-with-%d%%", percent)
			b.ReportMetric(shares[2], "%-volume"+with)
			b.ReportMetric(shares[0], "%-worst-seed"+with)
			b.ReportMetric(sobol[2], "%-of-Sobol"+with)
			if percent == 25 && shares[2] < 95 {
				b.Errorf("%.2f %% of the hypervolume, want 95 %%", shares[2])
			}
		}
	}
}

func everyPoint(int64) bool { return true }

// evolve lists the points that NSGA-II evaluates with a budget.
func evolve(b *testing.B, s *sweep.Sweep, scores []search.Score, budget int64, seed uint64) []int64 {
	b.Helper()
	evolution := search.NewEvolution(s.Space, search.DefaultPopulation(budget), budget, seed, everyPoint)
	var seen []int64
	for batch, ok := evolution.Ask(); ok; batch, ok = evolution.Ask() {
		told := make([]search.Score, len(batch.Points))
		for i, p := range batch.Points {
			told[i] = scores[p]
		}
		evolution.Tell(told)
		seen = append(seen, batch.Points...)
	}
	if int64(len(seen)) > budget {
		b.Fatalf("%d evaluations, the budget is %d", len(seen), budget)
	}
	return seen
}

// exhaustive evaluates the whole space, timing only.
func exhaustive(b *testing.B, s *sweep.Sweep) []search.Score {
	b.Helper()
	session, err := evaluate.NewSession(context.Background(), evaluate.Options{Model: s.Models[0].File})
	if err != nil {
		b.Fatal(err)
	}
	scores := make([]search.Score, s.SpacePoints)
	indices := make([]int, len(s.Axes))
	for point := range s.SpacePoints {
		s.Space.Indices(point, indices)
		spec, err := s.Spec(indices, s.Final())
		if err != nil {
			b.Fatal(err)
		}
		result, _, err := session.Run(context.Background(), spec, evaluate.Request{TimingOnly: true})
		if err != nil {
			b.Fatal(fmt.Errorf("point %d: %w", point, err))
		}
		values := map[string]expression.Value{}
		for _, f := range figures.Of(result) {
			values[f.Key] = f.Value
		}
		j, err := s.Judge(indices, spec, func(name string) (expression.Value, bool) { v, ok := values[name]; return v, ok })
		if err != nil {
			b.Fatal(err)
		}
		scores[point] = s.Score(j.Objectives, j.Violation)
	}
	return scores
}

// bounds are the worst value of every objective over the front, and the extent
// of the front.
func bounds(scores []search.Score) (worst, extent []float64) {
	front := search.Front(scores)
	worst = slices.Clone(scores[front[0]].Objectives)
	best := slices.Clone(worst)
	for _, i := range front {
		for m, x := range scores[i].Objectives {
			worst[m], best[m] = max(worst[m], x), min(best[m], x)
		}
	}
	extent = make([]float64, len(worst))
	for m := range extent {
		extent[m] = worst[m] - best[m]
	}
	return worst, extent
}

// undominated leaves out what does not count in a hypervolume.
func undominated(points [][]float64) [][]float64 {
	scores := make([]search.Score, len(points))
	for i := range points {
		scores[i].Objectives = points[i]
	}
	var list [][]float64
	for _, i := range search.Front(scores) {
		list = append(list, points[i])
	}
	return list
}
