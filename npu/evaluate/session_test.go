package evaluate_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
)

// axes are settings that points of a design space differ in; those of a row go
// together.
var axes = [][][]string{
	{{"mac_array.rows=8"}, {"mac_array.rows=16"}, {"mac_array.columns=32"}},
	{{"npu.weight_buffer_kib=16"}, {"npu.weight_buffer_kib=64"}, {"npu.activation_buffer_kib=24"}},
	{{"mac_array.dataflow=output-stationary"}, {"mac_array.dataflow=weight-stationary"}, {"npu.channel_block=32"}},
	{{"dram.tier=linear"}, {"dram.tier=ideal"}, {"dram.channels=2"}, {"dram.preset=lpddr4x-4266"}},
	{{"quantization.weights=per-layer"}, {"quantization.weight_bits=6"}, {"quantization.calibration=min-max"}, {"quantization.percentile=99"}, {"energy.mac_pj=0.5"},
		{"quantization.weights=binary-coding", "lut_gemm.lanes=64"}, {"quantization.weights=binary-coding", "lut_gemm.lanes=256", "lut_gemm.use=faster"}},
	{{}, {}, {}, {"compression.scheme=xor-block", "compression.sparsity=0.8"}, {"compression.sparsity=0.5"}, {"compression.scheme=xor-fractional", "compression.planes=2"}},
}

// drawPoint draws a configuration of the axes.
func drawPoint(t testing.TB, r *rand.Rand) (*configs.Spec, string) {
	t.Helper()
	var sets []string
	for _, axis := range axes {
		sets = append(sets, axis[r.IntN(len(axis))]...)
	}
	if strings.Contains(strings.Join(sets, " "), "binary-coding") { // has no codes beside it
		sets = append(sets, "compression.scheme=none")
	}
	return load(t, "edge", sets...), strings.Join(sets, " ")
}

// TestSessionGivesTheResultsOfRun: whatever is shared between the points of a
// session, and whoever asks at the same time, each result is that of a run of
// its own.
func TestSessionGivesTheResultsOfRun(t *testing.T) {
	for _, c := range []struct {
		name    string
		points  int
		options evaluate.Options
	}{
		{"data", 8, evaluate.Options{Model: glyphModel, Data: glyphData}},
		{"random", 4, evaluate.Options{Model: glyphModel, Seed: 3}},
		{"shapes", 2, evaluate.Options{Model: "../../testdata/shapes/resnet50.csv", TimingOnly: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			points, options := c.points, c.options
			if raceEnabled || testing.Short() {
				points /= 2
			}
			session, err := evaluate.NewSession(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(5, 5))
			var group sync.WaitGroup
			for range points {
				o := options
				var what string
				o.Spec, what = drawPoint(t, r)
				o.Samples = 2 + 2*r.IntN(2)
				o.TimingOnly = o.TimingOnly || r.IntN(3) == 0
				group.Go(func() {
					want, wantErr := evaluate.Run(t.Context(), o)
					for range 2 {
						got, reuse, err := session.Run(t.Context(), o.Spec, evaluate.Request{Samples: o.Samples, TimingOnly: o.TimingOnly})
						if fmt.Sprint(err) != fmt.Sprint(wantErr) {
							t.Errorf("%s: error %v, of a run of its own %v", what, err, wantErr)
						}
						if err != nil || wantErr != nil {
							return
						}
						got.Host, want.Host = evaluate.Host{}, evaluate.Host{}
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("%s (%s): %s", what, reuse, diff)
						}
					}
				})
			}
			group.Wait()
		})
	}
}

// TestSessionWithCodes: points that share the codes of a network, or its plans,
// count their own tiles only, whoever runs at the same time.
func TestSessionWithCodes(t *testing.T) {
	shapes := filepath.Join(t.TempDir(), "layers.csv")
	if err := os.WriteFile(shapes, []byte("Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"+
		"conv,14,14,3,3,64,64,1,\nfc,1,1,1,1,512,1000,1,\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, o := range []evaluate.Options{{Model: glyphModel, Data: glyphData}, {Model: shapes, TimingOnly: true}} {
		session, err := evaluate.NewSession(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for _, code := range []string{"compression.scheme=xor-block", "compression.scheme=xor-sequential"} {
			for _, other := range []string{"compression.pruning=low-rank", "dram.channels=2", "dram.tier=ideal", "npu.weight_buffer_kib=16"} {
				if (raceEnabled || testing.Short()) && other == "npu.weight_buffer_kib=16" {
					continue
				}
				own := o
				own.Spec, own.Samples = load(t, "edge", code, other, "compression.sparsity=0.8", "compression.networks=2", "compression.n_s=0"), 1
				group.Go(func() {
					want, err := evaluate.Run(t.Context(), own)
					if err != nil {
						t.Error(err)
						return
					}
					for range 2 {
						got, reuse, err := session.Run(t.Context(), own.Spec, evaluate.Request{Samples: 1, TimingOnly: own.TimingOnly})
						if err != nil {
							t.Error(err)
							return
						}
						got.Host, want.Host = evaluate.Host{}, evaluate.Host{}
						if diff := cmp.Diff(want, got); diff != "" || got.Compression.CodeBytes == 0 {
							t.Errorf("%s, %s (%s): %s", code, other, reuse, diff)
						}
					}
				})
			}
		}
		group.Wait()
	}
}

// TestSessionShares: what does not depend on the keys that differ is made once,
// and samples are executed once for an integer network.
func TestSessionShares(t *testing.T) {
	var mutex sync.Mutex
	executed := 0
	session, err := evaluate.NewSession(t.Context(), evaluate.Options{Model: glyphModel, Data: glyphData, Progress: func(stage string, done, _ int) {
		mutex.Lock()
		defer mutex.Unlock()
		if stage == "execute" {
			executed++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	const samples = 3
	made, shared, none := evaluate.Made, evaluate.Shared, evaluate.NotNeeded
	var first string
	for i, c := range []struct {
		sets     []string
		request  evaluate.Request
		want     [evaluate.NumStages]evaluate.Origin
		executed int // samples, for this point
		own      bool
	}{
		{nil, evaluate.Request{}, origins(made, made, none, made, none, made), samples, true},
		{[]string{"dram.channels=2"}, evaluate.Request{}, origins(shared, shared, none, shared, none, shared), 0, false},
		{[]string{"dram.preset=hbm2", "energy.mac_pj=9"}, evaluate.Request{}, origins(shared, shared, none, shared, none, shared), 0, false},
		{[]string{"mac_array.rows=8"}, evaluate.Request{}, origins(shared, shared, none, made, none, shared), 0, false},
		{[]string{"mac_array.rows=8"}, evaluate.Request{OwnProgram: true}, origins(shared, shared, none, shared, none, made), samples, true},
		{[]string{"quantization.percentile=99.9"}, evaluate.Request{}, origins(shared, made, none, made, none, made), samples, true},
		{[]string{"quantization.calibration=min-max"}, evaluate.Request{TimingOnly: true}, origins(made, made, none, made, none, none), 0, false},
		{[]string{"compression.scheme=xor-block", "compression.sparsity=0.9"}, evaluate.Request{}, origins(made, made, made, made, made, made), samples, true},
		{[]string{"compression.scheme=xor-block", "compression.sparsity=0.9", "dram.tier=linear"}, evaluate.Request{}, origins(shared, shared, shared, shared, shared, shared), 0, false},
	} {
		c.request.Samples = samples
		before := executed
		spec := load(t, "edge", c.sets...)
		r, reuse, err := session.Run(t.Context(), spec, c.request)
		if err != nil {
			t.Fatal(err)
		}
		if reuse.Origins != c.want {
			t.Errorf("point %d: %s", i, reuse)
		}
		if executed-before != c.executed {
			t.Errorf("point %d: %d samples executed, want %d", i, executed-before, c.executed)
		}
		if c.request.TimingOnly {
			continue
		}
		if i == 0 {
			first = reuse.ExecutedOn
		}
		if own := reuse.ExecutedOn == r.Config.MachineHash; c.own && !own || i == 3 && reuse.ExecutedOn != first {
			t.Errorf("point %d: executed on %.12s, its machine is %.12s", i, reuse.ExecutedOn, r.Config.MachineHash)
		}
	}
}

func origins(of ...evaluate.Origin) (list [evaluate.NumStages]evaluate.Origin) {
	copy(list[1:], of)
	return list
}

// TestSessionSurvivesFaults: a point that fails or is cancelled leaves the
// others alone.
func TestSessionSurvivesFaults(t *testing.T) {
	session, err := evaluate.NewSession(t.Context(), evaluate.Options{Model: glyphModel})
	if err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	request := evaluate.Request{Samples: 1}
	if _, _, err := session.Run(cancelled, load(t, "edge"), request); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	var usage *evaluate.UsageError
	if _, _, err := session.Run(t.Context(), load(t, "edge", "npu.activation_buffer_kib=1", "dma.alignment_bytes=4096", "dma.request_bytes=4096"), request); !errors.As(err, &usage) {
		t.Errorf("scratchpads too small: error %v", err)
	}
	if _, _, err := session.Run(t.Context(), nil, request); !errors.As(err, &usage) {
		t.Errorf("no configuration: error %v", err)
	}
	if _, _, err := session.Run(t.Context(), load(t, "edge"), request); err != nil {
		t.Error(err)
	}
}
