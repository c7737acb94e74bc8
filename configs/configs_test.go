package configs

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPresets(t *testing.T) {
	var names []string
	for _, preset := range Presets() {
		names = append(names, preset.Name)
		if preset.Description == "" {
			t.Errorf("preset %s has no description", preset.Name)
		}
		spec := load(t, preset.Name)
		if spec.Name != preset.Name || spec.Description != preset.Description {
			t.Errorf("preset %s loads as %q", preset.Name, spec.Name)
		}
	}
	if diff := cmp.Diff([]string{"edge", "mobile", "mobile-6k", "nvdla-2048", "scalesim-32x32"}, names); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]int{"edge": 256, "mobile": 1024, "mobile-6k": 6144, "nvdla-2048": 2048, "scalesim-32x32": 1024} {
		if array := load(t, name).MACArray; array.Rows*array.Columns != want {
			t.Errorf("%s has %d x %d MACs, not %d", name, array.Rows, array.Columns, want)
		}
	}
	for name, want := range map[string]int{"mobile-6k": 3 * 1024, "nvdla-2048": 512} {
		spec := load(t, name)
		operands := spec.NPU.ActivationBufferKiB + spec.NPU.WeightBufferKiB
		if name == "mobile-6k" {
			operands += spec.NPU.AccumulatorBufferKiB
		}
		if operands != want {
			t.Errorf("%s has %d KiB, published are %d", name, operands, want)
		}
	}
	mobile := load(t, "mobile")
	if sram := mobile.NPU.ActivationBufferKiB + mobile.NPU.WeightBufferKiB + mobile.NPU.AccumulatorBufferKiB; sram != 1568 {
		t.Errorf("mobile has %d KiB of scratchpads, published are 1568", sram)
	}
}

func TestMemoryPresets(t *testing.T) {
	var names []string
	for _, preset := range MemoryPresets() {
		names = append(names, preset.Name)
		if _, err := Load("edge", []string{"dram.preset=" + preset.Name, "dma.request_bytes=128"}); err != nil { // the largest burst
			t.Error(err)
		}
	}
	want := []string{
		"ddr4-2400", "ddr4-3200", "ddr5-4800", "ddr5-6400", "dramsim3-ddr4-2400", "dramsim3-ddr4-3200", "dramsim3-hbm2",
		"dramsim3-lpddr4-2400", "dramsim3-lpddr4-2400-bus32", "hbm2", "hbm2e", "hbm3", "lpddr4x-4266", "lpddr5-6400", "lpddr5x-8533",
		"ramulator2-ddr4-2400", "ramulator2-ddr4-3200", "ramulator2-hbm2", "ramulator2-lpddr5-6400",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// Each embedded hardware value says where it comes from.
func TestPresetValuesHaveSources(t *testing.T) {
	for _, folder := range []string{"presets", "memory"} {
		for _, name := range embeddedNames(folder) {
			for i, line := range strings.Split(string(embedded(folder, name)), "\n") {
				key, _, isValue := strings.Cut(line, " = ")
				if strings.HasPrefix(line, "[quantization]") {
					break // choices, not facts
				}
				if isValue && !strings.HasPrefix(line, "#") && key != "description" && key != "tier" && !strings.Contains(line, "# ") {
					t.Errorf("%s/%s.toml:%d: no source: %s", folder, name, i+1, line)
				}
			}
		}
	}
}

// A preset leaves nothing to defaults, so that reading it tells all.
func TestPresetsGiveEveryKey(t *testing.T) {
	for _, preset := range Presets() {
		source, _ := PresetSource(preset.Name)
		for _, key := range Keys() {
			section, name, _ := strings.Cut(key.Path, ".")
			if key.Scope == LabelScope || key.inRow() || key.Type == tableList || slices.Contains(memoryKeys, key.Path) {
				continue
			}
			_, rest, found := strings.Cut(source, "\n["+section+"]\n")
			body, _, _ := strings.Cut(rest, "\n[")
			if !found || !strings.Contains("\n"+body, "\n"+name+" = ") {
				t.Errorf("preset %s does not give %s", preset.Name, key.Path)
			}
		}
	}
	if _, ok := PresetSource("../memory/hbm2"); ok {
		t.Error("a memory preset counts as a configuration")
	}
}

// A steady weight-stationary fold: each cycle reads one activation a row, and
// reads and writes one partial sum a column; weights count once in 196 pixels.
// Published parts of 16 to 4 nm take 0.15 to 0.28 pJ a MAC without DRAM.
func TestEnergyOfConvolutionIsPlausible(t *testing.T) {
	for _, preset := range Presets() {
		spec := load(t, preset.Name)
		rows, columns := float64(spec.MACArray.Rows), float64(spec.MACArray.Columns)
		scratchpads := rows*spec.Energy.ActivationBufferPJPerByte +
			columns*2*accumulatorBytes*spec.Energy.AccumulatorBufferPJPerByte +
			rows*columns/196*spec.Energy.WeightBufferPJPerByte
		perMAC := spec.Energy.MACPJ + scratchpads/(rows*columns) + spec.Energy.RequantizePJ/256
		if perMAC < 0.1 || perMAC > 0.6 {
			t.Errorf("%s: %.3f pJ a MAC", preset.Name, perMAC)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	write(t, map[string]string{"a folder/a.npy": ""})
	for _, sets := range [][]string{
		nil,
		{`dram.tier=bank`, `dram.preset=ddr4-3200`, `dram.controller=["row_policy=closed", "address_map = \"odd\""]`},
		{"dram.preset=ddr4-3200", "dram.latency_ns=1e-7", "energy.static_mw=0.1", `description="a \"quoted\" \\ \u0007 é"`},
		{"mac_array.per_channel_multiplier=true", "name=other",
			`quantization.layer=[{match="/a/*", weights="per-channel", weight_bits=4}, {match="[b-d]?", activation_bits=2}]`},
		{"compression.scheme=xor-sequential", "compression.sparsity=0.9", "compression.n_in=8", "compression.n_out=80", "compression.seed=9007199254740992",
			`compression.layer=[{match="/a/*", scheme="none", sparsity=0}, {match="[b-d]?", n_in=0, n_out=0, n_s=0}, {match="e", scheme="xor-fractional", sparsity=0.0, planes=3}]`},
		{"compression.mask=a folder", "compression.mask_format=raw", "compression.representation=twos-complement", "xor.units=0"},
	} {
		for _, preset := range Presets() {
			spec := load(t, preset.Name, sets...)
			if err := os.WriteFile("printed.toml", []byte(spec.TOML()), 0o644); err != nil {
				t.Fatal(err)
			}
			again := load(t, "printed.toml")
			if diff := cmp.Diff(spec, again); diff != "" {
				t.Errorf("%s %q: %s\n%s", preset.Name, sets, diff, spec.TOML())
			}
			if again.TOML() != spec.TOML() || again.ConfigHash() != spec.ConfigHash() || again.MachineHash() != spec.MachineHash() {
				t.Errorf("%s %q: text or hashes change by printing", preset.Name, sets)
			}
		}
	}
}

// machineKeys is the contract of the machine hash, apart from the key table.
var machineKeys = []string{
	"npu.cores", "npu.batch", "npu.activation_buffer_kib", "npu.weight_buffer_kib", "npu.accumulator_buffer_kib",
	"npu.channel_block", "mac_array.rows", "mac_array.columns", "mac_array.dataflow", "mac_array.per_channel_multiplier",
	"xor.units", "xor.max_inputs", "xor.max_outputs", "xor.patches_per_cycle", "xor.patch_buffer", "lut_gemm.lanes", "lut_gemm.tables", "lut_gemm.mu", "dma.alignment_bytes",
}

func TestHashesSeeWhatTheyShould(t *testing.T) {
	base := load(t, "edge", `quantization.layer=[{match="a", weights="per-layer", weight_bits=4, activation_bits=4}]`,
		`compression.layer=[{match="a", scheme="none", sparsity=0.0, n_in=0, n_out=0, n_s=0, planes=1}]`)
	hashes := map[[32]byte]bool{base.ConfigHash(): true}
	for _, key := range Keys() {
		if key.index == nil || key.Type == tableList {
			continue
		}
		changed := *base
		target := reflect.ValueOf(&changed).Elem()
		if key.inRow() {
			changed.Quantization.Layers = slices.Clone(base.Quantization.Layers)
			changed.Compression.Layers = slices.Clone(base.Compression.Layers)
			target = changed.rows(key.list)[0]
		}
		field := target.FieldByIndex(key.index)
		if field.Kind() == reflect.Pointer {
			fresh := reflect.New(field.Type().Elem())
			fresh.Elem().Set(field.Elem())
			field.Set(fresh)
			field = fresh.Elem()
		}
		switch field.Kind() {
		case reflect.Int:
			field.SetInt(field.Int() + 1)
		case reflect.Float64:
			field.SetFloat(field.Float() + 1e-9)
		case reflect.Bool:
			field.SetBool(!field.Bool())
		case reflect.Uint8:
			field.SetUint(field.Uint() + 1)
		case reflect.String:
			field.SetString(field.String() + "x")
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{"a=b"}))
		default:
			t.Fatalf("%s: unexpected kind %s", key.Path, field.Kind())
		}
		if got, want := changed.ConfigHash() != base.ConfigHash(), key.Scope != LabelScope; got != want {
			t.Errorf("%s changes the configuration hash: %t, want %t", key.Path, got, want)
		}
		if got, want := changed.MachineHash() != base.MachineHash(), slices.Contains(machineKeys, key.Path); got != want {
			t.Errorf("%s changes the machine hash: %t, want %t", key.Path, got, want)
		}
	}
	for _, layers := range [][]LayerRule{nil, {base.Quantization.Layers[0], {Match: "b"}}} {
		changed := *base
		changed.Quantization.Layers = layers
		if changed.ConfigHash() == base.ConfigHash() {
			t.Errorf("%d layer rules have the hash of one", len(layers))
		}
	}
	for _, rule := range []CompressionRule{{Match: "a"}, {Match: "a", Inputs: new(int)}, {Match: "a", Outputs: new(int)}, {Match: "a", Registers: new(int)}, {Match: "a", Sparsity: new(float64)}} {
		changed := *base
		changed.Compression.Layers = []CompressionRule{rule}
		hash := changed.ConfigHash()
		if hashes[hash] {
			t.Errorf("%+v has the hash of another rule: 0 given and not given must differ", rule)
		}
		hashes[hash] = true
	}
}

func TestForLayer(t *testing.T) {
	q := Quantization{
		Weights: PerLayerShift, WeightBits: 8, ActivationBits: 8, Planes: 3,
		Layers: []LayerRule{
			{Match: "conv*", WeightBits: 4, Weights: PerLayer},
			{Match: "conv1", WeightBits: 6, Planes: 2, RowClusters: 3, RowRatio: 2},
			{Match: "/block/*", ActivationBits: 4},
		},
	}
	for name, want := range map[string]LayerQuantization{
		"dense":         {PerLayerShift, 8, 8, 3, 1, 1},
		"conv2":         {PerLayer, 4, 8, 3, 1, 1},
		"conv1":         {PerLayer, 6, 8, 2, 3, 2},
		"/block/conv":   {PerLayerShift, 8, 4, 3, 1, 1},
		"/block/a/conv": {PerLayerShift, 8, 8, 3, 1, 1},
	} {
		if got := q.ForLayer(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	conv := q.ForLayer("conv1")
	if planes := conv.ClusterPlanes(); !slices.Equal(planes, []int{2, 1, 1}) {
		t.Errorf("clusters of %v planes", planes)
	}
}

// Every field of a Spec is in the key table, in the order of declaration.
func TestEveryFieldHasAKey(t *testing.T) {
	var want []string
	var walk func(prefix string, s reflect.Type)
	walk = func(prefix string, s reflect.Type) {
		for i := range s.NumField() {
			field, path := s.Field(i), prefix+s.Field(i).Tag.Get("toml")
			if field.Type.Kind() == reflect.Struct {
				walk(path+".", field.Type)
				continue
			}
			want = append(want, path)
			if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct {
				walk(path+"[].", field.Type.Elem())
			}
		}
	}
	walk("", reflect.TypeFor[Spec]())
	var got []string
	for _, key := range Keys()[1:] { // the first is inherit, no field
		got = append(got, key.Path)
		if key.Meaning == "" || key.Scope == 0 || key.Type == "" || strings.HasSuffix(key.Type, "er") && key.Max <= key.Min && key.Max != 1 {
			t.Errorf("row without a value: %+v", key)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	reference := KeysMarkdown()
	for _, key := range Keys() {
		if !strings.Contains(reference, "| `"+key.Path+"` |") {
			t.Errorf("%s is not in the reference", key.Path)
		}
	}
}

func TestEnumerationsReadWhatTheyWrite(t *testing.T) {
	for name, value := range map[string]interface {
		fmt.Stringer
		MarshalText() ([]byte, error)
		UnmarshalText([]byte) error
	}{
		"output-stationary": new(Dataflow), "ideal": new(Tier), "per-channel": new(WeightScheme),
		"half-up-shift": new(Rounding), "percentile": new(Calibration), "xor-fractional": new(CompressionScheme),
		"global": new(PruningScope), "run-length": new(MaskFormat), "sign-magnitude": new(Representation),
	} {
		if got := value.String(); got != "invalid(0)" {
			t.Errorf("the zero value is %q, want it invalid", got)
		}
		if err := value.UnmarshalText([]byte(name)); err != nil {
			t.Error(err)
		}
		if text, err := value.MarshalText(); string(text) != name || err != nil {
			t.Errorf("%q reads back as %q, %v", name, text, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range embeddedNames("presets") {
		f.Add(embedded("presets", name), "mac_array.rows=8")
	}
	f.Add([]byte("inherit = 'edge'\n[[quantization.layer]]\nmatch = '['\nweights = 'per-channel'\n"), "dram.preset=hbm2")
	f.Add([]byte("inherit = 'edge'\nnpu = {cores = 9}\ndram.burst_bytes = 0"), `quantization.layer=[{match="a"}]`)
	f.Add([]byte("[xor]\n[lut_gemm]\na = 1"), "a.b = \"\\u0000\"")
	f.Add([]byte("inherit = 'edge'\n[compression]\nscheme = 'xor-sequential'\nn_in = 8\nn_out = 80\nmask = 'm'\nseed = 9007199254740993\n[[compression.layer]]\nmatch = '[a]'\nn_s = 0\nsparsity = 0"), "xor.units=0")
	f.Add([]byte("inherit = 'edge'\ncompression = {scheme = 'xor-fractional', layer = [{match = '*', scheme = 'xor-block', n_out = 1, planes = 0}, 3]}"), "compression.mask=.")
	f.Add([]byte("inherit = 'edge'\n[dram]\nstandard = '''\na=1\n\tb=2'''\nbandwidth_gb_per_s=1\nlatency_ns=1\nburst_bytes=8\n[energy]\ndram_pj_per_bit=1"), "dram.controller=a=b")
	f.Add([]byte("inherit = 'edge'\ndram.standard = \"a=1\\r\\n#\\u007f'''\""), `dram.controller=["a=b", "c", 3]`)
	f.Fuzz(func(t *testing.T, data []byte, set string) {
		if len(data) > 8192 || len(set) > 256 {
			return
		}
		l := newLoader()
		l.parse("f.toml", data, nil)
		spec, err := l.finish([]string{set})
		if err != nil {
			if spec != nil || err.Error() == "" {
				t.Fatalf("fault without a text, or with a Spec: %v", err)
			}
			return
		}
		if err := spec.Validate(); err != nil {
			t.Fatalf("what loads is not valid: %v", err)
		}
		again, err := spec.With()
		if err != nil {
			t.Fatalf("what was printed does not load: %v\n%s", err, spec.TOML())
		}
		if diff := cmp.Diff(spec, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
