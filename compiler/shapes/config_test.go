package shapes_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/configs"
)

// machine is a configuration as SCALE-Sim version 3 has them.
const machine = `[general]
run_name = "my run"

[architecture_presets]
ArrayHeight:    16
ArrayWidth:     8
IfmapSramSzkB:   256
FilterSramSzkB:  128
OfmapSramSzkB:   64
IfmapOffset:    0
FilterOffset:   10000000
OfmapOffset:    20000000
Bandwidth : 10,20
Dataflow : ws
MemoryBanks:   1
ReadRequestBuffer: 32
WriteRequestBuffer: 32

[layout]
IfmapCustomLayout: False
IfmapSRAMBankBandwidth: 10

[sparsity]
SparsitySupport : false
SparseRep : ellpack_block

# comments
; of both kinds
[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
`

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "machine.cfg")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigSettings(t *testing.T) {
	for _, c := range []struct {
		name, old, new string // a change of machine
		check          func(*configs.Spec) bool
	}{
		{"as it stands", "", "", func(s *configs.Spec) bool {
			return s.Name == "my run" && s.MACArray.Rows == 16 && s.MACArray.Columns == 8 && s.MACArray.Dataflow == configs.WeightStationary && !s.MACArray.OverlapWeightLoad &&
				s.NPU.ActivationBufferKiB == 256 && s.NPU.WeightBufferKiB == 128 && s.NPU.AccumulatorBufferKiB == 64 && s.NPU.ChannelBlock == 8 &&
				s.NPU.ActivationBytesPerCycle == 16 && s.NPU.WeightBytesPerCycle == 8 && s.NPU.AccumulatorBytesPerCycle == 32 && s.DRAM.BandwidthGBPerS == 32
		}},
		{"bandwidth of the user", "CALC", "USER", func(s *configs.Spec) bool { return s.DRAM.BandwidthGBPerS == 30 }},
		{"bandwidth without a mode", "InterfaceBandwidth: CALC", "", func(s *configs.Spec) bool { return s.DRAM.BandwidthGBPerS == 30 }},
		{"output-stationary", ": ws", "= OS", func(s *configs.Spec) bool { return s.MACArray.Dataflow == configs.OutputStationary }},
		{"older names", "IfmapSramSzkB", "IfmapSramSz", func(s *configs.Spec) bool { return s.NPU.ActivationBufferKiB == 256 }},
		{"no name", `run_name = "my run"`, "", func(s *configs.Spec) bool { return s.Name == "machine" }},
		{"byte-order mark and CRLF", "\n", "\r\n", func(s *configs.Spec) bool { return s.MACArray.Rows == 16 }},
	} {
		text := machine
		if c.old != "" {
			text = strings.ReplaceAll(machine, c.old, c.new)
		}
		if strings.HasPrefix(c.name, "byte-order") {
			text = "\ufeff" + text
		}
		path := writeConfig(t, text)
		spec, err := shapes.Load(path, []string{"npu.clock_mhz=500"})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !c.check(spec) || spec.NPU.ClockMHz != 500 {
			t.Errorf("%s: %+v", c.name, spec)
		}
		if _, sets, err := shapes.ConfigSettings(path); err != nil || !slices.Contains(sets, "mac_array.rows=16") {
			t.Errorf("%s: %v, settings %v", c.name, err, sets)
		}
	}
	if spec, err := shapes.Load("edge", nil); err != nil || spec.Name != "edge" {
		t.Errorf("a preset: %v", err)
	}
}

// TestConfigFaults: the message has file, line, key and rule.
func TestConfigFaults(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{": ws", ": is", ".cfg:14: Dataflow: the input-stationary dataflow is not supported; supported: ws (weight-stationary), os (output-stationary)"},
		{": ws", ": rs", `.cfg:14: Dataflow: "rs" is no dataflow`},
		{"ArrayHeight:    16", "", ".cfg: arrayheight is missing in section [architecture_presets]"},
		{"ArrayHeight:    16", "ArrayHeight: 0", `.cfg:5: ArrayHeight: must be a whole number from 1 to 1024, not "0"`},
		{"ArrayHeight:    16", "ArrayHeight: many", `.cfg:5: ArrayHeight: must be a whole number from 1 to 1024, not "many"`},
		{"ArrayHeight:    16", "ArrayHeigth: 16", ".cfg:5: ArrayHeigth: unknown key of section [architecture_presets]; did you mean arrayheight?"},
		{"ArrayWidth:     8", "ArrayHeight: 16", ".cfg:6: ArrayHeight: stands twice, first in line 5"},
		{"ArrayWidth:     8", "nothing", `.cfg:6: "nothing" is neither a [section] nor a line "key = value"`},
		{"[sparsity]", "[sparsity", `.cfg:23: "[sparsity" is no [section]`},
		{"CALC", "FAST", `.cfg:30: InterfaceBandwidth: must be CALC or USER, not "FAST"`},
		{"Bandwidth : 10,20", "Bandwidth : fast", ""},
		{"SparsitySupport : false", "SparsitySupport : True", ".cfg:24: SparsitySupport: sparse weights are not modelled; set it to False"},
		{"IfmapCustomLayout: False", "IfmapCustomLayout: True", ".cfg:20: IfmapCustomLayout: custom scratchpad layouts are not modelled"},
		{"my run", "my\x01run", ".cfg:2: run_name: the name must be UTF-8 text without control characters"},
	} {
		_, _, err := shapes.ConfigSettings(writeConfig(t, strings.ReplaceAll(machine, c.old, c.new)))
		if c.want == "" { // not used in CALC mode
			if err != nil {
				t.Errorf("%q: %v", c.new, err)
			}
			continue
		}
		var fault *shapes.Error
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.new, err, c.want)
		}
	}
	for _, bandwidth := range []string{"Bandwidth : 0", "Bandwidth : fast", ""} {
		text := strings.NewReplacer("CALC", "USER", "Bandwidth : 10,20", bandwidth).Replace(machine)
		if _, _, err := shapes.ConfigSettings(writeConfig(t, text)); err == nil || !strings.Contains(strings.ToLower(err.Error()), "bandwidth") {
			t.Errorf("%q: %v", bandwidth, err)
		}
	}
	if _, err := shapes.Load(filepath.Join(t.TempDir(), "absent.cfg"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// FuzzConfig: whatever the bytes, reading ends, and settings that come out are
// taken by configs.Load or refused in words.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{"", machine, "[a", "[general]\nrun_name: \"", "x = 1\n[architecture_presets]\n=\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sets, err := shapes.ParseConfig("machine.cfg", data)
		if err != nil {
			var fault *shapes.Error
			if !errors.As(err, &fault) || fault.Rule == "" {
				t.Fatalf("error without a rule: %v", err)
			}
			return
		}
		if _, err := configs.Load(shapes.Preset, sets); err != nil && !strings.Contains(err.Error(), "buffer_kib") {
			t.Fatalf("%v\n%q", err, sets) // too small a scratchpad is all that is left to configs
		}
	})
}
