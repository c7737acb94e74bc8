// Package store keeps the results of explorations in one SQLite file,
// results.sqlite, as they come.
//
// An evaluation (one model on one configuration) is a row keyed by the hash of
// everything that determines it, so that sweeps share what they have in common.
// A point of a sweep is a row that refers to its evaluations. Both are written
// in one transaction when the point is over and never changed after that: a
// process that is killed loses the points it was working on and nothing else.
// The journal is a write-ahead log that is not synchronized at every commit:
// when the machine itself loses power, the latest points may be gone, but the
// file stays whole.
//
// Several processes may work on one file. Each claims the points it works on;
// claims of a process that is gone are void, which is seen at once on the same
// host and after StaleAfter elsewhere. Should two processes evaluate the same
// point nevertheless, the first row stays.
package store
