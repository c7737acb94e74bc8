package search

import "slices"

// Hypervolume is the volume that the points dominate within the box that ends
// at the reference, exactly up to rounding: the union of the boxes between each
// point and the reference. Objectives are to be small; points that are not
// better than the reference in every objective count nothing. It slices the
// union along the last objective, so the time grows with the number of points
// to the power of the objectives less one; up to two objectives it is that of
// sorting.
func Hypervolume(points [][]float64, reference []float64) float64 {
	var inside [][]float64
	for _, p := range points {
		if better(p, reference) {
			inside = append(inside, p)
		}
	}
	return sliceVolume(inside, reference, len(reference))
}

// better tells whether p is less than the reference everywhere.
func better(p, reference []float64) bool {
	for i, x := range p {
		if !(x < reference[i]) {
			return false
		}
	}
	return len(p) > 0
}

// sliceVolume is the volume in the first dimensions.
func sliceVolume(points [][]float64, reference []float64, dimensions int) float64 {
	if len(points) == 0 {
		return 0
	}
	last := dimensions - 1
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b []float64) int { return slices.Compare(a[last:last+1], b[last:last+1]) })
	if dimensions == 1 {
		return reference[0] - sorted[0][0]
	}
	volume := 0.0
	if dimensions == 2 {
		// A staircase: only points to the left of all before add area below.
		left := reference[0]
		for i, p := range sorted {
			left = min(left, p[0])
			upper := reference[1]
			if i+1 < len(sorted) {
				upper = sorted[i+1][1]
			}
			volume += (reference[0] - left) * (upper - p[1])
		}
		return volume
	}
	// Between two values of the last objective the cross-section is that of
	// the points up to there, of which only undominated ones matter.
	var section [][]float64
	for i, p := range sorted {
		section = insert(section, p, last)
		upper := reference[last]
		if i+1 < len(sorted) {
			upper = sorted[i+1][last]
		}
		if upper > p[last] {
			volume += sliceVolume(section, reference, last) * (upper - p[last])
		}
	}
	return volume
}

// insert adds a point to a set without dominated ones, in the first dimensions.
func insert(set [][]float64, p []float64, dimensions int) [][]float64 {
	covers := func(a, b []float64) bool {
		for i := range dimensions {
			if a[i] > b[i] {
				return false
			}
		}
		return true
	}
	for _, q := range set {
		if covers(q, p) {
			return set
		}
	}
	set = slices.DeleteFunc(set, func(q []float64) bool { return covers(p, q) })
	return append(set, p)
}
