package dram

import (
	"testing"

	"pgregory.net/rapid"
)

// TestHistogramBuckets: every latency is counted in the one bucket that holds
// it, buckets are in order and do not overlap, and they are no wider than 1/32
// of where they begin.
func TestHistogramBuckets(t *testing.T) {
	var none Histogram
	if none.Total() != 0 || none.Buckets() != nil || none.Quantile(0.5) != 0 {
		t.Errorf("nothing counted: total %d, %v", none.Total(), none.Buckets())
	}
	rapid.Check(t, func(rt *rapid.T) {
		var h Histogram
		values := make([]Clock, rapid.IntRange(1, 50).Draw(rt, "count"))
		for i := range values {
			values[i] = Clock(rapid.Uint64Range(0, 1<<rapid.IntRange(0, 62).Draw(rt, "bits")).Draw(rt, "latency"))
			h.add(values[i])
		}
		if h.Total() != int64(len(values)) {
			rt.Fatalf("%d latencies counted of %d", h.Total(), len(values))
		}
		end := Clock(0)
		for _, b := range h.Buckets() {
			if b.From < end || b.To <= b.From || b.To-b.From > max(b.From/32, 1) {
				rt.Fatalf("bucket %+v after one that ends at %d", b, end)
			}
			end = b.To
			inside := int64(0)
			for _, v := range values {
				if b.From <= v && v < b.To {
					inside++
				}
			}
			if b.Count != inside || inside == 0 {
				rt.Fatalf("bucket %+v holds %d latencies", b, inside)
			}
		}
	})
}
