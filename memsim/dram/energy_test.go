package dram

import (
	"math"
	"testing"
)

// TestEnergyFigures: the figures that follow from published currents, per
// access and while streaming, as worked out apart from this program.
func TestEnergyFigures(t *testing.T) {
	for _, c := range []struct {
		name                                 string
		activateNJ, readPerBit, writePerBit  float64
		standbyMW, refreshMW, streamingReads float64 // 0: not stated
	}{
		{"ddr4-2400", 3.45, 5.7, 5.0, 413, 89, 9.4},
		{"ddr4-3200", 0, 5.5, 0, 0, 0, 8.7},
		{"lpddr4-3200", 1.2, 8.5, 5.0, 0, 0, 0},
		{"hbm2", 0.41, 1.6, 2.1, 0, 0, 2.0},
		{"dramsim3-hbm2", 0.83, 1.6, 2.1, 0, 0, 0},
	} {
		s := loadStandard(t, c.name)
		bits := float64(8 * s.Organization.BytesPerAccess())
		refresh := s.Energy.RefreshAllBankPJ / (float64(s.Timing.REFI) * float64(s.ClockPicoseconds) / 1000) // pJ/ns = mW
		for _, f := range []struct {
			what      string
			got, want float64
		}{
			{"activate, nJ", s.Energy.ActivatePJ / 1000, c.activateNJ},
			{"read, pJ/bit", s.Energy.ReadPJ / bits, c.readPerBit},
			{"write, pJ/bit", s.Energy.WritePJ / bits, c.writePerBit},
			{"standby, mW", s.Energy.ActiveStandbyMW, c.standbyMW},
			{"refresh, mW", refresh, c.refreshMW},
			{"streaming, pJ/bit", streaming(s), c.streamingReads},
		} {
			if f.want != 0 && math.Abs(f.got-f.want) > 0.02*f.want {
				t.Errorf("%s: %s is %.3f, want %.3f", c.name, f.what, f.got, f.want)
			}
		}
	}
}

// streaming is the energy per bit of reads at 90 % of the peak bandwidth, row
// after row, refreshed as due.
func streaming(s *Standard) float64 {
	const reads = 1_000_000
	clocks := Clock(float64(reads*int64(s.Timing.Burst)) / 0.9)
	a := Activity{Duration: clocks, ActiveClocks: clocks * Clock(s.Organization.Ranks)}
	a.Commands[Read] = reads
	a.Commands[Activate] = reads / int64(s.Organization.BurstsPerRow())
	a.Commands[RefreshAllBank] = int64(clocks/s.Timing.REFI) * int64(s.Organization.Ranks)
	return s.EnergyOf(&a).Total() / float64(8*s.Organization.BytesPerAccess()*reads)
}

// TestEstimates: estimated standards come, all in all, to the range that is
// quoted for their type.
func TestEstimates(t *testing.T) {
	for name, want := range map[string][2]float64{
		"ddr5-4800": {8, 12}, "ddr5-6400": {8, 12}, "lpddr4x-4266": {5, 6}, "lpddr5-6400": {4, 5}, "lpddr5x-8533": {3.5, 4}, "hbm2e": {3.5, 3.9}, "hbm3": {3.5, 3.9},
	} {
		s := loadStandard(t, name)
		if got := streaming(s); !s.Energy.Estimated || got < want[0] || got > want[1] {
			t.Errorf("%s: %.2f pJ/bit, want %v; estimated %t", name, got, want, s.Energy.Estimated)
		}
	}
}

func TestEnergyOfActivity(t *testing.T) {
	s := loadStandard(t, "hbm2")
	s2, c := s.Energy, s.NewChannel()
	a, b := Address{Row: 1}, Address{BankGroup: 1, Row: 1}
	c.Issue(Activate, &a, 100)
	c.Issue(Activate, &b, 110)
	c.Issue(Read, &a, 120)
	c.Issue(WriteAutoPrecharge, &a, 200)
	c.Issue(Precharge, &b, 300) // all closed from here on
	c.Issue(RefreshPerBank, &a, 400)
	c.Issue(RefreshAllBank, &a, 800)
	activity := c.Activity(2000)
	if activity.ActiveClocks != 200 || activity.Duration != 2000 {
		t.Fatalf("activity %+v", activity)
	}
	got := s.EnergyOf(&activity)
	want := Energy{
		Activate: 2 * s2.ActivatePJ, Read: s2.ReadPJ, Write: s2.WritePJ, Refresh: s2.RefreshAllBankPJ + s2.RefreshPerBankPJ,
		Background: 200*s2.ActiveStandbyMW + 1800*s2.PrechargeStandbyMW,
	}
	if got != want {
		t.Errorf("energy %+v, want %+v", got, want)
	}
	if sum := want.Activate + want.Read + want.Write + want.Refresh + want.Background; got.Total() != sum {
		t.Errorf("total %g, want %g", got.Total(), sum)
	}
	// A row that is still open counts until the end.
	c.Issue(Activate, &a, 3000)
	if activity := c.Activity(3500); activity.ActiveClocks != 700 {
		t.Errorf("activity %+v, want 700 active clocks", activity)
	}
}
