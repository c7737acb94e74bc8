package quantize

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/configs"
)

// TestChannelRanges counts channels of known widths: full scale, a little less
// than half an octave below, an eighth, next to nothing, nothing.
func TestChannelRanges(t *testing.T) {
	l := unitLayer(6, []float32{1, -0.5, 0.75, 0, 0.125, 0.1, 1e-9, 0, 0, 0, -1, 0}, nil)
	q := quantizeLayer(t, l, configs.PerLayerShift)
	r := l.channelRanges(q.requantizer.ChannelShift, q.scales[0])
	want := make([]int, MaxRangeSteps)
	want[0], want[6], want[MaxRangeSteps-1] = 3, 1, 1
	if !slices.Equal(r.Before, want) || r.Dead != 1 {
		t.Errorf("before %v, dead %d; want %v and 1", r.Before, r.Dead, want)
	}
	if r := l.channelRanges(nil, 0); r.After != nil {
		t.Errorf("without shifts, after is %v", r.After)
	}
}

// TestEqualizedRanges: after equalization, channels within 15 octaves of the
// widest lie within two octaves of full scale (one of the shift's rounding down,
// one of the threshold), and no channel is lost.
func TestEqualizedRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channels := rapid.IntRange(1, 12).Draw(t, "channels")
		weights := make([]float32, 0, 4*channels)
		for range channels {
			width := math.Exp2(-rapid.Float64Range(0, 14).Draw(t, "octaves"))
			weights = append(weights, float32(width), float32(-width/2), 0, float32(width/3))
		}
		l := unitLayer(channels, weights, nil)
		q, err := l.quantize(configs.PerLayerShift)
		if err != nil {
			t.Fatal(err)
		}
		if q.lowered+q.widened > 0 {
			t.Skip("sums would leave 32 bits")
		}
		r := l.channelRanges(q.requantizer.ChannelShift, q.scales[0])
		if len(r.After) > 4 {
			t.Errorf("after equalization %v half octaves below full scale, want fewer than 4", r.After)
		}
		for _, counts := range [][]int{r.Before, r.After} {
			sum := 0
			for _, n := range counts {
				sum += n
			}
			if sum != channels || r.Dead != 0 {
				t.Errorf("%v and %d dead: %d channels of %d", counts, r.Dead, sum, channels)
			}
		}
	})
}
