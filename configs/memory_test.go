package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/configs/strict"
)

// own is a standard as far as this package looks at it.
const own = "name = \"own\"\n# 'quotes' and \"quotes\"\n[timing]\n\tcl = 3\n"

// figures are what must stand beside a standard.
const figures = "bandwidth_gb_per_s = 3.2\nlatency_ns = 40\nburst_bytes = 32\n[energy]\ndram_pj_per_bit = 5\n"

var figureSets = []string{"dram.bandwidth_gb_per_s=3.2", "dram.latency_ns=40", "dram.burst_bytes=32", "energy.dram_pj_per_bit=5"}

func TestStandardIsTakenOverAsText(t *testing.T) {
	write(t, map[string]string{
		"top.toml":          "inherit = \"below/middle.toml\"\n",
		"below/middle.toml": "inherit = \"edge\"\n[dram]\nstandard = \"parts/own.toml\"\n" + figures, "below/parts/own.toml": own,
		"own mem.toml": own, "other.toml": strings.ReplaceAll(own, "cl = 3", "cl = 4"),
		"inline.toml": "inherit = \"edge\"\n[dram]\nstandard = '''\n" + own + "'''\n" + figures,
		"one.toml":    "name = \"one\"",
	})
	spec := load(t, "top.toml")
	want := *load(t, "edge")
	want.Name, want.Description = "top", ""
	want.DRAM.Preset, want.DRAM.Standard, want.DRAM.Efficiency = "", own, 1
	want.DRAM.BandwidthGBPerS, want.DRAM.LatencyNS, want.DRAM.BurstBytes, want.Energy.DRAMPJPerBit = 3.2, 40, 32, 5
	if diff := cmp.Diff(&want, spec); diff != "" {
		t.Error(diff)
	}
	same := map[string]*Spec{
		"setting": load(t, "edge", append(figureSets, "name=top", "dram.standard=own mem.toml")...),
		"quotes":  load(t, "edge", append(figureSets, "name=top", `dram.standard="own mem.toml"`)...),
		"inline":  load(t, "inline.toml", "name=top"),
	}
	carried, err := Parse("program", spec.TOML())
	if err != nil {
		t.Fatal(err)
	}
	same["carried"] = carried
	if same["with"], err = carried.With("mac_array.rows=16"); err != nil {
		t.Fatal(err)
	}
	for name, s := range same {
		if s.DRAM.Standard != own || s.ConfigHash() != spec.ConfigHash() || s.MachineHash() != spec.MachineHash() {
			t.Errorf("%s: standard %q, or another hash", name, s.DRAM.Standard)
		}
	}
	if !strings.Contains(spec.TOML(), "\nstandard = '''\n"+own+"''' # ") {
		t.Errorf("the text is not printed to be read:\n%s", spec.TOML())
	}
	if err := spec.Validate(); err != nil {
		t.Error(err)
	}
	if other := load(t, "edge", append(figureSets, "name=top", "dram.standard=other.toml")...); other.ConfigHash() == spec.ConfigHash() || other.MachineHash() != spec.MachineHash() {
		t.Error("the content of a standard must change the configuration hash, and only that")
	}
	if one := load(t, "edge", append(figureSets, "dram.standard=one.toml")...); one.DRAM.Standard != "name = \"one\"\n" {
		t.Errorf("a standard without a line end: %q", one.DRAM.Standard)
	}
	again := load(t, "top.toml", "dram.preset=hbm2")
	if again.DRAM.Standard != "" || again.DRAM.Preset != "hbm2" || again.DRAM.BandwidthGBPerS != 16 {
		t.Errorf("a later preset does not replace a standard: %+v", again.DRAM)
	}
}

// Texts that cannot stand between three quotes are escaped.
func TestStandardsPrintToReadBack(t *testing.T) {
	for _, text := range []string{"a=1\nb=2\n", "\n", "a='''x'''\n", "# \r\na = 1\r\n", "a=1\n# '", "a=\"\"\"\n\\u0007\"\"\"\n", "a='\u00a0\u2028'\n", "\ufeffa=1\n"} {
		spec := *load(t, "edge")
		spec.DRAM.Standard = text
		again, err := Parse("printed", spec.withoutPreset().TOML())
		if err != nil || again.DRAM.Standard != text {
			t.Errorf("%q reads back as %v, %v", text, again, err)
		}
	}
}

// withoutPreset is a copy without a memory preset.
func (s *Spec) withoutPreset() *Spec {
	other := *s
	other.DRAM.Preset = ""
	return &other
}

func TestFaultyStandards(t *testing.T) {
	file := func(standard, more string) string {
		return "inherit = \"edge\"\n[dram]\nstandard = " + standard + "\n" + more
	}
	write(t, map[string]string{
		"out.toml": file(`"../own.toml"`, figures), "root.toml": file(`"/etc/hosts"`, figures), "gone.toml": file(`"nothing.toml"`, figures),
		"folder.toml": file(`"sub"`, figures), "link.toml": file(`"away.toml"`, figures), "type.toml": file("3", ""),
		"syntax.toml": file(`"bad.toml"`, figures), "bad.toml": "a = 1\nb = \n", "long.toml": file(`"large.toml"`, figures),
		"large.toml": strings.Repeat("#\n", maxStandard/2) + "\n", "binary.toml": file(`"data"`, figures), "data": "a\x00\xff\n",
		"text.toml": file(`"a = 1\nb"`, figures), "missing.toml": file(`"own.toml"`, "latency_ns = 3\n"), "own.toml": own,
		"both.toml": file(`"own.toml"`, "preset = \"hbm2\"\n"+figures), "sub/x": "",
	})
	outside := filepath.Join(t.TempDir(), "outside.toml")
	if err := os.WriteFile(outside, []byte(own), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, "away.toml"); err != nil {
		t.Skipf("symbolic links cannot be made here (some systems ask for a privilege): %v", err)
	}
	for _, c := range []struct {
		name, set  string
		line       int
		key, rules string // part of each rule, by "|"
	}{
		{"out.toml", "", 3, "dram.standard", "stays in the folder"},
		{"root.toml", "", 3, "dram.standard", "stays in the folder"},
		{"gone.toml", "", 3, "dram.standard", `"nothing.toml": no such file`},
		{"folder.toml", "", 3, "dram.standard", "not a regular file"},
		{"link.toml", "", 3, "dram.standard", "escapes"},
		{"type.toml", "", 3, "dram.standard", "must be a string"},
		{"syntax.toml", "", 3, "dram.standard", "bad.toml:2: syntax"},
		{"binary.toml", "", 3, "dram.standard", "not a UTF-8 text"},
		{"long.toml", "", 3, "dram.standard", "longer than 128 KiB"},
		{"text.toml", "", 3, "dram.standard", "the text is no memory standard: line:2: syntax"},
		{"missing.toml", "", 0, "dram.bandwidth_gb_per_s", "is required beside dram.standard|is required beside dram.standard|is required beside dram.standard"},
		{"both.toml", "", 3, "dram.standard", "exclude each other"},
		{"edge", "dram.standard=nothing.toml", 0, "dram.standard", "no such file|required beside|required beside|required beside|required beside"},
		{"edge", "dram.standard=sub", 0, "dram.standard", "not a regular file|required|required|required|required"},
	} {
		var sets []string
		if c.set != "" {
			sets = []string{c.set}
		}
		faults := faultsOf(t, c.name, sets...)
		rules := strings.Split(c.rules, "|")
		if len(faults) != len(rules) {
			t.Errorf("%s %s: %v", c.name, c.set, faults)
			continue
		}
		found := false
		for _, f := range faults {
			found = found || f.Key == c.key && f.Line == c.line && strings.Contains(f.Rule, rules[0])
		}
		if !found {
			t.Errorf("%s %s: %v", c.name, c.set, faults)
		}
	}
	if faults := faultsOf(t, "edge", append(figureSets, "dram.standard=own.toml", "dram.preset=hbm2")...); len(faults) == 0 || faults[len(faults)-1].Rule != memoryRules[0].check(&Spec{DRAM: DRAM{Preset: "a", Standard: "b"}}) {
		t.Errorf("both in settings: %v", faults)
	}
	spec := *load(t, "edge")
	spec.DRAM.Preset, spec.DRAM.Standard = "", "own.toml"
	if err := spec.Validate(); err == nil || !strings.Contains(err.Error(), "several lines") {
		t.Errorf("the name of a file is a valid text: %v", err)
	}
	spec.DRAM.Standard = "own.toml"
	if _, err := Parse("program", spec.TOML()); err == nil || !strings.Contains(err.Error(), "stands alone") {
		t.Errorf("a program's configuration reads files: %v", err)
	}
}

func TestController(t *testing.T) {
	for _, c := range []struct {
		set  string
		want []string
	}{
		{"dram.controller=row_policy=closed", []string{"row_policy=closed"}},
		{`dram.controller="row_policy=closed"`, []string{"row_policy=closed"}},
		{`dram.controller='address_map=robabgracoch'`, []string{"address_map=robabgracoch"}},
		{`dram.controller=["a=1", 'b = x=y']`, []string{"a=1", "b = x=y"}},
		{"dram.controller=[]", nil},
	} {
		spec := load(t, "edge", "dram.controller=z=1", c.set)
		if diff := cmp.Diff(c.want, spec.DRAM.Controller); diff != "" {
			t.Errorf("%s: %s", c.set, diff)
		}
		again, err := spec.With()
		if err != nil || !cmp.Equal(spec, again) {
			t.Errorf("%s: does not read back: %v", c.set, err)
		}
	}
	write(t, map[string]string{
		"base.toml": "inherit = \"edge\"\ndram.controller = [\"row_policy=closed\", \"refresh=none\"]\n",
		"top.toml":  "inherit = \"base.toml\"\n[dram]\ncontroller = [\n \"a=b\",\n \"c\",\n 3,\n \"=d\", \"e= \", \"f\\n=g\"]\n",
	})
	if got := load(t, "base.toml"); len(got.DRAM.Controller) != 2 || got.ConfigHash() == load(t, "edge").ConfigHash() || got.MachineHash() != load(t, "edge").MachineHash() {
		t.Errorf("settings of a file: %q", got.DRAM.Controller)
	}
	want := strict.Faults{
		{File: "top.toml", Line: 5, Key: "dram.controller[1]", Rule: `"c" must have the form key=value; npusim dram --keys lists the keys`},
		{File: "top.toml", Line: 6, Key: "dram.controller[2]", Rule: "must be a string, not the integer 3"},
		{File: "top.toml", Line: 7, Key: "dram.controller[3]", Rule: `"=d" must have the form key=value; npusim dram --keys lists the keys`},
		{File: "top.toml", Line: 7, Key: "dram.controller[4]", Rule: `"e= " must have the form key=value; npusim dram --keys lists the keys`},
		{File: "top.toml", Line: 7, Key: "dram.controller[5]", Rule: "must be one line of at most 200 bytes"},
	}
	if diff := cmp.Diff(want, faultsOf(t, "top.toml")); diff != "" {
		t.Error(diff)
	}
	long := make([]string, maxControllerSettings+1)
	for i := range long {
		long[i] = fmt.Sprintf("%q", "a=b")
	}
	for set, part := range map[string]string{
		"dram.controller=[" + strings.Join(long, ",") + "]":       "at most 64 settings, not 65",
		"dram.controller=a=" + strings.Repeat("x", 200):           "at most 200 bytes",
		"dram.controller={a=1}":                                   "must have the form",
		"dram.controller=":                                        "has no value",
		"dram.controller=[row_policy=closed]":                     "syntax",
		`dram.controller=["a=1", "b=` + "\\u0007" + `"]`:          "must be one line",
		`dram.controller=[["a=1"]]`:                               "must be a string, not a list",
		"dram.controller=" + strings.Repeat("é", 100) + "=closed": "at most 200 bytes",
	} {
		faults := faultsOf(t, "edge", set)
		if len(faults) != 1 || !strings.Contains(faults[0].Rule, part) {
			t.Errorf("--set %.60s: %v, want %q", set, faults, part)
		}
	}
}

// Tier bank needs a memory and figures that do not contradict it.
func TestBankTier(t *testing.T) {
	write(t, map[string]string{
		"bare.toml": "inherit = \"scalesim-32x32\"\ndram.tier = \"bank\"\n",
		"base.toml": "inherit = \"edge\"\n[dram]\ncontroller = [\"refresh=none\"]\n",
	})
	for _, c := range []struct {
		name, set, key, part string
	}{
		{"bare.toml", "npu.cores=1", "dram.tier", `name dram.preset or dram.standard, or set dram.tier = "linear"`},
		{"edge", `dram.preset=""`, "dram.preset", `name dram.preset or dram.standard, or set dram.tier = "linear"`},
		{"edge", "dram.channels=3", "dram.channels", "must be a power of two"},
		{"edge", "dram.bandwidth_gb_per_s=100", "dram.bandwidth_gb_per_s", `100 GB/s contradicts dram.preset = "lpddr4x-4266", a channel of which has 8.53`},
		{"edge", "dram.bandwidth_gb_per_s=8.4", "dram.bandwidth_gb_per_s", "contradicts"},
		{"edge", "dram.burst_bytes=64", "dram.burst_bytes", "whose bursts have 32"},
		{"base.toml", "dram.tier=linear", "dram.tier", "dram.controller acts on tier bank only"},
		{"scalesim-32x32", "dram.controller=a=b", "dram.controller", "dram.controller acts on tier bank only"},
	} {
		faults := faultsOf(t, c.name, c.set)
		if len(faults) != 1 || faults[0].Key != c.key || !strings.Contains(faults[0].Rule, c.part) {
			t.Errorf("%s --set %s: %v", c.name, c.set, faults)
		}
	}
	for _, sets := range [][]string{
		{"dram.tier=linear", "dram.channels=3", "dram.bandwidth_gb_per_s=100", "dram.burst_bytes=64"},
		{"dram.bandwidth_gb_per_s=8.533"}, {"dram.tier=ideal", `dram.preset=""`}, {"dram.channels=1024"},
	} {
		load(t, "edge", sets...)
	}
	for _, preset := range Presets() {
		if tier := load(t, preset.Name).DRAM.Tier; tier != BankTier && preset.Name != "scalesim-32x32" {
			t.Errorf("%s has tier %s", preset.Name, tier)
		}
	}
	if tier := defaults().DRAM.Tier; tier != BankTier {
		t.Errorf("the default tier is %s", tier)
	}
	var faults strict.Faults
	spec := *load(t, "edge")
	spec.DRAM.Channels, spec.DRAM.Controller = 6, []string{"no setting"}
	if err := spec.Validate(); !errors.As(err, &faults) || len(faults) != 2 {
		t.Errorf("want 2 faults: %v", err)
	}
}
