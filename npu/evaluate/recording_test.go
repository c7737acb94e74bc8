package evaluate_test

import (
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
)

// TestRecordedScratchpads: the recording reaches as high in each scratchpad as
// the summary says, in the same unit, whatever a scratchpad is addressed by.
func TestRecordedScratchpads(t *testing.T) {
	for _, sets := range [][]string{nil, {"quantization.weights=binary-coding"}} {
		r := run(t, evaluate.Options{Model: glyphModel, Spec: load(t, "edge", sets...), TimingOnly: true, Record: true})
		used := 0
		for i := range r.Recording.Memory {
			pad := &r.Recording.Memory[i]
			if peak := r.Scratchpad.PeakBytes[pad.Name]; pad.Allocated != peak {
				t.Errorf("%v: the recording of the %s has %d bytes, the summary %d", sets, pad.Name, pad.Allocated, peak)
			}
			highest := int64(0)
			for k := range pad.Blocks {
				highest = max(highest, pad.Blocks[k].High)
			}
			if 2*highest < pad.Allocated && highest > 0 {
				t.Errorf("%v: the blocks of the %s end at byte %d of %d", sets, pad.Name, highest, pad.Allocated)
			}
			if highest > 0 {
				used++
			}
		}
		if used < 2 {
			t.Errorf("%v: only %d scratchpads have blocks", sets, used)
		}
	}
}
