package sweep

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/search"
)

// folder has an empty model and data set, which a sweep only names.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"net.onnx", "set.toml"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func parse(t *testing.T, text string) (*Sweep, error) {
	t.Helper()
	return Parse(filepath.Join(folder(t), "s.toml"), []byte(text), Overrides{})
}

const good = `
name = "try"
set = ["dram.tier=linear"]
model = "net.onnx"
data = "set.toml"
objectives = ["minimize timing.cycles * 2", "maximize accuracy.npu_top1"]

[[axis]]
keys = ["mac_array.rows", "mac_array.columns"]
values = [[8, 16], [16, 16]]

[[axis]]
key = "npu.weight_buffer_kib"
powers_of_two = [16, 64]

[[axis]]
key = "dram.efficiency"
range = [0.7, 0.9]
step = 0.1

[[axis]]
key = "quantization.layer[block*/pointwise].weight_bits"
values = [8, 4]

[[axis]]
key = "mac_array.dataflow"
values = ["weight-stationary", "output-stationary"]

[[constraint]]
expression = "npu.weight_buffer_kib + npu.activation_buffer_kib <= 160"

[[constraint]]
expression = "accuracy.npu_top1 >= 0.5"
`

func TestLoad(t *testing.T) {
	s, err := parse(t, good)
	if err != nil {
		t.Fatal(err)
	}
	if s.SpacePoints != 2*3*3*2*2 || s.TimingOnly || len(s.Rungs) != 1 || s.Models[0].Name != "model" {
		t.Errorf("%+v", s)
	}
	var values []float64
	for _, v := range s.Axes[2].Values {
		values = append(values, v[0].Number)
	}
	if !slices.Equal(values, []float64{0.7, 0.8, 0.9}) {
		t.Errorf("range with step gives %v", values)
	}
	if o := []bool{s.Axes[0].Ordered, s.Axes[1].Ordered, s.Axes[3].Ordered, s.Axes[4].Ordered}; !slices.Equal(o, []bool{true, true, false, false}) {
		t.Errorf("ordered axes: %v", o)
	}
	indices := []int{0, 2, 1, 1, 1}
	want := []string{
		"mac_array.rows=8", "mac_array.columns=16", "npu.weight_buffer_kib=64", "dram.efficiency=0.8", `mac_array.dataflow="output-stationary"`,
		`quantization.layer=[{match = "block*/pointwise", weight_bits = 4}]`,
	}
	if diff := cmp.Diff(want, s.Settings(indices, 0)); diff != "" {
		t.Error(diff)
	}
	spec, err := s.Spec(indices, 0)
	if err != nil {
		t.Fatal(err)
	}
	if spec.MACArray.Rows != 8 || spec.Quantization.ForLayer("block2/pointwise").WeightBits != 4 || spec.DRAM.Tier != configs.LinearTier {
		t.Error("the point's configuration has not its values")
	}
	// edge has 128 KiB of activations: 16 and 32 fit, 64 does not.
	if !s.Allowed([]int{0, 1, 0, 0, 0}) || s.Allowed(indices) {
		t.Error("the early constraint does not hold")
	}
}

func TestJudge(t *testing.T) {
	s, err := parse(t, good)
	if err != nil {
		t.Fatal(err)
	}
	indices := []int{0, 0, 0, 0, 0}
	spec, err := s.Spec(indices, 0)
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]expression.Value{"timing.cycles": expression.NumberOf(50), "accuracy.npu_top1": expression.NumberOf(0.25)}
	lookup := func(name string) (expression.Value, bool) { v, ok := results[name]; return v, ok }
	j, err := s.Judge(indices, spec, lookup)
	if err != nil || !slices.Equal(j.Objectives, []float64{100, 0.25}) || j.Violation != 0.5 {
		t.Fatalf("%+v, %v", j, err)
	}
	if score := s.Score(j.Objectives, j.Violation); !slices.Equal(score.Objectives, []float64{100, -0.25}) || score.Violation != 0.5 {
		t.Errorf("score %+v", score)
	}
	delete(results, "accuracy.npu_top1")
	if _, err = s.Judge(indices, spec, lookup); err == nil || err.Error() != `objective "accuracy.npu_top1": column 10: accuracy.npu_top1 has no value` {
		t.Errorf("%v", err)
	}
}

// TestFaults: all at once, each with its line, key, rule and nearest name.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"many", `
confg = "edge"
model = "gone.onnx"
strategy = "nsga3"
objectives = ["minimize timing.cycle", "maximize npu.clock_mhz +", "timing.cycles where 1 < 2", "mac_array.dataflow"]
[[axis]]
key = "mac_array.row"
values = [1]
[[axis]]
key = "mac_array.rows"
values = [8, 8, "x", 2.5, 4096]
[[axis]]
key = "mac_array.rows"
values = [8]
[[axis]]
key = "mac_array.dataflow"
values = ["weight-stationery"]
[[axis]]
keys = ["npu.clock_mhz", "npu.cores"]
values = [[1, 2, 3]]
[[axis]]
range = [3, 1]
powers_of_two = [1, 2]
[[axis]]
key = "dram.latency_ns"
range = [3, 1]
[[axis]]
key = "dram.channels"
powers_of_two = [1, 3]
[[axis]]
key = "name"
values = ["x"]
[[axis]]
key = "quantization.layer[[].weight_bits"
values = [4]
[[axis]]
key = "quantization.layer[a].weight_bit"
values = [4]
[[constraint]]
expression = "npu.clock_mhz"
[[constraint]]
[budget]
points = -1
[nsga2]
population = 3
`, []string{
			`2: confg: unknown key (did you mean config?)`,
			`3: model: DIR/gone.onnx: no such file`,
			`4: strategy: must be grid, random, nsga2 or successive-halving (did you mean nsga2?)`,
			`5: objectives[0]: column 10: unknown key timing.cycle (did you mean timing.cycles?)`,
			`5: objectives[1]: column 25: the end stands where a name, a number or ( belongs`,
			`5: objectives[2]: an objective has no condition; conditions are [[constraint]] tables`,
			`5: objectives[3]: column 1: mac_array.dataflow is a text; a number is needed`,
			`7: axis[0].key: "mac_array.row" is no key of a configuration (did you mean mac_array.rows?)`,
			`11: axis[1].values[1]: stands twice on the axis`,
			`11: axis[1].values[2]: mac_array.rows takes a number`,
			`11: axis[1].values[3]: mac_array.rows takes whole numbers, not 2.5`,
			`11: axis[1].values[4]: mac_array.rows must be 1 to 1024, not 4096`,
			`12: axis[2]: mac_array.rows is on axis 2 already`,
			`17: axis[3].values[0]: mac_array.dataflow must be weight-stationary, output-stationary, not "weight-stationery" (did you mean weight-stationary?)`,
			`20: axis[4].values[0]: must be a value for each of the 2 keys, not 3`,
			`21: axis[5]: has no key, or keys that move together`,
			`21: axis[5]: must have one of values, range (with step) and powers_of_two`,
			`26: axis[6].range: must be two numbers, the first not above the second`,
			`29: axis[7].powers_of_two: must be two powers of two, the first not above the second`,
			`31: axis[8].key: name is a label; it changes no result`,
			`34: axis[9].key: "[" is no pattern of layer names`,
			`37: axis[10].key: "quantization.layer[a].weight_bit" is no key of a configuration (did you mean quantization.layer[a].weight_bits?)`,
			`40: constraint[0].expression: column 1: npu.clock_mhz is a number; true or false is needed`,
			`41: constraint[1]: has no expression`,
			`43: budget.points: must be 0 to 10000000, not -1`,
			`45: nsga2.population: must be 8 to 2048, not 3`,
		}},
		{"accuracy without labels", "model = \"net.onnx\"\nobjectives = [\"maximize accuracy.npu_top1\"]", []string{
			`2: objectives[0]: accuracy.npu_top1 needs a data set with labels (did you mean accuracy.agreement?)`,
		}},
		{"accuracy without execution", "model = \"net.onnx\"\ntiming_only = true\nobjectives = [\"maximize accuracy.agreement\"]", []string{
			`3: objectives[0]: accuracy.agreement needs samples to be executed, but timing_only is true`,
		}},
		{"base", "model = \"net.onnx\"\nconfig = \"egde\"\nobjectives = [\"minimize timing.cycles\"]", []string{
			`2: config: "egde" is no preset, and the name of a file has an ending; presets are edge, mobile, mobile-6k, nvdla-2048, scalesim-32x32 (did you mean edge?)`,
		}},
		{"budget", "model = \"net.onnx\"\nstrategy = \"random\"\nobjectives = [\"minimize timing.cycles\"]\n[halving]\nkeep=0.5\n", []string{
			`4: halving: goes with strategy = "successive-halving"`,
			`budget.points: is missing: the most points that strategy random may evaluate`,
		}},
		{"nothing", "", []string{
			`model: is missing; name the network here or with --model`,
			`objectives: is missing: a list such as ["minimize timing.cycles", "minimize energy_uj.total"]`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t)
			_, err := Parse(filepath.Join(dir, "s.toml"), []byte(c.text), Overrides{})
			if err == nil {
				t.Fatal("accepted")
			}
			var faults strict.Faults
			if !errors.As(err, &faults) {
				t.Fatal(err)
			}
			var got []string
			for _, fault := range faults {
				text := strings.TrimPrefix(strings.TrimPrefix(fault.Error(), filepath.Join(dir, "s.toml")+":"), " ")
				got = append(got, strings.ReplaceAll(text, dir, "DIR"))
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWinner: the printed configuration is that of the point, by its hash, with
// a preset and with a file for a base.
func TestWinner(t *testing.T) {
	dir := folder(t)
	if err := os.WriteFile(filepath.Join(dir, "base.toml"), []byte("inherit = \"edge\"\n[quantization]\n[[quantization.layer]]\nmatch = \"a*\"\nweight_bits = 5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		good,
		"config = \"base.toml\"\n" + good,
		good + "[[axis]]\nkey = \"dram.preset\"\nvalues = [\"lpddr5-6400\", \"ddr4-2400\"]\n",
	} {
		s, err := Parse(filepath.Join(dir, "s.toml"), []byte(text), Overrides{})
		if err != nil {
			t.Fatal(err)
		}
		indices := make([]int, len(s.Axes))
		for point := int64(1); point < s.SpacePoints; point += 7 {
			s.Space.Indices(point, indices)
			want, err := s.Spec(indices, 0)
			if err != nil {
				t.Fatal(err)
			}
			printed, err := s.TOML(indices, 0, "two lines", "of comment")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "winner.toml")
			if err := os.WriteFile(file, []byte(printed), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := configs.Load(file, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, printed)
			}
			if got.ConfigHash() != want.ConfigHash() {
				t.Errorf("point %d: the printed configuration is another:\n%s", point, printed)
			}
			if s.Preset && !strings.HasPrefix(printed, "# two lines\n# of comment\ninherit = \"edge\"\n") {
				t.Errorf("point %d does not inherit:\n%s", point, printed)
			}
		}
	}
}

// TestHashIsOfMeaning: comments and paths do not matter, values do.
func TestHashIsOfMeaning(t *testing.T) {
	hash := func(text string) string {
		t.Helper()
		s, err := parse(t, text)
		if err != nil {
			t.Fatal(err)
		}
		return s.Hash()
	}
	first := hash(good)
	if hash("# comment\n"+good) != first {
		t.Error("a comment changes the hash")
	}
	for _, change := range [][2]string{{"powers_of_two = [16, 64]", "powers_of_two = [16, 32]"}, {">= 0.5", ">= 0.6"}, {"* 2", "* 3"}, {"tier=linear", "tier=bank"}, {"weight_bits", "activation_bits"}} {
		changed := strings.Replace(good, change[0], change[1], 1)
		if changed == good || hash(changed) == first {
			t.Errorf("%q does not change the hash", change[1])
		}
	}
}

func TestStrategies(t *testing.T) {
	const space = "model = \"net.onnx\"\nobjectives = [\"minimize timing.cycles\"]\n%\n[[axis]]\nkey = \"npu.clock_mhz\"\nrange = [1, 100]\n[[constraint]]\nexpression = \"npu.clock_mhz > 10\"\n[budget]\npoints = 40\n"
	for strategy, want := range map[string]int64{"grid": 40, "random": 40, "nsga2": 40, "successive-halving": 40 + 10} {
		s, err := parse(t, strings.Replace(space, "%", "strategy = \""+strategy+"\"", 1))
		if err != nil {
			t.Fatal(err)
		}
		if !s.TimingOnly {
			t.Error("nothing needs accuracy, yet samples are executed")
		}
		evaluations := int64(0)
		running := s.Search(t.Context())
		for {
			batch, ok := running.Ask()
			if !ok {
				break
			}
			for _, p := range batch.Points {
				if p < 10 || p > 99 {
					t.Errorf("%s: point %d is not allowed", strategy, p)
				}
			}
			evaluations += int64(len(batch.Points))
			scores := make([]search.Score, len(batch.Points))
			for i := range scores {
				scores[i] = s.Score([]float64{float64(batch.Points[i])}, 0)
			}
			running.Tell(scores)
		}
		if evaluations != want {
			t.Errorf("%s: %d evaluations, want %d", strategy, evaluations, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("objectives = ['minimize timing.cycles']\n[[axis]]\nkey='mac_array.rows'\nrange=[1,9]\nstep=1e-9\n[[models]]\nname='a'\n[halving]\n[[halving.rung]]\nset=['a=b']")
	f.Add("strategy = 'successive-halving'\n[[axis]]\nkeys=['dram.preset','quantization.layer[*].weights']\nvalues=[['ddr4-2400','per-layer']]")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		s, err := Parse("folder/s.toml", []byte(text), Overrides{Model: "sweep_test.go"})
		if err != nil {
			var faults strict.Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("not a list of faults: %v", err)
			}
			return
		}
		indices := make([]int, len(s.Axes))
		s.Space.Indices(s.SpacePoints-1, indices)
		s.Allowed(indices)
		if spec, err := s.Spec(indices, s.Final()); err == nil {
			if _, err := s.TOML(indices, s.Final()); err != nil {
				t.Fatal(err)
			}
			_ = spec.ConfigHash()
		}
		s.Describe()
	})
}
