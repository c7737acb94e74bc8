package evaluate_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
)

// sessions are those of the models that tests time over and over.
var (
	sessionsMutex sync.Mutex
	sessions      = map[string]*evaluate.Session{}
)

// timeOn times layer shapes and networks on one tier of a preset.
func timeOn(t *testing.T, model, preset, tier string, sets ...string) *evaluate.Result {
	t.Helper()
	sessionsMutex.Lock()
	defer sessionsMutex.Unlock()
	session, ok := sessions[model]
	if !ok {
		var err error
		if session, err = evaluate.NewSession(context.Background(), evaluate.Options{Model: model}); err != nil {
			t.Fatal(err)
		}
		sessions[model] = session
	}
	r, _, err := session.Run(t.Context(), load(t, preset, append(sets, "dram.tier="+tier)...), evaluate.Request{TimingOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLinearTierIsCalibrated: the efficiency of each memory preset makes the
// linear tier as fast as the one with banks where DRAM is the bottleneck.
func TestLinearTierIsCalibrated(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine and many cycles: too long with the race detector, which has nothing to find here")
	}
	presets := []string{"ddr4-2400", "lpddr4x-4266", "hbm2", "ramulator2-ddr4-3200"}
	if !testing.Short() {
		presets = nil
		for _, m := range configs.MemoryPresets() {
			presets = append(presets, m.Name)
		}
	}
	for _, preset := range presets {
		fast := []string{"dram.preset=" + preset, "npu.clock_mhz=8000", "dma.outstanding_requests=64", "dma.request_bytes=256", "mac_array.rows=64",
			"mac_array.columns=64", "npu.weight_bytes_per_cycle=128", "npu.activation_bytes_per_cycle=128", "npu.accumulator_bytes_per_cycle=256"}
		model := "../../testdata/shapes/resnet50.csv"
		linear, bank := timeOn(t, model, "edge", "linear", fast...), timeOn(t, model, "edge", "bank", fast...)
		off := float64(linear.Timing.Cycles)/float64(bank.Timing.Cycles) - 1
		t.Logf("%s: %+.1f %%, bus %.0f %%", preset, 100*off, 100*bank.DRAM.AchievedGBPerS/bank.DRAM.PeakGBPerS)
		if math.Abs(off) > 0.06 {
			t.Errorf("%s: tier linear takes %+.1f %% of the cycles of tier bank", preset, 100*off)
		}
	}
}

// TestTiersAgree: the tiers move the same bytes for the same program, the
// memory with banks is never faster than the ideal one, and the linear tier is
// within the stated share of it.
func TestTiersAgree(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine and many cycles: too long with the race detector, which has nothing to find here")
	}
	// memsim/DEVIATIONS.md has the error on other machines.
	const linearError = 0.05
	for _, model := range []string{glyphModel, "../../testdata/shapes/resnet50.csv"} {
		for _, preset := range []string{"edge", "mobile"} {
			ideal, linear, bank := timeOn(t, model, preset, "ideal"), timeOn(t, model, preset, "linear"), timeOn(t, model, preset, "bank")
			if bank.DRAM.ReadBytes != linear.DRAM.ReadBytes || bank.DRAM.WriteBytes != linear.DRAM.WriteBytes {
				t.Errorf("%s on %s: tier bank moves %d + %d bytes, linear %d + %d", model, preset,
					bank.DRAM.ReadBytes, bank.DRAM.WriteBytes, linear.DRAM.ReadBytes, linear.DRAM.WriteBytes)
			}
			if bank.Timing.Cycles < ideal.Timing.Cycles {
				t.Errorf("%s on %s: %d cycles with banks, %d without", model, preset, bank.Timing.Cycles, ideal.Timing.Cycles)
			}
			off := float64(bank.Timing.Cycles)/float64(linear.Timing.Cycles) - 1
			t.Logf("%s on %s: ideal %d, linear %d, bank %d cycles (%+.1f %% of linear), row hits %.1f %%", model, preset,
				ideal.Timing.Cycles, linear.Timing.Cycles, bank.Timing.Cycles, 100*off, 100**bank.DRAM.RowHitRate)
			if off < -0.02 || off > linearError {
				t.Errorf("%s on %s: tier bank takes %+.1f %% of the linear cycles", model, preset, 100*off)
			}
			if bank.DRAM.AchievedGBPerS > bank.DRAM.PeakGBPerS {
				t.Errorf("%s on %s: %g GB/s of %g", model, preset, bank.DRAM.AchievedGBPerS, bank.DRAM.PeakGBPerS)
			}
			checkSums(t, model, bank)
			again := run(t, evaluate.Options{Model: model, Spec: load(t, preset, "dram.tier=bank"), TimingOnly: true})
			if again.Timing != bank.Timing || *again.DRAM.RowHitRate != *bank.DRAM.RowHitRate {
				t.Errorf("%s on %s: two runs differ", model, preset)
			}
		}
	}
}

// TestBankTierNeedsAStandard: timing of banks comes from a standard, and keys
// that contradict it are refused.
func TestBankTierNeedsAStandard(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"dram.bandwidth_gb_per_s=100", "contradicts"},
		{`dram.preset=""`, "dram.preset"},
	} {
		spec, err := configs.Load("edge", []string{"dram.tier=bank", c.set})
		if err == nil {
			_, err = evaluate.Run(context.Background(), evaluate.Options{Model: glyphModel, Spec: spec, TimingOnly: true})
			var usage *evaluate.UsageError
			if !errors.As(err, &usage) {
				t.Errorf("%s: %v is not a usage error", c.set, err)
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.set, err, c.want)
		}
	}
}

// TestMoreBandwidthNeverSlower: on the tiers without banks, more bandwidth and
// more channels never make the whole path slower, compiling included.
func TestMoreBandwidthNeverSlower(t *testing.T) {
	models := []string{glyphModel, "../../testdata/shapes/resnet50.csv"}
	if testing.Short() || raceEnabled {
		models = models[:1]
	}
	for _, model := range models {
		bandwidths := []float64{0.5, 1, 2, 3, 4.5, 6, 8, 11, 15, 20, 40, 80}
		if model != glyphModel { // takes a second each
			bandwidths = []float64{1, 6, 15, 40}
		}
		for _, preset := range []string{"edge", "mobile"} {
			for _, tier := range []string{"ideal", "linear"} {
				previous := int64(math.MaxInt64)
				for _, bandwidth := range bandwidths {
					r := timeOn(t, model, preset, tier, fmt.Sprintf("dram.bandwidth_gb_per_s=%g", bandwidth), "dram.channels=1")
					if r.Timing.Cycles > previous {
						t.Errorf("%s on %s, tier %s: %d cycles at %g GB/s, %d with less", model, preset, tier, r.Timing.Cycles, bandwidth, previous)
					}
					previous = r.Timing.Cycles
				}
				previous = math.MaxInt64
				for channels := 1; channels <= len(bandwidths); channels *= 2 {
					r := timeOn(t, model, preset, tier, fmt.Sprintf("dram.channels=%d", channels))
					if r.Timing.Cycles > previous {
						t.Errorf("%s on %s, tier %s: %d cycles with %d channels, %d with half", model, preset, tier, r.Timing.Cycles, channels, previous)
					}
					previous = r.Timing.Cycles
				}
			}
		}
	}
}

// TestEnergyByCommand: on tier bank the energy of the memory is that of its
// commands, its parts and the layers sum to it, and it does not follow the
// figure a bit of the linear tier.
func TestEnergyByCommand(t *testing.T) {
	for _, preset := range []string{"ddr4-2400", "lpddr4x-4266", "hbm2"} {
		r := timeOn(t, glyphModel, "edge", "bank", "dram.preset="+preset)
		e := r.DRAM.EnergyUJ
		if e == nil {
			t.Fatalf("%s: no energy by command", preset)
		}
		checkSums(t, preset, r)
		sum := e.Activate + e.Read + e.Write + e.Refresh + e.Background
		if math.Abs(sum-r.EnergyUJ.DRAM) > 1e-9*sum {
			t.Errorf("%s: parts sum to %g uJ, the total is %g", preset, sum, r.EnergyUJ.DRAM)
		}
		for i, part := range []float64{e.Activate, e.Read, e.Write, e.Background} {
			if part <= 0 {
				t.Errorf("%s: part %d is %g uJ", preset, i, part)
			}
		}
		if e.Source == "" || e.Estimated != (preset == "lpddr4x-4266") {
			t.Errorf("%s: estimated %t, source %q", preset, e.Estimated, e.Source)
		}
		other := timeOn(t, glyphModel, "edge", "bank", "dram.preset="+preset, "energy.dram_pj_per_bit=1000")
		if other.EnergyUJ != r.EnergyUJ {
			t.Errorf("%s: the energy follows energy.dram_pj_per_bit", preset)
		}
	}
}

// TestMemoryReports: what tier bank knows of the traffic is complete, and the
// other tiers do not pretend to know it.
func TestMemoryReports(t *testing.T) {
	for _, tier := range []string{"ideal", "linear", "bank"} {
		r := timeOn(t, glyphModel, "mobile", tier)
		d := &r.DRAM
		sum := func(list []int64) (n int64) {
			for _, x := range list {
				n += x
			}
			return n
		}
		if sum(d.OverTime.ReadBytes) != d.ReadBytes || sum(d.OverTime.WriteBytes) != d.WriteBytes {
			t.Errorf("tier %s: bytes over time do not sum to the bytes", tier)
		}
		stretches := int64(len(d.OverTime.ReadBytes))
		if span := stretches * d.OverTime.IntervalCycles; span < r.Timing.Cycles || span-d.OverTime.IntervalCycles >= r.Timing.Cycles {
			t.Errorf("tier %s: %d stretches of %d cycles for %d", tier, stretches, d.OverTime.IntervalCycles, r.Timing.Cycles)
		}
		for class, bytes := range d.BytesByClass {
			if got := sum(d.OverTime.BytesByClass[class]); got != bytes || int64(len(d.OverTime.BytesByClass[class])) != stretches {
				t.Errorf("tier %s, %s: %d bytes over time, %d in all", tier, class, got, bytes)
			}
		}
		if tier != "bank" {
			if d.Banks != nil || d.ReadLatency != nil || d.RowHitRate != nil || d.Activates != nil || d.OverTime.Activates != nil {
				t.Errorf("tier %s has figures of banks: %+v", tier, d)
			}
			continue
		}
		if sum(d.OverTime.Activates) != *d.Activates {
			t.Errorf("%d rows opened over time, %d in all", sum(d.OverTime.Activates), *d.Activates)
		}
		var activates, bursts, counted int64
		for _, b := range d.Banks {
			activates, bursts = activates+b.Activates, bursts+b.Bursts
		}
		for _, b := range d.ReadLatency.Histogram {
			counted += b.Bursts
		}
		if activates != *d.Activates || bursts != sum(d.OverTime.Bursts) || counted != d.ReadLatency.Bursts {
			t.Errorf("banks: %d activates of %d, %d bursts of %d; %d latencies of %d reads", activates, *d.Activates, bursts, sum(d.OverTime.Bursts), counted, d.ReadLatency.Bursts)
		}
		l := d.ReadLatency
		if l.AverageNS < l.UnloadedHitNS || l.MedianNS > l.P95NS || l.P95NS > l.P99NS || l.P99NS > l.MaximumNS || l.UnloadedHitNS >= l.UnloadedClosedNS || l.UnloadedClosedNS >= l.UnloadedOtherNS {
			t.Errorf("latencies out of order: %+v", l)
		}
	}
}

// BenchmarkShapes times the layer shapes of ResNet-50 with the banks of the
// memory in the loop; ms/timing leaves planning out.
func BenchmarkShapes(b *testing.B) {
	for _, preset := range []string{"edge", "mobile", "mobile-6k", "nvdla-2048"} {
		b.Run(preset, func(b *testing.B) {
			spec, err := configs.Load(preset, nil)
			if err != nil {
				b.Fatal(err)
			}
			var timing float64
			for b.Loop() {
				r, err := evaluate.Run(context.Background(), evaluate.Options{Model: "../../testdata/shapes/resnet50.csv", Spec: spec})
				if err != nil {
					b.Fatal(err)
				}
				timing += r.Host.TimingSeconds
			}
			b.ReportMetric(1e3*timing/float64(b.N), "ms/timing")
		})
	}
}
