package prune

import (
	"slices"
	"testing"
)

// TestSettleCoveredTwice: where components cover the same weights, so that no
// line has any of its own, settling still ends at what is wanted.
func TestSettleCoveredTwice(t *testing.T) {
	const rows, cols = 4, 5
	scores := make([]float32, rows*cols)
	for i := range scores {
		scores[i] = float32(i + 1)
	}
	for wanted := range 7 {
		h, err := LowRank{rows, cols, 3}.header(rows, cols)
		if err != nil {
			t.Fatal(err)
		}
		m := newMatrixFit(h, scores, wanted)
		w := m.workers[0]
		m.restore(w, 0)
		for k := range 3 {
			w.row[k], w.col[k] = append(w.row[k], 1, 3), append(w.col[k], 0, 2, 4)
			w.cover(k)
		}
		m.store(w, 0)
		m.kept = w.cells
		m.settle()
		mask := m.product().Mask()
		if m.kept > wanted || wanted > 0 && m.kept == 0 || mask.Count() != m.kept {
			t.Errorf("%d wanted: %d kept, the mask has %d", wanted, m.kept, mask.Count())
		}
		if k := slices.Index(m.count, int32(m.kept)); k != 0 {
			t.Errorf("%d wanted: the tile counts %d, %d are kept", wanted, m.count[0], m.kept)
		}
	}
}
