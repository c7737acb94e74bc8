package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/npusim/npusim/configs/strict"
)

func TestCompressionFor(t *testing.T) {
	zero, one, share := 0, 1, 0.0
	wide := 96
	c := Compression{
		Scheme: XORSequential, Sparsity: 0.9, Inputs: 8, Outputs: 80, Registers: 2, Planes: 3,
		Layers: []CompressionRule{
			{Match: "conv*", Outputs: &wide, Registers: &one},
			{Match: "conv1", Scheme: XORBlock, Inputs: &zero, Outputs: &zero},
			{Match: "conv[23]", Registers: &zero, Sparsity: &share},
			{Match: "/head/*", Scheme: NoCompression, Sparsity: &share},
			{Match: "taps", Scheme: XORFractional, Sparsity: &share, Planes: 1},
		},
	}
	for name, want := range map[string]LayerCompression{
		"dense":      {XORSequential, 0.9, 8, 80, 2, 0},
		"conv":       {XORSequential, 0.9, 8, 96, 1, 0},
		"conv1":      {XORBlock, 0.9, 0, 0, 0, 0},
		"conv2":      {XORSequential, 0, 8, 96, 0, 0},
		"/head/fc":   {NoCompression, 0, 8, 80, 0, 0},
		"/head/a/fc": {XORSequential, 0.9, 8, 80, 2, 0},
		"taps":       {XORFractional, 0, 8, 80, 0, 1},
	} {
		if diff := cmp.Diff(want, c.For(name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestCompressionDefaults(t *testing.T) {
	write(t, map[string]string{"old.toml": "inherit = \"edge\"\n[compression]\nscheme = \"none\"\n"})
	want := Compression{
		Scheme: NoCompression, Pruning: LayerPruning, MaskFormat: SmallestMask, Representation: SignMagnitude, Rank: 8,
		Registers: SearchedRegisters, Taps: 2, Planes: 2, Networks: 16, Seed: 1,
	}
	if diff := cmp.Diff(want, load(t, "old.toml").Compression); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(XOR{Units: 4, MaxInputs: 64, MaxOutputs: 1024, PatchesPerCycle: 1, PatchBuffer: 16, LatencyCycles: 2}, defaults().XOR); diff != "" {
		t.Error(diff)
	}
	edge, fallback := load(t, "edge").Energy, defaults().Energy
	if fallback.XORGatePJ != edge.XORGatePJ || fallback.RegisterPJ != edge.RegisterPJ || fallback.XORGatePJ <= 0 {
		t.Errorf("the defaults %g and %g pJ are not those of edge, 22 nm", fallback.XORGatePJ, fallback.RegisterPJ)
	}
}

// The schemes of the field's papers load on every preset.
func TestCompressionOnPresets(t *testing.T) {
	for _, preset := range Presets() {
		for _, sets := range [][]string{
			{"compression.scheme=xor-block", "compression.sparsity=0.91", "compression.n_in=64", "compression.n_out=640"},
			{"compression.scheme=xor-sequential", "compression.sparsity=0.9", "compression.n_in=8", "compression.n_out=80", "compression.n_s=2"},
			{"compression.scheme=xor-fractional", "compression.n_in=20", "compression.n_out=20", "compression.planes=2"},
			{"compression.scheme=xor-sequential", "compression.sparsity=0.99", "compression.pruning=global"},
			{"compression.scheme=xor-block", "compression.n_in=20"}, // the rest is searched
			{"compression.scheme=xor-sequential", "compression.n_out=80"},
			{"compression.scheme=xor-block", "compression.sparsity=0.5", "compression.pruning=low-rank", "compression.rank=4", "compression.mask_format=low-rank"},
			{"compression.sparsity=0.5", "compression.n_in=9"}, // codes are not judged where there are none
		} {
			load(t, preset.Name, sets...)
		}
	}
}

func TestCompressionFaults(t *testing.T) {
	write(t, map[string]string{"m/a.npy": "", "plain": ""})
	const block, sequential, fractional = "compression.scheme=xor-block", "compression.scheme=xor-sequential", "compression.scheme=xor-fractional"
	for _, c := range []struct {
		sets      string // separated by ;
		key, rule string // part of the rule
	}{
		{block + ";xor.units=0", "compression.scheme", `compression.scheme = "xor-block" needs decryption units, of which xor.units = 0 gives none`},
		{fractional + ";compression.n_in=20", "compression.n_in", "n_in = 20 is given without n_out: n_in / n_out is the rate"},
		{fractional + ";compression.n_out=20", "compression.n_out", "n_out = 20 is given without n_in: n_in / n_out is the rate"},
		{block + ";compression.n_in=20;compression.n_out=20", "compression.n_in", "n_in = 20 must be below n_out = 20: a code as long as the weights saves nothing"},
		{sequential + ";compression.n_in=8;compression.n_out=7", "compression.n_in", "must be below n_out = 7"},
		{sequential + ";compression.n_in=9;compression.n_out=90", "compression.n_in", `n_in must be at most 8 for "xor-sequential"`},
		{fractional + ";compression.n_in=21;compression.n_out=30", "compression.n_in", `n_in must be at most 20 for "xor-fractional"`},
		{fractional + ";compression.n_in=4;compression.n_out=30;compression.taps=5", "compression.n_in", "taps = 5 is more than the network has inputs, 4"},
		{fractional + ";compression.taps=21", "compression.taps", "taps = 21 is more than the network has inputs, 20"},
		{sequential + ";compression.n_in=8;compression.n_out=80;compression.n_s=1;xor.max_inputs=15", "compression.n_in", "the network has 16 inputs, n_in * (n_s + 1), more than xor.max_inputs = 15"},
		{block + ";compression.n_in=8;compression.n_out=80;xor.max_outputs=79", "compression.n_out", "n_out = 80 is more than xor.max_outputs = 79"},
		{"compression.sparsity=0.5;compression.mask=m", "compression.sparsity", "compression.sparsity and compression.mask exclude each other"},
		{fractional + ";compression.sparsity=0.5", "compression.sparsity", `"xor-fractional" has no mask: compression.sparsity must be 0, not 0.5`},
		{fractional + ";compression.mask=m", "compression.mask", `"xor-fractional" has no mask: compression.mask must be empty`},
		{"compression.mask=n", "compression.mask", `"n": no such folder`},
		{"compression.mask=plain", "compression.mask", `"plain": cannot be read: not a folder`},
		{"compression.mask=3", "compression.mask", `"3": no such folder`},
		{"compression.sparsity=nan", "compression.sparsity", "must be 0 to 0.99, not NaN"},
		{"compression.sparsity=-0.1", "compression.sparsity", "must be 0 to 0.99, not -0.1"},
		{"compression.seed=9007199254740993", "compression.seed", "must be 0 to 9007199254740992, not 9007199254740993"},
		{"compression.seed=-1", "compression.seed", "must be 0 to 9007199254740992, not -1"},
		{"compression.n_s=3", "compression.n_s", "must be -1 to 2 codes, not 3"},
		{"compression.planes=0", "compression.planes", "must be 1 to 8 planes, not 0"},
		{"compression.networks=65", "compression.networks", "must be 1 to 64 networks, not 65"},
		{"compression.mask_format=sparse", "compression.mask_format", `must be one of "smallest", "raw", "run-length", "low-rank"`},
		{"compression.mask_format=low-rank;compression.sparsity=0.5", "compression.mask_format", `"low-rank" needs masks that were pruned to fit`},
		{"compression.pruning=low-rank;compression.rank=0", "compression.rank", "must be 1 to 1024 components, not 0"},
		{"compression.rank=1025", "compression.rank", "must be 1 to 1024 components, not 1025"},
		{"xor.max_inputs=65", "xor.max_inputs", "must be 1 to 64 bits, not 65"},
		{"xor.unit=3", "xor.unit", "unknown key"},
		{"energy.register_pj=-1", "energy.register_pj", "must be 0 to 1000000 pJ, not -1"},
		{`compression.layer=[{scheme="none"}]`, "compression.layer[0].match", "is required"},
		{`compression.layer=[{match="[", n_s=0}]`, "compression.layer[0].match", "is no valid glob"},
		{`compression.layer=[{match="a", n_s=3}]`, "compression.layer[0].n_s", "must be -1 to 2 codes, not 3"},
		{`compression.layer=[{match="a", sparsity=1.0}]`, "compression.layer[0].sparsity", "must be 0 to 0.99, not 1"},
		{`compression.layer=[{match="a", sparsity="much"}]`, "compression.layer[0].sparsity", "must be a number"},
		{`compression.layer=[{match="a", planes=0}]`, "compression.layer[0].planes", "must be 1 to 8 planes, not 0"},
		{`compression.layer=[{match="a", taps=3}]`, "compression.layer[0].taps", "unknown key"},
		{`compression.layer=[{match="a"}, {match="b", scheme="xor-fractional", n_in=9}]`, "compression.layer[1].n_in", "n_in = 9 is given without n_out"},
		{`compression.layer=[{match="a", scheme="xor-block"}];xor.units=0`, "compression.layer[0].scheme", "xor.units = 0 gives none"},
		{`compression.layer=[{match="a", sparsity=0.5}];compression.mask=m`, "compression.layer[0].sparsity", "exclude each other"},
		{block + `;compression.n_in=20;compression.n_out=180;compression.layer=[{match="[ab]", scheme="xor-sequential"}]`, "compression.layer[0].scheme", `n_in must be at most 8 for "xor-sequential"`},
		{block + `;compression.sparsity=0.5;compression.layer=[{match="a", scheme="xor-fractional"}]`, "compression.layer[0].scheme", `"xor-fractional" has no mask`},
		{sequential + `;compression.layer=[{match="fc*", n_in=8, n_out=80}, {match="fc1", n_out=8}]`, "compression.layer[1].n_out", "must be below n_out = 8"},
	} {
		faults := faultsOf(t, "edge", strings.Split(c.sets, ";")...)
		if len(faults) != 1 || faults[0].Key != c.key || !strings.Contains(faults[0].Rule, c.rule) {
			t.Errorf("%s: %v", c.sets, faults)
		}
		if !strings.HasPrefix(faults[0].File, "--set ") {
			t.Errorf("%s: the fault blames %q", c.sets, faults[0].File)
		}
	}
}

// Rules are judged with the earlier rules that their patterns fit, so these
// are right although some are incomplete by themselves.
func TestCompressionRulesBuildOnEachOther(t *testing.T) {
	write(t, map[string]string{"good.toml": `inherit = "edge"
[compression]
scheme = "xor-fractional"
[[compression.layer]]
match = "fc*"
scheme = "xor-sequential"
sparsity = 0.9
n_in = 8
n_out = 80
n_s = 2
[[compression.layer]]
match = "fc1"
n_out = 64
[[compression.layer]]
match = "f?1"
n_in = 0
n_out = 0
n_s = 0
[[compression.layer]]
match = "*1"
scheme = "none"
sparsity = 0
[[compression.layer]]
match = "*2"
n_in = 21
n_out = 30
scheme = "xor-block"
`})
	spec := load(t, "good.toml")
	for _, layer := range []string{"fc0", "fc1", "fc2", "conv", "conv2"} {
		if err := spec.CheckCompression(layer); err != nil {
			t.Errorf("%s: %v", layer, err)
		}
	}
	// Patterns that overlap without matching each other meet in a layer only.
	spec = load(t, "good.toml", `compression.layer=[{match="fc*", n_in=20, n_out=20}, {match="*2", scheme="xor-block"}]`)
	if err := spec.CheckCompression("fc2"); err == nil || !strings.Contains(err.Error(), "saves nothing") {
		t.Errorf("fc2: %v", err)
	}
	if err := spec.CheckCompression("fc3"); err != nil {
		t.Error(err)
	}
}

// A setting made after a file is blamed for what it makes wrong.
func TestCompressionBlamesTheLastSource(t *testing.T) {
	write(t, map[string]string{"a.toml": `inherit = "edge"
compression.scheme = "xor-sequential"
compression.n_in = 8
compression.n_out = 80
compression.n_s = 1
[[compression.layer]]
match = "a"
sparsity = 0.5
`, "m/a.npy": ""})
	for set, want := range map[string]strict.Fault{
		"xor.units=0":        {Key: "xor.units"},
		"xor.max_inputs=8":   {Key: "xor.max_inputs"},
		"compression.n_s=2":  {},
		"compression.n_in=9": {Key: "compression.n_in"},
		"compression.mask=m": {Key: "compression.mask"},
	} {
		_, err := Load("a.toml", []string{set})
		if want.Key == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		faults := faultsOf(t, "a.toml", set)
		if len(faults) != 1 || faults[0].Key != want.Key || faults[0].File != "--set "+set {
			t.Errorf("%s: %v", set, faults)
		}
	}
}

func TestTooManyCompressionRules(t *testing.T) {
	rule := "[[compression.layer]]\nmatch = \"a*b\"\nn_s = 0\n"
	write(t, map[string]string{
		"most.toml": "inherit = \"edge\"\n" + strings.Repeat(rule, maxCompressionRules),
		"more.toml": "inherit = \"edge\"\n" + strings.Repeat(rule, maxCompressionRules+1),
	})
	load(t, "most.toml")
	faults := faultsOf(t, "more.toml")
	if want := fmt.Sprintf("must be at most %d tables, not %d", maxCompressionRules, maxCompressionRules+1); len(faults) != 1 || faults[0].Rule != want || faults[0].Line != 2 {
		t.Errorf("%v, want %q", faults, want)
	}
}

func TestMaskFolder(t *testing.T) {
	outside := t.TempDir()
	write(t, map[string]string{
		"sub/a.toml":       "inherit = \"below/b.toml\"\n",
		"sub/below/b.toml": "inherit = \"edge\"\ncompression.mask = \"masks\"\n",
		"sub/none.toml":    "inherit = \"a.toml\"\ncompression.mask = \"\"\n",
		"sub/up.toml":      "inherit = \"edge\"\ncompression.mask = \"../masks\"\n",
		"sub/root.toml":    "inherit = \"edge\"\ncompression.mask = '" + outside + "'\n",
		"sub/link.toml":    "inherit = \"edge\"\ncompression.mask = \"away\"\n",
		"sub/gone.toml":    "inherit = \"edge\"\n\ncompression.mask = \"gone\"\n",
		"sub/long.toml":    "inherit = \"edge\"\ncompression.mask = \"" + strings.Repeat("m", maxText+1) + "\"\n",
		"masks/x.npy":      "", "sub/below/masks/x.npy": "",
	})
	if err := os.Symlink(outside, "sub/away"); err != nil {
		t.Skipf("symbolic links cannot be made here (some systems ask for a privilege): %v", err)
	}
	spec := load(t, "sub/a.toml")
	if want := filepath.Join("sub", "below", "masks"); spec.Compression.Mask != want {
		t.Errorf("mask %q, want %q", spec.Compression.Mask, want)
	}
	if again, err := spec.With("vector.lanes=3"); err != nil || again.Compression.Mask != spec.Compression.Mask {
		t.Errorf("With: %v, %v", again, err)
	}
	if parsed, err := Parse("carried", strings.ReplaceAll(spec.TOML(), "masks", "elsewhere")); err != nil || !strings.HasSuffix(parsed.Compression.Mask, "elsewhere") {
		t.Errorf("a configuration that a program carries needs no folder: %v", err)
	}
	if mask := load(t, "sub/none.toml").Compression.Mask; mask != "" {
		t.Errorf("an empty mask leaves %q", mask)
	}
	if mask := load(t, "sub/a.toml", "compression.mask="+outside).Compression.Mask; mask != outside {
		t.Errorf("a setting names %q, not %q", mask, outside)
	}
	for name, want := range map[string]string{
		"sub/up.toml": "stays in the folder", "sub/root.toml": "stays in the folder", "sub/link.toml": "escapes",
		"sub/gone.toml": `"gone": no such folder`, "sub/long.toml": "at most 500 bytes",
	} {
		faults := faultsOf(t, name)
		if len(faults) != 1 || faults[0].Key != "compression.mask" || !strings.Contains(faults[0].Rule, want) || faults[0].File != name || faults[0].Line < 2 {
			t.Errorf("%s: %v", name, faults)
		}
	}
}
