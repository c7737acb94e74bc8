package search

// gridBatch is how many points of a list are proposed at once: enough to keep
// every worker busy, few enough to hold.
const gridBatch = 4096

// Grid proposes every allowed point in order, at most limit of them.
type Grid struct {
	points, next, limit int64
	allowed             Allowed
}

// countedGrid is the largest grid whose allowed points are counted beforehand.
const countedGrid = 1 << 17

// NewGrid makes the strategy of a space that has Points.
func NewGrid(points, limit int64, allowed Allowed) *Grid {
	g := &Grid{points: points, limit: min(limit, points), allowed: allowed}
	if points <= countedGrid {
		count := int64(0)
		for p := int64(0); p < points && count < g.limit; p++ {
			if allowed(p) {
				count++
			}
		}
		g.limit = count
	}
	return g
}

// Ask proposes the next points.
func (g *Grid) Ask() (Batch, bool) {
	var batch Batch
	for g.next < g.points && g.limit > 0 && len(batch.Points) < gridBatch {
		if g.allowed(g.next) {
			batch.Points = append(batch.Points, g.next)
			g.limit--
		}
		g.next++
	}
	return batch, len(batch.Points) > 0
}

// Tell needs no scores.
func (g *Grid) Tell([]Score) {}

// Evaluations is how many points are left; of very large grids constraints may
// leave fewer.
func (g *Grid) Evaluations() int64 { return g.limit }

// List proposes given points.
type List struct {
	points []int64
	asked  int
}

// NewList makes the strategy of a list of points.
func NewList(points []int64) *List { return &List{points: points} }

// Ask proposes the next points.
func (l *List) Ask() (Batch, bool) {
	end := min(l.asked+gridBatch, len(l.points))
	batch := Batch{Points: l.points[l.asked:end]}
	l.asked = end
	return batch, len(batch.Points) > 0
}

// Tell needs no scores.
func (l *List) Tell([]Score) {}

// Evaluations is the length of the list.
func (l *List) Evaluations() int64 { return int64(len(l.points)) }
