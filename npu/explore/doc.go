// Package explore evaluates the points of a design space, keeps them in a
// store, and finds the best: the Pareto front over the objectives of a sweep,
// or the winner of a query.
//
// Run works through the strategy of a sweep with several workers. What points
// have in common is done once (evaluate.Session); what was recorded in an
// earlier run is not done again. A point that cannot be evaluated, be its
// configuration contradictory or the program at fault, is a row with its
// reason, and the work goes on. The set of recorded points and their figures
// depend on the sweep alone, not on workers, interruptions, or how many
// processes share the directory; only wall times do. A bound of time
// (budget.minutes) is the exception: it ends the work where it happens to be.
//
// Memory stays small: of each point only objectives and a few words are held.
package explore
