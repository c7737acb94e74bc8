package dram

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs/strict"
)

// TestStandards: the built-in standards against figures that do not come from
// their files: the size of an access and of a row, the peak bandwidth, and the
// unloaded latency of a read from an open, a closed and a conflicting bank.
func TestStandards(t *testing.T) {
	for _, c := range []struct {
		name                  string
		access, row           int64
		gigabytes             float64
		hit, closed, conflict float64 // ns
	}{
		{"ddr4-2400", 64, 8192, 19.2, 17.5, 31.7, 45.8},
		{"ddr4-3200", 64, 8192, 25.6, 16, 30, 44},
		{"ddr5-4800", 64, 4096, 19.2, 18, 33, 48},
		{"ddr5-6400", 64, 4096, 25.6, 17, 31, 46},
		{"lpddr4-3200", 32, 2048, 6.4, 22.5, 40.6, 58.8},
		{"lpddr4x-4266", 32, 2048, 8.53, 21, 39, 57},
		{"lpddr5-6400", 32, 2048, 12.8, 24, 43, 61},
		{"lpddr5x-8533", 32, 2048, 17.07, 23.4, 42.2, 61},
		{"hbm2", 32, 1024, 16, 16, 30, 44},
		{"hbm2e", 32, 1024, 25.6, 15.6, 30, 44.4},
		{"hbm3", 32, 1024, 25.6, 14, 33, 49},
		{"dramsim3-hbm2", 64, 2048, 32, 16, 30, 44},
	} {
		s := loadStandard(t, c.name)
		o := &s.Organization
		if o.BytesPerAccess() != c.access || o.RowBytes() != c.row {
			t.Errorf("%s: accesses of %d bytes, rows of %d, want %d and %d", c.name, o.BytesPerAccess(), o.RowBytes(), c.access, c.row)
		}
		if peak := float64(s.PeakBytesPerSecond()) / 1e9; math.Abs(peak-c.gigabytes) > 0.002*c.gigabytes {
			t.Errorf("%s: peak %.3f GB/s, want %.2f", c.name, peak, c.gigabytes)
		}
		for kind, want := range []float64{c.hit, c.closed, c.conflict} {
			ns := float64(unloaded(s, kind)) * float64(s.ClockPicoseconds) / 1000
			if math.Abs(ns-want) > 0.7 {
				t.Errorf("%s: latency %d is %.1f ns, want %.1f", c.name, kind, ns, want)
			}
		}
	}
}

// unloaded is the time in clocks from the first command to the last data of a
// read, from a bank with the row open (kind 0), closed (1), or open at another
// row (2), long after anything else.
func unloaded(s *Standard, kind int) Clock {
	c := s.NewChannel()
	a, other := Address{Row: 1}, Address{Row: 2}
	const start = 1_000_000
	switch kind {
	case 0:
		c.Issue(Activate, &a, 0)
	case 2:
		c.Issue(Activate, &other, 0)
	}
	at := Clock(start)
	for !c.Legal(Read, &a) {
		cmd := Activate
		if c.OpenRow(0, 0, 0) >= 0 {
			cmd = Precharge
		}
		at = max(at, c.Earliest(cmd, &a))
		c.Issue(cmd, &a, at)
	}
	at = max(at, c.Earliest(Read, &a))
	c.Issue(Read, &a, at)
	return at + s.ReadLatency() - start
}

// TestUnloadedLatency: exactly CL + burst, + tRCD, + tRP. The rows after
// Ramulator's HBM2 count activates from their second clock, so tRCD takes one
// more and tRP one less.
func TestUnloadedLatency(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		late := Clock(0)
		if s.Name == "ramulator2-hbm2" {
			late = 1
		}
		hit := s.Timing.CL + s.Timing.Burst
		for kind, want := range []Clock{hit, hit + s.Timing.RCD + late, hit + s.Timing.RCD + s.Timing.RP} {
			if got := unloaded(s, kind); got != want {
				t.Errorf("latency %d is %d clocks, want %d", kind, got, want)
			}
		}
	})
}

func TestDescriptions(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		if len(s.Source) < 20 || len(s.Energy.Source) < 20 {
			t.Errorf("the sources are %q and %q", s.Source, s.Energy.Source)
		}
		seen := map[string]bool{}
		for _, c := range s.Constraints {
			if seen[c.Name] {
				t.Errorf("two rows are called %s", c.Name)
			}
			seen[c.Name] = true
		}
		if s.Energy.Estimated == !strings.Contains(s.Energy.Source, "estimate") {
			t.Errorf("estimated %t, but the source says %q", s.Energy.Estimated, s.Energy.Source)
		}
	})
}

// TestReferenceParameters: the standards that mimic a reference simulator hold
// the values that were measured with, clock by clock.
func TestReferenceParameters(t *testing.T) {
	data := os.Getenv("NPUSIM_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(data, "dram_validation", "params.csv"))
	if err != nil {
		t.Skipf("no parameters of the reference simulators: %v; set NPUSIM_DATA to the folder of the data of others, which testdata/DATA.md describes", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{
		"DDR4_8Gb_x8_2400": "dramsim3-ddr4-2400", "DDR4_8Gb_x8_3200": "dramsim3-ddr4-3200", "DDR4_8Gb_x8_3200_bgint": "dramsim3-ddr4-3200",
		"HBM2_8Gb_x128": "dramsim3-hbm2", "LPDDR4_8Gb_x16_2400": "dramsim3-lpddr4-2400", "LPDDR4_8Gb_x16_2400_bus32": "dramsim3-lpddr4-2400-bus32",
		"R2_DDR4_2400U": "ramulator2-ddr4-2400", "R2_DDR4_3200AA": "ramulator2-ddr4-3200", "R2_HBM2_2000x8": "ramulator2-hbm2", "R2_LPDDR5_6400_x16": "ramulator2-lpddr5-6400",
	}
	checked := 0
	for _, row := range rows[1:] {
		config, section, key, value := row[1], row[2], row[3], row[4]
		name, ok := names[config]
		if !ok {
			t.Errorf("no standard for %s", config)
			continue
		}
		s := loadStandard(t, name)
		got, known := referenceValue(s, section, key)
		if !known {
			continue
		}
		checked++
		if got != value {
			want, err := strconv.ParseFloat(value, 64)
			have, err2 := strconv.ParseFloat(got, 64)
			if err != nil || err2 != nil || want != have {
				t.Errorf("%s: %s.%s of %s is %s, the standard has %s", name, section, key, config, value, got)
			}
		}
	}
	if checked < 250 {
		t.Errorf("only %d values compared", checked)
	}
}

// referenceValue is what a standard says about a key of params.csv.
func referenceValue(s *Standard, section, key string) (string, bool) {
	o, t := &s.Organization, &s.Timing
	hbm := strings.HasSuffix(s.Name, "hbm2")
	number := func(n int64) (string, bool) { return fmt.Sprint(n), true }
	switch section + "." + key {
	case "dram_structure.bankgroups":
		return number(int64(o.BankGroups))
	case "dram_structure.banks_per_group":
		return number(int64(o.BanksPerGroup))
	case "dram_structure.rows":
		return number(int64(o.Rows))
	case "dram_structure.columns":
		if hbm { // of two words
			return number(int64(o.Columns / 2))
		}
		return number(int64(o.Columns))
	case "dram_structure.device_width":
		return number(int64(o.DeviceWidth))
	case "dram_structure.BL":
		return number(int64(o.BurstLength))
	case "system.channel_size":
		return number(o.ChannelBytes() >> 20)
	case "system.channels", "controller.channels":
		return number(int64(o.Channels))
	case "system.bus_width", "controller.channel_width":
		return number(int64(o.BusWidth))
	case "org.count":
		return fmt.Sprintf("1x%dx%dx%dx%dx%d", o.Ranks, o.BankGroups, o.BanksPerGroup, o.Rows, o.Columns), true
	case "timing.tCK":
		return fmt.Sprint(float64(s.ClockPicoseconds) / 1000), true
	case "timing.tCK_ps":
		return number(s.ClockPicoseconds)
	}
	if section != "timing" {
		return "", false
	}
	field, ok := map[string]Clock{
		"CL": t.CL, "CWL": t.CWL, "RCD": t.RCD, "RCDRD": t.RCD, "RCDWR": t.RCDWrite, "RP": t.RP, "RPab": t.RPAll,
		"RAS": t.RAS, "RC": t.RC, "BL": t.Burst, "BL_min": t.Burst, "BL_max": t.BurstL,
		"CCD_S": t.CCDS, "CCDS": t.CCDS, "CCD_L": t.CCDL, "CCDL": t.CCDL, "CCDS_WR": t.CCDSWrite, "CCDL_WR": t.CCDLWrite,
		"RRD_S": t.RRDS, "RRDS": t.RRDS, "RRD_L": t.RRDL, "RRDL": t.RRDL, "FAW": t.FAW,
		"WR": t.WR, "WTR_S": t.WTRS, "WTRS": t.WTRS, "WTR_L": t.WTRL, "WTRL": t.WTRL, "RTP": t.RTP, "RTPL": t.RTP,
		"RTRS": t.RTRS, "CS": t.RTRS, "PPD": t.PPD, "RFC": t.RFC, "REFI": t.REFI, "RFCpb": t.RFCPB, "REFIpb": t.REFIPB,
		"PBR2PBR": t.PBRPBR, "PBR2ACT": t.PBRACT, "RREFD": t.PBRACT,
	}[strings.TrimLeft(key, "tn")]
	return fmt.Sprint(field), ok
}

// TestDerivedRows pins the clocks that DRAMsim3 and Ramulator derive for a change
// of direction or rank, worked out by hand from their formulas.
func TestDerivedRows(t *testing.T) {
	for _, c := range []struct {
		standard, row string
		clocks        Clock
	}{
		{"dramsim3-ddr4-2400", "read to write", 17 + 4 - 12 + 1},
		{"dramsim3-ddr4-2400", "write to read", 12 + 4 + 3},
		{"dramsim3-ddr4-2400", "tWTR_L", 12 + 4 + 9},
		{"dramsim3-ddr4-2400", "rank switch, read to write", (17 + 4) + 4 + 1 - (12 + 4)},
		{"dramsim3-ddr4-2400", "RDA to ACT", 4 + 9 + 17},
		{"dramsim3-ddr4-2400", "rank switch, write to read", 0}, // (12+4) + 4 + 1 - (17+4): no row
		{"dramsim3-hbm2", "read to write", 14 + 2 - 4 + 2},
		{"dramsim3-hbm2", "tRC", 48},
		{"ramulator2-ddr4-2400", "read to write", 17 + 4 + 2 - 12},
		{"ramulator2-ddr4-2400", "rank switch, write to read", 12 + 4 + 2 - 17},
		{"ramulator2-ddr4-3200", "rank switch, write to read", 0}, // 16 + 4 + 2 - 22
		{"ramulator2-lpddr5-6400", "tWTR_L", 9 + 4 + 10},
		{"ramulator2-lpddr5-6400", "tWTR_S", 9 + 2 + 5},
		{"ramulator2-hbm2", "tRP", 14 - 1},
		{"ramulator2-hbm2", "tRCD, write", 12 + 1},
	} {
		s := loadStandard(t, c.standard)
		i := slices.IndexFunc(s.Constraints, func(row Constraint) bool { return row.Name == c.row })
		switch {
		case c.clocks == 0 && i >= 0:
			t.Errorf("%s: %s, want no such row", c.standard, &s.Constraints[i])
		case c.clocks > 0 && (i < 0 || s.Constraints[i].Clocks != c.clocks):
			t.Errorf("%s: row %s: %v, want %d clocks", c.standard, c.row, s.Constraints[max(i, 0)], c.clocks)
		}
	}
}

func TestRowsWithoutCommand(t *testing.T) {
	for _, c := range loadStandard(t, "ddr4-2400").Constraints {
		if slices.Contains(c.After, RefreshPerBank) || slices.Contains(c.Before, RefreshPerBank) {
			t.Errorf("DDR4 has no per-bank refresh, but a row: %s", &c)
		}
	}
}

// custom is a small valid standard; tests change lines of it.
const custom = `source = "test"
clock_ps = 1000
[organization]
banks_per_group = 8
rows = 1024
columns = 64
device_width_bits = 16
bus_width_bits = 16
burst_length = 8
[timing]
cl = 10
cwl = 8
bl = 4
rcd = 10
rp = 10
ras = 20
ccd_s = 4
rrd_s = 4
faw = 16
wr = 10
wtr_s = 4
rtp = 4
rfc = 100
refi = 2000
[energy]
act_nj = 1
rd_pj_per_bit = 1
wr_pj_per_bit = 1
`

func TestCustomStandard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.toml")
	text := custom + "[[constraint]]\nname = \"own\"\nlevel = \"bank\"\nafter = [\"RD\"]\nbefore = [\"RD\", \"WR\"]\nclocks = \"2 + CL-CWL\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := loadStandard(t, path)
	want := Constraint{Name: "own", Level: BankLevel, After: []Command{Read}, Before: []Command{Read, Write}, Clocks: 4, Window: 1}
	if got := s.Constraints[len(s.Constraints)-1]; !reflect.DeepEqual(got, want) {
		t.Errorf("the row is %+v, want %+v", got, want)
	}
	defaults := Timing{CL: 10, CWL: 8, Burst: 4, BurstL: 4, RCD: 10, RCDWrite: 10, RP: 10, RPAll: 10, RAS: 20, RC: 30,
		CCDS: 4, CCDL: 4, CCDSWrite: 4, CCDLWrite: 4, RRDS: 4, RRDL: 4, FAW: 16, WR: 10, WTRS: 4, WTRL: 4, RTP: 4, RTW: 8, RFC: 100, REFI: 2000, PBRACT: 4}
	if s.Timing != defaults {
		t.Errorf("timing %+v, want %+v", s.Timing, defaults)
	}
	if o := s.Organization; o.Channels != 1 || o.Ranks != 1 || o.BankGroups != 1 {
		t.Errorf("organization %+v", o)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"cl = 10\n", "", "timing.cl: is missing"},
		{"cl = 10", "cl = 0", "must be from 1 to"},
		{"cl = 10", "cl = 99999999", "must be from 1 to"},
		{"cl = 10", "cl = 1.5", "must be an integer"},
		{"cl = 10", "cls = 10", "unknown key (did you mean"},
		{"clock_ps", "clock", "unknown key"},
		{"clock_ps = 1000", "clock_ps = 0", "clock_ps: must be from 1"},
		{"rows = 1024", "rows = 1000", "power of two"},
		{"rows = 1024", "rows = 0", "must be from 1"},
		{"rows = 1024", "rows = 99999999999999999999", "mine.toml"},
		{"bus_width_bits = 16", "bus_width_bits = 4", "whole bytes"},
		{"burst_length = 8", "burst_length = 128", "must not exceed the 64 columns"},
		{"ras = 20", "ras = 20\nrc = 15", "timing.rc: must be at least ras = 20"}, // trap of Ramulator 2.0
		{"refi = 2000", "refi = 100", "timing.refi: must be at least"},
		{"refi = 2000", "refi = 2000\nrfc_pb = 50", "both rfc_pb and refi_pb"},
		{"clock_ps", "rules = \"jedek\"\nclock_ps", "rules: \"jedek\" is no rule set"},
		{"clock_ps", "derived = [\"clx\"]\nclock_ps", "derived[0]: \"clx\" is no key of [timing] (did you mean cl?)"},
		{"[energy]", "[energy]\nact_pj = 3", "unknown key"},
		{"act_nj = 1", "act_nj = -1", "energy.act_nj: must be from 0"},
		{"act_nj = 1", "act_nj = nan", "energy.act_nj: must be from 0"},
		{"[energy]\nact_nj = 1\nrd_pj_per_bit = 1\nwr_pj_per_bit = 1\n", "", "neither [currents] nor [energy]"},
		{"[energy]", "[currents]\n[energy]", "either [energy] or [currents]"},
		{"[energy]\nact_nj = 1\nrd_pj_per_bit = 1\nwr_pj_per_bit = 1\n", "[[currents.rail]]\nvolts = 1.1\nidd0 = 122\nidd2n = 92\nidd3n = 142\nidd4r = 530\nidd4w = 479\nidd5 = 277\n", "use [energy] instead"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = [\"RD\"]\nbefore = [\"READ\"]\nclocks = \"4\"\n[energy]", "\"READ\" is no command"},
		{"[energy]", "[[constraint]]\nlevel = \"row\"\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"4\"\n[energy]", "\"row\" is no level"},
		{"[energy]", "[[constraint]]\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"4\"\n[energy]", "constraint[0].level: is missing"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = []\nbefore = [\"RD\"]\nclocks = \"4\"\n[energy]", "must name a command"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = [\"RD\", \"RD\"]\nbefore = [\"RD\"]\nclocks = \"4\"\n[energy]", "names RD twice"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = [\"REFab\"]\nbefore = [\"RD\"]\nclocks = \"4\"\n[energy]", "goes to a whole rank"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nsibling = true\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"4\"\n[energy]", "the level must be rank"},
		{"[energy]", "[[constraint]]\nlevel = \"rank\"\nsibling = true\nwindow = 4\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"4\"\n[energy]", "have no window"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nwindow = 33\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"4\"\n[energy]", "constraint[0].window"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"CL +\"\n[energy]", "is no sum of terms"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"CL BL 2\"\n[energy]", "+ or - must stand before"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"CLL\"\n[energy]", "did you mean CL?"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"" + strings.Repeat("1048575+", 20) + "1\"\n[energy]", "at most 1048576"},
		{"[energy]", "[[constraint]]\nlevel = \"bank\"\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"" + strings.Repeat("1+", 200) + "1\"\n[energy]", "more than 200 characters"},
		{"[organization]", "[organization]\nranks = 64\nbank_groups = 64", "4096 banks at most"},
		{"[energy]", strings.Repeat("[[constraint]]\nlevel = \"bank\"\nwindow = 4\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"4\"\n", 8) + "[energy]", "at most 8 rows with a window"},
	} {
		text := strings.Replace(custom, c.from, c.to, 1)
		if text == custom {
			t.Fatalf("%q is not in the file", c.from)
		}
		s, err := parseStandard("mine", "mine.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "mine.toml") {
			t.Errorf("%q for %q gives %v, %v; want %q", c.to, c.from, s != nil, err, c.want)
		}
	}
	for name, want := range map[string]string{
		"ddr9": "no DRAM standard", "": "no DRAM standard", "rules/jedec": "no DRAM standard",
		filepath.Join(t.TempDir(), "absent.toml"): "no such file", t.TempDir() + ".toml/x.toml": "no such file",
	} {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q) gives %v, want %q", name, err, want)
		}
	}
	large := filepath.Join(t.TempDir(), "large.toml")
	if err := os.WriteFile(large, make([]byte, strict.MaxBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("a file beyond the limit gives %v", err)
	}
}

// TestNames: a built-in standard is called as its file, a file of one's own as
// it says or, if it does not, as the file, wherever that lies.
func TestNames(t *testing.T) {
	for _, name := range Standards() {
		if s := loadStandard(t, name); s.Name != name {
			t.Errorf("%s.toml calls itself %s", name, s.Name)
		}
	}
	text, err := standardFiles.ReadFile("standards/hbm3.toml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("some/dir", 0o700); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{`name = "hbm3"`: "hbm3", `name = "of my own"`: "of my own", "": "a"} {
		own := []byte(strings.Replace(string(text), `name = "hbm3"`, line, 1))
		for _, file := range []string{"a.toml", "some/dir/a.toml"} {
			if err := os.WriteFile(file, own, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range []string{"a.toml", "./a.toml", "some/dir/a.toml", "some/../a.toml", filepath.Join(here, "some/dir/a.toml")} {
			if s, err := Load(path); err != nil || s.Name != want {
				t.Errorf("%s with %q: %v; want the name %s", path, line, err, want)
			}
		}
	}
}

func TestWithChannels(t *testing.T) {
	s := loadStandard(t, "hbm2")
	stack, err := s.WithChannels(16)
	if err != nil || stack.Organization.Channels != 16 || s.Organization.Channels != 1 {
		t.Errorf("16 channels: %v; %+v, %+v", err, stack, s.Organization)
	}
	for _, n := range []int{0, -1, 3, 2048} {
		if _, err := s.WithChannels(n); err == nil {
			t.Errorf("%d channels are accepted", n)
		}
	}
}

// FuzzStandard: no input makes the reader fail otherwise than by an error, and
// what it accepts can be used.
func FuzzStandard(f *testing.F) {
	f.Add([]byte(custom))
	f.Add([]byte(strings.Replace(custom, "[energy]", "[[constraint]]\nlevel = \"rank\"\nsibling = true\nafter = [\"RD\"]\nbefore = [\"RD\"]\nclocks = \"BL + 2\"\n[energy]", 1)))
	f.Add([]byte(strings.Replace(custom, "clock_ps", "rules = \"none\"\nclock_ps", 1)))
	f.Add([]byte("[organization]\nrows = -1\n[timing]\ncl = 9999999999\n"))
	f.Add([]byte("[[constraint]]\nclocks = \"((\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseStandard("fuzz", "fuzz.toml", text)
		if err != nil {
			return
		}
		c := s.NewChannel()
		a := Address{}
		c.Issue(Activate, &a, 0)
		c.Issue(Read, &a, c.Earliest(Read, &a))
		activity := c.Activity(1000)
		if e := s.EnergyOf(&activity).Total(); !(e >= 0) || math.IsInf(e, 0) {
			t.Fatalf("energy %g", e)
		}
		if s.PeakBytesPerSecond() <= 0 || s.Organization.ChannelBytes() <= 0 {
			t.Fatalf("%d bytes at %d bytes/s", s.Organization.ChannelBytes(), s.PeakBytesPerSecond())
		}
	})
}
