package evaluate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
)

// timeOn times layer shapes and networks on one tier of a preset.
func timeOn(t *testing.T, model, preset, tier string, sets ...string) *evaluate.Result {
	t.Helper()
	return run(t, evaluate.Options{Model: model, Spec: load(t, preset, append(sets, "dram.tier="+tier)...), TimingOnly: true})
}

// TestTiersAgree: the tiers move the same bytes for the same program, the
// memory with banks is never faster than the ideal one, and the linear tier is
// within the stated share of it.
func TestTiersAgree(t *testing.T) {
	// These runs are bound by computation; memsim/DEVIATIONS.md has the error
	// of the linear tier where DRAM is the bottleneck, up to 18 %.
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
			if again := timeOn(t, model, preset, "bank"); again.Timing != bank.Timing || *again.DRAM.RowHitRate != *bank.DRAM.RowHitRate {
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
