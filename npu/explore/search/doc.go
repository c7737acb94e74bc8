// Package search looks for good points of a discrete design space: point sets
// (grids, Sobol sequences), the evolutionary search NSGA-II, successive
// halving, and what compares sets of points: dominance, crowding distance,
// Pareto fronts and exact hypervolume.
//
// It knows nothing of what a point means. A point is a number in the mixed
// radix of the axes' sizes; its Score is a vector of objectives, all of them to
// be made small, and how far it is from meeting its constraints. Every search
// is a Strategy that proposes batches and is told their scores; the same seed
// and the same scores give the same batches, whoever evaluates them in whatever
// order.
package search
