package dram

// latencyBuckets covers every latency: exact up to 63 clocks, above that 32
// buckets per octave.
const latencyBuckets = 64 + 32*57

// Histogram counts latencies with a relative error of at most 1/32.
type Histogram struct{ counts [latencyBuckets]int64 }

func bucketOf(v Clock) int {
	if v < 64 {
		return int(max(v, 0))
	}
	shift := 0
	for v >= 64 {
		v >>= 1
		shift++
	}
	return 64 + 32*(shift-1) + int(v-32)
}

// add counts a latency.
func (h *Histogram) add(v Clock) { h.counts[bucketOf(v)]++ }

// merge adds another histogram.
func (h *Histogram) merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
}

// lowestOf is the smallest latency that a bucket counts.
func lowestOf(bucket int) Clock {
	if bucket < 64 {
		return Clock(bucket)
	}
	bucket -= 64
	return Clock(32+bucket%32) << (bucket/32 + 1)
}

// Bucket is the count of the latencies from From up to, not including, To.
type Bucket struct {
	From, To Clock
	Count    int64
}

// Buckets lists the buckets that are not empty, in order.
func (h *Histogram) Buckets() []Bucket {
	var list []Bucket
	for i, n := range h.counts {
		if n > 0 {
			list = append(list, Bucket{lowestOf(i), lowestOf(i + 1), n})
		}
	}
	return list
}

// Total is the number of latencies counted.
func (h *Histogram) Total() int64 {
	var total int64
	for _, n := range h.counts {
		total += n
	}
	return total
}

// Quantile is the latency below or at which a share of all lies, exact below
// 64 clocks, else the lower end of its bucket; 0 if there are none.
func (h *Histogram) Quantile(share float64) Clock {
	rank := int64(share * float64(h.Total()))
	for i, n := range h.counts {
		if rank -= n; n > 0 && rank < 0 {
			return lowestOf(i)
		}
	}
	return 0
}
