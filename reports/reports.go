// Package reports renders the outcome of a run: the text that people read in a
// terminal, the JSON and CSV that scripts read, plots by layer, over time and by
// DRAM bank, and the page that brings all of it together (package page lays it
// out). It only renders: every figure comes from evaluate.Result or follows from
// a few figures of it. Diagnose is the reasoning: where the cycles go, by which
// counters, and what to change.
//
// Units: k, M and G are powers of 1000, Ki of 1024; scratchpads, whose sizes
// are configured in KiB, are shown in KiB. Shares are fractions of 1 in files
// and percent in text.
//
// Everything here is deterministic: the same Result gives the same bytes.
package reports
