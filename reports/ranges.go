package reports

import (
	"io"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
)

// rangeSteps is the number of half octaves that plots show; the last has all
// channels beyond.
const rangeSteps = 33

// rangedLayers are the indexes of the layers whose channels have ranges.
func rangedLayers(r *evaluate.Result) []int {
	var list []int
	for i := range r.Layers {
		if w := r.Layers[i].WeightRanges; w != nil && len(w.Before) > 0 {
			list = append(list, i)
		}
	}
	return list
}

func hasRanges(r *evaluate.Result) bool { return len(rangedLayers(r)) > 0 }

// rangeShares are the shares of channels by half octave, in percent of those
// that are not dead.
func rangeShares(counts []int) [rangeSteps]float64 {
	var shares [rangeSteps]float64
	sum := 0.0
	for _, n := range counts {
		sum += float64(n)
	}
	for i, n := range counts {
		if n > 0 {
			shares[min(i, rangeSteps-1)] += 100 * float64(n) / sum
		}
	}
	return shares
}

// meanOctaves is how far below full scale channels are on average, without
// those that have nothing left in any case.
func meanOctaves(counts []int) float64 {
	shares := rangeShares(counts)
	sum, mean := 0.0, 0.0
	for i, share := range shares[:rangeSteps-1] {
		sum += share
		mean += share * (float64(i) + 0.5) / 2
	}
	if sum == 0 {
		return 0
	}
	return mean / sum
}

// WriteRangesCSV writes how many output channels of a layer have which range,
// before and after the shifts of equalization: a row a layer and half octave in
// which any lies. Ranges are in octaves below full scale, from and up to. Cells
// of layers without shifts are empty.
func WriteRangesCSV(w io.Writer, r *evaluate.Result) error {
	records := [][]string{{"index", "name", "octaves_below_from", "octaves_below_to", "channels_before_shift", "channels_after_shift"}}
	for _, i := range rangedLayers(r) {
		ranges := r.Layers[i].WeightRanges
		for step := range max(len(ranges.Before), len(ranges.After)) {
			before, after := countOf(ranges.Before, step), countOf(ranges.After, step)
			if before+after == 0 {
				continue
			}
			shifted := ""
			if ranges.After != nil {
				shifted = strconv.Itoa(after)
			}
			records = append(records, []string{strconv.Itoa(i + 1), r.Layers[i].Name, exact(float64(step) / 2), exact(float64(step+1) / 2), strconv.Itoa(before), shifted})
		}
	}
	return writeRecords(w, "weight ranges", records)
}

func countOf(counts []int, i int) int {
	if i < len(counts) {
		return counts[i]
	}
	return 0
}
