package reports

import (
	"io"
	"slices"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
)

// WriteOverTimeCSV writes the DRAM traffic over time, one row a stretch of NPU
// cycles: when it begins and ends, what moved by direction and class, the
// bandwidth (of requests that complete in it), and in memories with banks the
// rows opened. Cells that do not apply are empty.
func WriteOverTimeCSV(w io.Writer, r *evaluate.Result) error {
	o := r.DRAM.OverTime
	if o == nil {
		o = &evaluate.TrafficOverTime{}
	}
	moved := func(class string) bool {
		return slices.ContainsFunc(o.BytesByClass[class], func(bytes int64) bool { return bytes > 0 })
	}
	classes := withoutCodes(trafficClasses, moved) // known ones always, present or not
	for _, class := range keys(trafficClasses, o.BytesByClass) {
		if !slices.Contains(trafficClasses, class) {
			classes = append(classes, class)
		}
	}
	header := []string{"start_cycle", "end_cycle", "start_us", "read_bytes", "write_bytes"}
	for _, class := range classes {
		header = append(header, "bytes_"+class)
	}
	records := [][]string{append(header, "gb_per_s", "activates", "bursts", "row_hit_fraction")}
	ns := 0.0
	if hasTraffic(r) {
		ns = nsPerCycle(r)
	}
	for i := range o.ReadBytes {
		start := int64(i) * o.IntervalCycles
		end := min(start+o.IntervalCycles, r.Timing.Cycles)
		record := []string{whole(start), whole(end), exact(float64(start) * ns / 1e3), whole(o.ReadBytes[i]), whole(countAt(o.WriteBytes, i))}
		for _, class := range classes {
			record = append(record, whole(countAt(o.BytesByClass[class], i)))
		}
		bandwidth, activates, bursts, hits := "", "", "", ""
		if length := float64(end-start) * ns; length > 0 {
			bandwidth = exact((float64(o.ReadBytes[i]) + float64(countAt(o.WriteBytes, i))) / length)
		}
		if o.Bursts != nil {
			activates, bursts = whole(countAt(o.Activates, i)), whole(countAt(o.Bursts, i))
			hits = hitFraction(countAt(o.Activates, i), countAt(o.Bursts, i))
		}
		records = append(records, append(record, bandwidth, activates, bursts, hits))
	}
	return writeRecords(w, "DRAM over time", records)
}

// WriteBanksCSV writes what every bank did, one row a bank.
func WriteBanksCSV(w io.Writer, r *evaluate.Result) error {
	records := [][]string{{"channel", "rank", "bank_group", "bank", "activates", "bursts", "row_hit_fraction"}}
	for i := range r.DRAM.Banks {
		b := &r.DRAM.Banks[i]
		records = append(records, []string{strconv.Itoa(b.Channel), strconv.Itoa(b.Rank), strconv.Itoa(b.BankGroup), strconv.Itoa(b.Bank),
			whole(b.Activates), whole(b.Bursts), hitFraction(b.Activates, b.Bursts)})
	}
	return writeRecords(w, "DRAM banks", records)
}

// WriteLatencyCSV writes the histogram of read latencies: bursts of from_ns up
// to, not including, to_ns, their share, and the share of all up to to_ns.
func WriteLatencyCSV(w io.Writer, r *evaluate.Result) error {
	records := [][]string{{"from_ns", "to_ns", "bursts", "fraction", "cumulative_fraction"}}
	if l := r.DRAM.ReadLatency; l != nil {
		total, sum := 0.0, 0.0
		for _, b := range l.Histogram {
			total += float64(b.Bursts)
		}
		for _, b := range l.Histogram {
			sum += float64(b.Bursts)
			share, upTo := "", ""
			if total > 0 {
				share, upTo = exact(float64(b.Bursts)/total), exact(sum/total)
			}
			records = append(records, []string{exact(b.FromNS), exact(b.ToNS), whole(b.Bursts), share, upTo})
		}
	}
	return writeRecords(w, "DRAM read latency", records)
}

func whole(n int64) string { return strconv.FormatInt(n, 10) }

// countAt is 0 beyond the end of a list.
func countAt(list []int64, i int) int64 {
	if i >= len(list) {
		return 0
	}
	return list[i]
}

// hitFraction writes the share of bursts that found their row open, nothing
// without bursts.
func hitFraction(activates, bursts int64) string {
	share, ok := rowHits(float64(activates), float64(bursts))
	if !ok {
		return ""
	}
	return exact(share)
}
