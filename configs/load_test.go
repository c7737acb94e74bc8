package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/npusim/npusim/configs/strict"
)

// write puts files into a fresh folder and makes it the current one.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// faultsOf is the list of faults of a load that must fail.
func faultsOf(t *testing.T, name string, sets ...string) strict.Faults {
	t.Helper()
	spec, err := Load(name, sets)
	var faults strict.Faults
	if !errors.As(err, &faults) || spec != nil || len(faults) == 0 {
		t.Fatalf("Load(%q, %q) = %v, %v; want faults", name, sets, spec, err)
	}
	return faults
}

func load(t *testing.T, name string, sets ...string) *Spec {
	t.Helper()
	spec, err := Load(name, sets)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestFaultsNameFileLineKeyRuleAndNearest(t *testing.T) {
	write(t, map[string]string{"a.toml": `inherit = "edge"
descripton = "x"
[npu]
clok_mhz = 500
clock_mhz = 20000
cores = 2
activation_buffer_kib = "big"
channel_block = 12
rows = 3
[mac_arry]
rows = 3
[mac_array]
dataflow = "weight_stationary"
rows = 1024
columns = 1024
[lut_gemm]
table = 4
[compression]
scheme = "xor-blok"
sparsity = 0.995
[dram]
preset = "lpddr4-4266"
burst_bytes = 48
tier = "banks"
[energy]
mac_pj = nan
[quantization]
percentile = 50
activation_bits = 16
weights = "binary-codes"
[[quantization.layer]]
match = "[a"
weight_bits = 1
[[quantization.layer]]
weights = "per-channel"
activation_bit = 4
`})
	want := strict.Faults{
		{File: "a.toml", Line: 2, Key: "descripton", Rule: "unknown key", Nearest: "description"},
		{File: "a.toml", Line: 4, Key: "npu.clok_mhz", Rule: "unknown key", Nearest: "npu.clock_mhz"},
		{File: "a.toml", Line: 5, Key: "npu.clock_mhz", Rule: "must be 1 to 10000 MHz, not 20000"},
		{File: "a.toml", Line: 6, Key: "npu.cores", Rule: "2 is known but not supported by this version; supported: 1"},
		{File: "a.toml", Line: 7, Key: "npu.activation_buffer_kib", Rule: `must be an integer, not the string "big"`},
		{File: "a.toml", Line: 8, Key: "npu.channel_block", Rule: "channels must be a multiple of 8, not 12"},
		{File: "a.toml", Line: 9, Key: "npu.rows", Rule: "unknown key", Nearest: "mac_array.rows"},
		{File: "a.toml", Line: 10, Key: "mac_arry", Rule: "unknown section", Nearest: "mac_array"},
		{File: "a.toml", Line: 13, Key: "mac_array.dataflow", Rule: `must be one of "weight-stationary", "output-stationary"`, Nearest: "weight-stationary"},
		{File: "a.toml", Line: 14, Key: "mac_array.rows", Rule: "the weight buffer of 65536 bytes must hold the weights of one array load (rows x columns bytes): 1048576 bytes"},
		{File: "a.toml", Line: 17, Key: "lut_gemm.table", Rule: "unknown key", Nearest: "lut_gemm.tables"},
		{File: "a.toml", Line: 19, Key: "compression.scheme", Rule: `must be one of "none", "xor-block", "xor-sequential", "xor-fractional"`, Nearest: "xor-block"},
		{File: "a.toml", Line: 20, Key: "compression.sparsity", Rule: "must be 0 to 0.99, not 0.995"},
		{File: "a.toml", Line: 22, Key: "dram.preset", Rule: `"lpddr4-4266" is no memory preset; there are ` + memoryNames(), Nearest: "lpddr4x-4266"},
		{File: "a.toml", Line: 23, Key: "dram.burst_bytes", Rule: "must be a power of two, not 48"},
		{File: "a.toml", Line: 23, Key: "dram.burst_bytes", Rule: "request_bytes must be a multiple of dram.burst_bytes = 48, not 64"},
		{File: "a.toml", Line: 24, Key: "dram.tier", Rule: `must be one of "ideal", "linear", "bank"`, Nearest: "bank"},
		{File: "a.toml", Line: 26, Key: "energy.mac_pj", Rule: "must be 0 to 1000000 pJ, not NaN"},
		{File: "a.toml", Line: 28, Key: "quantization.percentile", Rule: "must be above 50: smaller ones would cut half of the values"},
		{File: "a.toml", Line: 29, Key: "quantization.activation_bits", Rule: "16 is known but not supported by this version; supported: 2 to 8"},
		{File: "a.toml", Line: 30, Key: "quantization.weights", Rule: `must be one of "per-layer", "per-layer-shift", "per-channel", "binary-coding"`, Nearest: "binary-coding"},
		{File: "a.toml", Line: 32, Key: "quantization.layer[0].match", Rule: `"[a" is no valid glob: a bracket or backslash is left open`},
		{File: "a.toml", Line: 33, Key: "quantization.layer[0].weight_bits", Rule: "must be 2 to 8 bits, not 1"},
		{File: "a.toml", Line: 34, Key: "quantization.layer[1].match", Rule: `is required: a glob for layer names, such as "conv*"`},
		{File: "a.toml", Line: 35, Key: "quantization.layer[1].weights", Rule: `"per-channel" weights need mac_array.per_channel_multiplier = true: the hardware must hold a multiplier for every channel`},
		{File: "a.toml", Line: 36, Key: "quantization.layer[1].activation_bit", Rule: "unknown key", Nearest: "quantization.layer[1].activation_bits"},
	}
	if diff := cmp.Diff(want, faultsOf(t, "a.toml")); diff != "" {
		t.Error(diff)
	}
}

// memoryNames lists the memory presets as faults do.
func memoryNames() string { return strings.Join(embeddedNames("memory"), ", ") }

func TestRefusedValues(t *testing.T) {
	for _, set := range []string{
		"quantization.weight_bits=16", "quantization.activation_bits=16",
		"quantization.rounding=tflite-single", "quantization.rounding=tflite-double", "quantization.rounding=half-even-f32",
		"quantization.calibration=mse", "npu.cores=3", "npu.batch=8",
		`quantization.layer=[{match="*", activation_bits=16}]`,
	} {
		faults := faultsOf(t, "edge", set)
		if len(faults) != 1 || !strings.Contains(faults[0].Rule, "known but not supported by this version; supported: ") {
			t.Errorf("--set %s: %v", set, faults)
		}
		if faults[0].File != "--set "+set || faults[0].Line != 0 {
			t.Errorf("--set %s: fault blames %q line %d", set, faults[0].File, faults[0].Line)
		}
	}
}

// TestLookupUnit: binary codes need the unit, and groups whole keys.
func TestLookupUnit(t *testing.T) {
	for _, test := range []struct {
		sets []string
		want string // in the only fault
	}{
		{[]string{"quantization.weights=binary-coding"}, ""},
		{[]string{"quantization.weights=binary-coding", "lut_gemm.lanes=0"}, "need lut_gemm.lanes of at least 1"},
		{[]string{"lut_gemm.lanes=0", `quantization.layer=[{match="*", weights="binary-coding"}]`}, "need lut_gemm.lanes of at least 1"},
		{[]string{"lut_gemm.lanes=0"}, ""},
		{[]string{"quantization.group=24"}, ""},
		{[]string{"quantization.group=24", "lut_gemm.mu=7"}, "group must be a multiple of lut_gemm.mu = 7, not 24"},
		{[]string{"lut_gemm.mu=11"}, "must be 2 to 10 bits, not 11"},
		{[]string{"quantization.planes=5"}, "must be 1 to 4 planes, not 5"},
		{[]string{"quantization.solver=greedi"}, `must be one of "greedy", "alternating"`},
		{[]string{"quantization.weights=binary-coding", "compression.scheme=xor-fractional", "quantization.solver=greedy"}, `the solver must be "alternating", not "greedy"`},
		{[]string{"quantization.weights=binary-coding", "compression.scheme=xor-fractional"}, ""},
		{[]string{`quantization.layer=[{match="*", planes=0}]`}, "must be 1 to 4 planes, not 0"},
	} {
		_, err := Load("edge", test.sets)
		if test.want == "" {
			if err != nil {
				t.Errorf("%v: %v", test.sets, err)
			}
			continue
		}
		if faults := faultsOf(t, "edge", test.sets...); len(faults) != 1 || !strings.Contains(faults[0].Rule, test.want) {
			t.Errorf("%v: %v, want %q", test.sets, faults, test.want)
		}
	}
}

// TestTableBuffer: two sets of tables of 12-bit entries up to 8 inputs, 13 from
// 9 on; symmetry halves them.
func TestTableBuffer(t *testing.T) {
	for _, test := range []struct {
		set  string
		want int64
	}{
		{"lut_gemm.symmetry=false", 2 * 32 * 256 * 12 / 8}, {"lut_gemm.symmetry=true", 2 * 32 * 128 * 12 / 8},
		{"lut_gemm.mu=10", 2 * 32 * 512 * 13 / 8}, {"lut_gemm.mu=2", 2 * 32 * 3}, {"lut_gemm.lanes=0", 0},
	} {
		spec := load(t, "edge", test.set)
		if got := spec.LUTGEMM.TableBufferBytes(); got != test.want {
			t.Errorf("%s: %d bytes, want %d", test.set, got, test.want)
		}
	}
}

func TestSettings(t *testing.T) {
	spec := load(t, "edge", "mac_array.rows=32", "mac_array.dataflow=output-stationary", `name="mine"`,
		"dram.preset=hbm2", "dram.latency_ns=70", "mac_array.rows = 8", "quantization.weights=per-layer")
	if spec.Name != "mine" || spec.MACArray.Rows != 8 || spec.MACArray.Dataflow != OutputStationary ||
		spec.Quantization.Weights != PerLayer {
		t.Errorf("settings are not carried out: %+v", spec)
	}
	want := DRAM{Preset: "hbm2", Channels: 1, Tier: BankTier, BandwidthGBPerS: 16, LatencyNS: 70, BurstBytes: 32, Efficiency: 0.83, CapacityMiB: 512}
	if diff := cmp.Diff(want, spec.DRAM); diff != "" || spec.Energy.DRAMPJPerBit != 3.9 {
		t.Errorf("memory preset with one key overridden: %s, %g pJ/bit", diff, spec.Energy.DRAMPJPerBit)
	}
}

func TestFaultySettingsNameTheFlag(t *testing.T) {
	for _, c := range []struct{ set, key, rule, nearest string }{
		{"rows=8", "rows", "unknown key", "mac_array.rows"},
		{"mac_array.row=8", "mac_array.row", "unknown key", "mac_array.rows"},
		{"mac_array.rows=eight", "mac_array.rows", `must be an integer, not the string "eight"`, ""},
		{"mac_array.rows=8.0", "mac_array.rows", "must be an integer, not the number 8", ""},
		{"mac_array.rows", "", "must have the form section.key=value", ""},
		{"=8", "", "must have the form section.key=value", ""},
		{"a b=8", "", "must have the form section.key=value", ""},
		{"npu.cores=1\n[xor]", "", "must be one line", ""},
		{"inherit=mobile", "", "only a file can inherit; name the preset or file instead", ""},
		{"dma.request_bytes=96", "dma.request_bytes", "request_bytes must be a multiple of dma.alignment_bytes = 64, not 96", ""},
		{"dma.alignment_bytes=48", "dma.alignment_bytes", "must be a power of two, not 48", ""},
		{"npu.activation_buffer_kib=1048577", "npu.activation_buffer_kib", "must be 1 to 1048576 KiB, not 1048577", ""},
		{"mac_array.columns=1025", "mac_array.columns", "must be 1 to 1024, not 1025", ""},
		{"dram.latency_ns=inf", "dram.latency_ns", "must be 0 to 1000000 ns, not +Inf", ""},
		{"quantization.weights=per-channel", "quantization.weights", `"per-channel" weights need mac_array.per_channel_multiplier = true: the hardware must hold a multiplier for every channel`, ""},
		{"quantization.weights=per_layer", "quantization.weights", `must be one of "per-layer", "per-layer-shift", "per-channel", "binary-coding"`, "per-layer"},
		{"npu=3", "npu", "must be a table, not the integer 3", ""},
	} {
		faults := faultsOf(t, "edge", c.set)
		if faults[0].File != "--set "+c.set {
			t.Errorf("--set %q: fault blames %q", c.set, faults[0].File)
		}
		if f := faults[0]; f.Key != c.key || f.Rule != c.rule || f.Nearest != c.nearest {
			t.Errorf("--set %q: %+v", c.set, f)
		}
		if len(faults) > 1 && c.set != "dma.alignment_bytes=48" {
			t.Errorf("--set %q: more faults than its own: %v", c.set, faults)
		}
	}
}

func TestInheritance(t *testing.T) {
	write(t, map[string]string{
		"top.toml": "inherit = \"below/middle.toml\"\ndescription = \"top\"\nmac_array.rows = 4\n",
		"below/middle.toml": `inherit = "base.toml"
name = "middle"
dram.preset = "ddr4-2400"
[[quantization.layer]]
match = "new"
`,
		"below/base.toml": "inherit = \"mobile\"\ndram.latency_ns = 99\nvector.lanes = 8\n" +
			"[[quantization.layer]]\nmatch = \"old\"\n[[quantization.layer]]\nmatch = \"older\"\n",
	})
	got := load(t, "top.toml")
	want := *load(t, "mobile")
	want.Name, want.Description = "top", "top"
	want.MACArray.Rows, want.Vector.Lanes = 4, 8
	want.DRAM.Preset, want.DRAM.BandwidthGBPerS, want.DRAM.LatencyNS, want.DRAM.BurstBytes = "ddr4-2400", 19.2, 52, 64
	want.DRAM.Efficiency = 0.92
	want.Energy.DRAMPJPerBit = 12
	want.Quantization.Layers = []LayerRule{{Match: "new"}}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFaultyInheritance(t *testing.T) {
	files := map[string]string{
		"self.toml":    "inherit = \"self.toml\"",
		"ring.toml":    "\ninherit = \"./ring2.toml\"",
		"ring2.toml":   "inherit = \"ring.toml\"",
		"typo.toml":    "inherit = \"mobil\"",
		"out.toml":     "inherit = \"../edge.toml\"",
		"root.toml":    "inherit = \"/etc/passwd.toml\"",
		"gone.toml":    "inherit = \"nothing.toml\"",
		"folder.toml":  "inherit = \"x.toml\"",
		"x.toml/a":     "",
		"link.toml":    "inherit = \"away.toml\"",
		"type.toml":    "inherit = 3",
		"broken.toml":  "inherit = \"syntax.toml\"\nmac_array.rows = 0",
		"syntax.toml":  "[npu\n",
		"chain0.toml":  "inherit = \"edge\"",
		"partial.toml": "npu.clock_mhz = 500\ndram.preset = \"hbm\"",
	}
	for i := range 9 {
		files["chain"+string(rune('1'+i))+".toml"] = "inherit = \"chain" + string(rune('0'+i)) + ".toml\""
	}
	write(t, files)
	outside := filepath.Join(t.TempDir(), "outside.toml")
	if err := os.WriteFile(outside, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, "away.toml"); err != nil {
		t.Skipf("symbolic links cannot be made here (some systems ask for a privilege): %v", err)
	}
	for _, c := range []struct {
		name, file string
		line       int
		key, rule  string // part of the rule
	}{
		{"self.toml", "self.toml", 1, "inherit", "inherits from itself: self.toml -> self.toml"},
		{"ring.toml", "ring2.toml", 1, "inherit", "inherits from itself: ring.toml -> ring2.toml -> ring.toml"},
		{"typo.toml", "typo.toml", 1, "inherit", `"mobil" is no preset; there are edge, mobile`},
		{"out.toml", "out.toml", 1, "inherit", "stays in the folder"},
		{"root.toml", "root.toml", 1, "inherit", "stays in the folder"},
		{"gone.toml", "gone.toml", 1, "inherit", `"nothing.toml": no such file`},
		{"folder.toml", "folder.toml", 1, "inherit", "not a regular file"},
		{"link.toml", "link.toml", 1, "inherit", "escapes"},
		{"type.toml", "type.toml", 1, "inherit", "must be a string"},
		{"broken.toml", "syntax.toml", 1, "", "syntax: expected ]"},
		{"chain8.toml", "chain1.toml", 1, "inherit", "more than 8 files"},
		{"partial.toml", "partial.toml", 2, "dram.preset", "is no memory preset"},
		{"edg", "edg", 0, "", "is neither a preset nor a file; presets are edge, mobile"},
		{"hbm2", "hbm2", 0, "", "is a memory preset, no configuration; use it with dram.preset"},
		{"", `""`, 0, "", "is neither a preset nor a file"},
		{"missing.toml", "missing.toml", 0, "", "no such file"},
		{".", ".", 0, "", "cannot be read: is a directory"},
	} {
		f := faultsOf(t, c.name)[0]
		if f.File != c.file || f.Line != c.line || f.Key != c.key || !strings.Contains(f.Rule, c.rule) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	if faults := faultsOf(t, "broken.toml"); len(faults) != 2 || faults[1].Key != "mac_array.rows" {
		t.Errorf("faults of a file whose base is broken: %v", faults)
	}
	required := 0
	for _, f := range faultsOf(t, "partial.toml")[1:] {
		if f.Rule != "is required: set it, or start with inherit" || f.Key == "npu.clock_mhz" || f.Key == "dram.bandwidth_gb_per_s" {
			t.Errorf("wrong fault: %v", f)
		}
		required++
	}
	if required != 18 {
		t.Errorf("%d keys are reported missing, want 18", required)
	}
	load(t, "chain7.toml")
}

func TestWith(t *testing.T) {
	edge := load(t, "edge")
	got, err := edge.With("mac_array.columns=8")
	if err != nil {
		t.Fatal(err)
	}
	want := *edge
	want.MACArray.Columns = 8
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := edge.With("mac_array.columns=0"); err == nil {
		t.Error("With accepts what is out of range")
	}
}

func TestValidate(t *testing.T) {
	spec := *load(t, "edge")
	if err := spec.Validate(); err != nil {
		t.Error(err)
	}
	spec.DMA.RequestBytes, spec.DRAM.Tier = 0, 9
	spec.Quantization.Layers = []LayerRule{{WeightBits: 9}}
	var faults strict.Faults
	if err := spec.Validate(); !errors.As(err, &faults) || len(faults) != 4 {
		t.Errorf("want 4 faults: %v", err)
	}
	if err := new(Spec).Validate(); err == nil {
		t.Error("the empty Spec is valid")
	}
}
