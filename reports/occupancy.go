package reports

import (
	"image/color"
	"io"

	"github.com/npusim/npusim/npu/evaluate"
)

// unitCauses are what the cycles of a unit go to, in the order of stacks, with
// their colours: neighbours differ in lightness.
var unitCauses = []struct {
	key    string
	legend string
	color  color.NRGBA
	cycles func(*evaluate.UnitStalls) int64
}{
	{"busy", "works", navy, func(s *evaluate.UnitStalls) int64 { return s.Busy }},
	{"fill", "fills", steel, func(s *evaluate.UnitStalls) int64 { return s.Fill }},
	{"drain", "drains", paleBlue, func(s *evaluate.UnitStalls) int64 { return s.Drain }},
	{"bank", "waits for a scratchpad port", charcoal, func(s *evaluate.UnitStalls) int64 { return s.Bank }},
	{"dram", "waits for DRAM", vermilion, func(s *evaluate.UnitStalls) int64 { return s.DRAM }},
	{"semaphore", "waits for another unit", orange, func(s *evaluate.UnitStalls) int64 { return s.Semaphore }},
	{"finished", "nothing left to do", paleGrey, func(s *evaluate.UnitStalls) int64 { return s.Finished }},
}

// unitNames name the units in plots and pages.
var unitNames = map[string]string{"load": "load DMA", "store": "store DMA", "mac": "MAC array", "vector": "vector unit", "lookup_gemm": "LUT-GEMM", "table_builder": "table builder"}

// unitName is the name of a unit, the key itself if it is not known.
func unitName(unit string) string {
	if name, known := unitNames[unit]; known {
		return name
	}
	return unit
}

func hasStalls(r *evaluate.Result) bool { return len(r.Stalls) > 0 && r.Timing.Cycles > 0 }

func hasOccupancy(r *evaluate.Result) bool {
	return r.Occupancy != nil && r.Occupancy.IntervalCycles > 0 && len(r.Occupancy.ActiveCycles) > 0 && r.Timing.Cycles > 0
}

// WriteOccupancyCSV writes the cycles of each unit by cause, one row for each
// pair; the rows of a unit sum to the cycles of the inference.
func WriteOccupancyCSV(w io.Writer, r *evaluate.Result) error {
	records := [][]string{{"unit", "cause", "cycles", "share_fraction"}}
	for _, unit := range keys(evaluate.Units, r.Stalls) {
		s := r.Stalls[unit]
		for _, cause := range unitCauses {
			share := 0.0
			if r.Timing.Cycles > 0 {
				share = float64(cause.cycles(&s)) / float64(r.Timing.Cycles)
			}
			records = append(records, []string{unit, cause.key, whole(cause.cycles(&s)), exact(share)})
		}
	}
	return writeRecords(w, "occupancy", records)
}

// WriteOccupancyOverTimeCSV writes the cycles that each unit is at work, a row a
// stretch of time and a column a unit.
func WriteOccupancyOverTimeCSV(w io.Writer, r *evaluate.Result) error {
	header := []string{"start_cycle", "end_cycle"}
	records := [][]string{nil}
	if o := r.Occupancy; o != nil {
		units := keys(evaluate.Units, o.ActiveCycles)
		n := 0
		for _, unit := range units {
			header = append(header, unit+"_active_cycles")
			n = max(n, len(o.ActiveCycles[unit]))
		}
		for i := range n {
			start := int64(i) * o.IntervalCycles
			record := []string{whole(start), whole(min(start+o.IntervalCycles, r.Timing.Cycles))}
			for _, unit := range units {
				cell := ""
				if list := o.ActiveCycles[unit]; i < len(list) {
					cell = whole(list[i])
				}
				record = append(record, cell)
			}
			records = append(records, record)
		}
	}
	records[0] = header
	return writeRecords(w, "occupancy over time", records)
}
