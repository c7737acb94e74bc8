package cnn

import (
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"
)

// textures is a toy source: bright rows, columns, both or none, in noise.
func textures(index int, pixels []byte) int {
	random := rand.New(rand.NewPCG(11, uint64(index)))
	label := random.IntN(4)
	for i := range pixels {
		pixels[i] = byte(random.Uint32N(128))
		if label&1 != 0 && i/Size%4 < 2 || label&2 != 0 && i%4 < 2 {
			pixels[i] += 96
		}
	}
	return label
}

var short = Options{Steps: 8, Shards: 2, ShardSize: 8, Rate: 3e-3, WarmUp: 2, Decay: 0.01, NormPasses: 2, ReportEvery: 4}

func TestTrainingIsReproducible(t *testing.T) {
	train := func(processors int) *Model {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		m := NewModel(4, 5)
		Train(m, textures, short, nil)
		return m
	}
	first := train(1)
	if second := train(4); !reflect.DeepEqual(first, second) {
		t.Error("training on 1 and on 4 processors gives different models")
	}
	if reflect.DeepEqual(first.Stem.Weights, NewModel(4, 5).Stem.Weights) {
		t.Error("training left the stem as it was")
	}
}

func TestTrainingLearns(t *testing.T) {
	o := short
	o.Steps, o.ReportEvery, o.Rate = 24, 6, 1e-2
	var losses []float64
	m := NewModel(4, 5)
	Train(m, textures, o, func(_ int, loss, _ float64) { losses = append(losses, loss) })
	if len(losses) != 4 || !(losses[3] < losses[0]/3) {
		t.Errorf("losses %v: the last should be below a third of the first", losses)
	}
	pixels, labels := make([]byte, 64*Size*Size), make([]int, 64)
	for i := range labels {
		labels[i] = textures(1e6+i, pixels[i*Size*Size:(i+1)*Size*Size])
	}
	if a := m.Accuracy(pixels, labels, nil); a < 0.9 {
		t.Errorf("accuracy on fresh samples is %g in inference mode", a)
	}
}

// With one pass of one shard, the settled statistics are those of that batch,
// so inference and training mode agree on it.
func TestSettledStatistics(t *testing.T) {
	const samples = 16
	m := NewModel(4, 5)
	o := short
	o.Steps, o.Shards, o.ShardSize, o.NormPasses, o.WarmUp = 0, 1, samples, 1, 0
	Train(m, textures, o, nil)
	r := newReplica(m, samples)
	r.step(textures, 0, samples, false)
	want := r.network.forward(Images(r.pixels))
	got := m.Forward(Images(r.pixels), nil)
	for i := range want.Data {
		if math.Abs(float64(got.Data[i]-want.Data[i])) > 1e-4 {
			t.Fatalf("logit %d: %g in inference, %g in training mode", i, got.Data[i], want.Data[i])
		}
	}
}

func TestRate(t *testing.T) {
	o := Options{Steps: 110, Rate: 2, WarmUp: 10}
	for _, c := range []struct {
		step int
		want float64
	}{{0, 0.2}, {9, 2}, {10, 2}, {60, 1}} {
		if got := rate(o, c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("rate at step %d is %g, want %g", c.step, got, c.want)
		}
	}
	if last := rate(o, 109); last <= 0 || last > 0.001 {
		t.Errorf("rate at the last step is %g", last)
	}
}
