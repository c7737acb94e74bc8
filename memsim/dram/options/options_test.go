package options

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/memsim/dram"
)

// TestPresetsAndStandards: every name loads; presets keep their controller and
// channels, standards get the default controller.
func TestPresetsAndStandards(t *testing.T) {
	for _, name := range Names() {
		m, err := Load(name, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, channels := dram.DefaultController(), int(m.Standard.Organization.Channels)
		preset, isPreset := dram.FindPreset(name)
		if isPreset {
			want, channels = preset.Controller, preset.Channels
		} else {
			want.IssueWidth = channels
		}
		if diff := cmp.Diff(want, m.Controller); diff != "" {
			t.Errorf("%s: controller (-want +got):\n%s", name, diff)
		}
		if got := int(m.Standard.Organization.Channels); got != channels {
			t.Errorf("%s: %d channels, want %d", name, got, channels)
		}
	}
}

// TestEveryKey: every key changes the field that it stands for and nothing
// else, and its values at both bounds are accepted and beyond them refused.
func TestEveryKey(t *testing.T) {
	for i := range keys {
		k := &keys[i]
		var candidates []string
		if k.Choices() != nil {
			candidates = k.Choices()
		} else if k.Type() == "text" {
			candidates = []string{"robabgracoch"}
		} else {
			candidates = []string{number(k.Min), number(k.Max)}
			for _, beyond := range []string{number(k.Min - 1), number(k.Max + 1), "x", "", "NaN"} {
				if err := k.set(new(values), beyond); err == nil {
					t.Errorf("%s=%s is accepted", k.Name, beyond)
				}
			}
		}
		for _, text := range candidates {
			v, untouched := referenceOf(k.Only), referenceOf(k.Only)
			if err := k.set(&v, text); err != nil {
				t.Errorf("%s=%s: %v", k.Name, text, err)
				continue
			}
			if got := k.text(&v); got != text {
				t.Errorf("%s=%s reads back as %s", k.Name, text, got)
			}
			if err := k.set(&v, k.text(&untouched)); err == nil && v != untouched {
				t.Errorf("%s=%s changed another field: %+v", k.Name, text, v)
			}
		}
	}
	// Two keys for one field would hide another.
	seen := map[any]string{}
	v := new(values)
	for i := range keys {
		p := keys[i].field(v)
		if other, ok := seen[p]; ok {
			t.Errorf("%s and %s are the same field", keys[i].Name, other)
		}
		seen[p] = keys[i].Name
	}
}

// TestSettings: what several settings make of a controller.
func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		sets []string
		want func(*dram.Controller)
	}{
		{"ddr4-2400", []string{"row_hit_cap=4", "row_hit_cap = 8"}, func(c *dram.Controller) { c.RowHitCap = 8 }},
		{"ddr4-2400", []string{"row_policy=timeout", "row_timeout_clocks=50"}, func(c *dram.Controller) { c.RowPolicy, c.RowTimeout = dram.TimeoutRow, 50 }},
		{"lpddr5-6400", []string{"refresh=per-bank", "channels=4"}, func(c *dram.Controller) { c.Refresh, c.IssueWidth = dram.BanksInTurn, 4 }},
		{"ddr4-2400", []string{"channels=4", "issue_width=2"}, func(c *dram.Controller) { c.IssueWidth = 2 }},
		{"ramulator2-ddr4-2400", []string{"channels=4"}, func(c *dram.Controller) {
			p, _ := dram.FindPreset("ramulator2-ddr4-2400")
			*c = p.Controller
		}},
		// The usual values of the scheduling come with it, those that are set remain.
		{"ddr4-2400", []string{"bank_entries=3", "scheduling=bank-queues"}, func(c *dram.Controller) {
			c.Scheduling, c.BankEntries, c.IdleWrites = dram.BankQueues, 3, 8
		}},
	} {
		m, err := Load(c.name, c.sets)
		if err != nil {
			t.Errorf("%s %q: %v", c.name, c.sets, err)
			continue
		}
		want := dram.DefaultController()
		c.want(&want)
		if diff := cmp.Diff(want, m.Controller); diff != "" {
			t.Errorf("%s %q: controller (-want +got):\n%s", c.name, c.sets, diff)
		}
	}
}

// TestSchedulingBothWays: every memory runs with either scheduling.
func TestSchedulingBothWays(t *testing.T) {
	requests := make([]dram.TraceRequest, 400)
	for i := range requests {
		requests[i] = dram.TraceRequest{Address: uint64(i) * 0x12340, Write: i%3 == 0}
	}
	for _, name := range Names() {
		for _, scheduling := range schedulings[1:] {
			m, err := Load(name, []string{"scheduling=" + scheduling})
			if err != nil {
				t.Errorf("%s, %s: %v", name, scheduling, err)
				continue
			}
			stats, err := dram.Replay(m.Standard, m.Controller, &dram.SliceTrace{Requests: requests}, dram.ReplayOptions{})
			if err != nil || stats.Requests() != int64(len(requests)) {
				t.Errorf("%s, %s: %d requests, %v", name, scheduling, stats.Requests(), err)
			}
		}
	}
}

// TestFaults: what is refused, and in which words.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		sets []string
		want []string
	}{
		{"ddr4-240", nil, []string{"--dram ddr4-240: no such memory", "did you mean ddr4-2400?"}},
		{"sram", nil, []string{"there are ddr4-2400, ddr4-3200, "}},
		{"missing.toml", nil, []string{"missing.toml: "}},
		{"ddr4-2400", []string{"row_hit_cap"}, []string{"--set row_hit_cap: must have the form key=value"}},
		{"ddr4-2400", []string{"=4"}, []string{"must have the form key=value"}},
		{"ddr4-2400", []string{"row_hit_cpa=4"}, []string{"--set row_hit_cpa=4: unknown key (did you mean row_hit_cap?)"}},
		{"ddr4-2400", []string{"timing.cl=4"}, []string{"unknown key; see npusim dram --keys. Timings and organization belong to a standard"}},
		{"ddr4-2400", []string{"refresh=pre-bank"}, []string{"must be one of together, staggered, per-bank, none (did you mean per-bank?)"}},
		{"ddr4-2400", []string{"refresh=per-bank"}, []string{"--set refresh=per-bank: ddr4-2400 has no refresh of single banks"}},
		{"ddr4-2400", []string{"channels=3"}, []string{"must be a power of two"}},
		{"ddr4-2400", []string{"read_entries=0", "write_entries=5000"}, []string{"2 faults", "read_entries=0", "write_entries=5000", "must be a whole number from 1 to 4096"}},
		{"ddr4-2400", []string{"address_map=roco"}, []string{"--set address_map: "}},
		{"ddr4-2400", []string{"bank_entries=4"}, []string{"belongs to scheduling=bank-queues, the memory has first-ready"}},
		{"dramsim3-ddr4-2400", []string{"keep_rows=true"}, []string{"belongs to scheduling=first-ready, the memory has bank-queues"}},
		{"ddr4-2400", []string{"row_policy=timeout"}, []string{"needs row_timeout_clocks=N too"}},
		{"ddr4-2400", []string{"row_timeout_clocks=9"}, []string{"acts with row_policy=timeout only"}},
		{"dramsim3-ddr4-2400", []string{"row_policy=timeout"}, []string{"needs scheduling=first-ready"}},
		{"ddr4-2400", []string{"write_low=0.9"}, []string{"low must not exceed high, but 0.9 > 0.8"}},
		{"ddr4-2400", []string{"hash_banks=yes"}, []string{"must be one of false, true"}},
	} {
		m, err := Load(c.name, c.sets)
		if err == nil {
			t.Errorf("%s %q is accepted: %+v", c.name, c.sets, m.Controller)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s %q: %v\nlacks %q", c.name, c.sets, err, want)
			}
		}
	}
}

// TestFile: a standard of one's own, and a faulty one with its line.
func TestFile(t *testing.T) {
	folder := t.TempDir()
	text, err := os.ReadFile(filepath.Join("..", "standards", "ddr4-2400.toml"))
	if err != nil {
		t.Fatal(err)
	}
	good, bad := filepath.Join(folder, "mine.toml"), filepath.Join(folder, "bad.toml")
	mine := strings.Replace(string(text), `name = "ddr4-2400"`, "", 1)
	for path, text := range map[string]string{good: mine, bad: strings.Replace(mine, "cwl = 12", "cwll = 12", 1)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Load(good, []string{"channels=2"})
	if err != nil || m.Standard.Organization.Channels != 2 || m.Standard.Timing.CL != 17 || m.Controller.IssueWidth != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	var faults strict.Faults
	if _, err := Load(bad, nil); !errors.As(err, &faults) || faults[0].File != bad || faults[0].Line == 0 || faults[0].Nearest != "cwl" {
		t.Errorf("%v", err)
	}
}

// TestFileAnywhere: a file works under its own name and any other, wherever it
// lies and however its path is written.
func TestFileAnywhere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "standards", "ddr4-2400.toml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join("some", "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"a.toml", "some/dir/a.toml"} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a.toml", "./a.toml", "some/dir/a.toml", filepath.Join(here, "a.toml")} {
		m, err := Load(name, nil)
		if err != nil || m.Name != name || m.Standard.Name != "ddr4-2400" {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// TestRefreshThatPilesUp: a refresh that the controller cannot keep up with is
// refused, for traces and for runs.
func TestRefreshThatPilesUp(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "standards", "hbm2.toml"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "slow.toml")
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "rfc_pb = 160", "rfc_pb = 10000", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "refreshes would pile up"
	if _, err := Load(path, []string{"refresh=per-bank"}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Load: %v", err)
	}
	m, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Configure("here", m.Standard, m.Controller, []string{"refresh=per-bank"}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Configure: %v", err)
	}
}

// TestKeysMarkdown: a row a key, of as many cells as the heading.
func TestKeysMarkdown(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(KeysMarkdown(), "\n"), "\n")
	if len(lines) != 2+len(keys) {
		t.Fatalf("%d lines for %d keys", len(lines), len(keys))
	}
	for _, line := range lines {
		if strings.Count(line, "|") != 7 {
			t.Errorf("not six cells: %s", line)
		}
	}
}

// FuzzSetting: no setting crashes, and what is accepted is a valid controller.
func FuzzSetting(f *testing.F) {
	for _, text := range []string{"channels=4", "refresh=none", "write_high=1e400", "=", "address_map=rorabacobgch", "row_hit_cap=-1", "scheduling=bank-queues"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Load("ddr4-2400", []string{text})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%q: message of several lines: %v", text, err)
			}
			return
		}
		if err := m.Controller.Validate(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
