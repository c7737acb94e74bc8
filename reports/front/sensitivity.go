package front

import "math"

// mostGroups bounds the groups of an ordered axis: with one point a group, any
// axis would explain everything.
const mostGroups = 8

// Sensitivity is, by axis and objective, the share of the objective's variance
// over all evaluated points that the axis explains alone: points are grouped by
// their value on the axis (ordered axes of many values in at most eight groups
// of neighbours), and the variance of the groups' means is set against that of
// all. Chance is taken off: with n points in k groups the share is
//
//	1 - (S_within / (n - k)) / (S_all / (n - 1)), at least 0
//
// (epsilon squared, Kelley 1935), S being sums of squared differences from the
// mean. It is NaN where there is nothing to share: fewer points than groups and
// one, or an objective without variance. Effects that two axes have together
// count for neither, so that shares of a whole grid sum to at most 1; where
// points are missing, axes are not independent and may count for one another.
func (e *Exploration) Sensitivity() [][]float64 {
	shares := make([][]float64, len(e.Axes))
	for axis := range shares {
		shares[axis] = make([]float64, len(e.Objectives))
		groups, count := e.groups(axis)
		for o := range shares[axis] {
			shares[axis][o] = e.explained(axis, groups, count, o)
		}
	}
	return shares
}

// groups is the group of every value of an axis and their number.
func (e *Exploration) groups(axis int) (group []int, count int) {
	a := &e.Axes[axis]
	used := make([]bool, len(a.Values))
	for i := range e.Points {
		if e.Points[i].Status != Failed {
			used[e.Points[i].Values[axis]] = true
		}
	}
	group = make([]int, len(a.Values))
	n := 0
	for v := range group {
		group[v] = n
		if used[v] {
			n++
		}
	}
	if !a.Ordered || n <= mostGroups {
		return group, n
	}
	for v := range group {
		group[v] = min(group[v]*mostGroups/n, mostGroups-1)
	}
	return group, mostGroups
}

// explained is the share of an objective's variance between groups.
func (e *Exploration) explained(axis int, group []int, count, objective int) float64 {
	sums, sizes := make([]float64, count), make([]float64, count)
	n, sum := 0.0, 0.0
	visit := func(f func(g int, x float64)) {
		for i := range e.Points {
			p := &e.Points[i]
			if p.Status == Failed {
				continue
			}
			if x := p.Objectives[objective]; !math.IsNaN(x) && !math.IsInf(x, 0) {
				f(group[p.Values[axis]], x)
			}
		}
	}
	visit(func(g int, x float64) { sums[g] += x; sizes[g]++; sum += x; n++ })
	used := 0.0
	for _, size := range sizes {
		if size > 0 {
			used++
		}
	}
	all, within := 0.0, 0.0
	visit(func(g int, x float64) {
		all += (x - sum/n) * (x - sum/n)
		within += (x - sums[g]/sizes[g]) * (x - sums[g]/sizes[g])
	})
	if n <= used || n < 2 || !(all > 1e-18*sum*sum/n) {
		return math.NaN()
	}
	return math.Max(0, 1-within/(n-used)/(all/(n-1)))
}
