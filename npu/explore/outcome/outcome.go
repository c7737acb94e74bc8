// Package outcome is what an exploration of a design space has found: its
// sweep in words, its points with their objectives, and the Pareto front among
// them. Reports render these types; package explore fills them, from a run or
// from the store of an earlier one.
//
// A point is light, so that tens of thousands fit in memory; the figures of
// single points are read from the store when they are asked for.
package outcome

import (
	"fmt"
	"slices"

	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/figures"
)

// Value is a number, a text or a truth.
type Value = expression.Value

// Exploration is a sweep with its points.
type Exploration struct {
	Key    string // of the sweep in the store
	Sweep  Sweep
	Points []Point // by ID, then by rung
	Front  []int   // indices into Points: the Pareto front, ascending
	Counts Counts
	// Dropped counts, by screening rung, the points on its front for which there
	// was no room on the next.
	Dropped []int
	// Interrupted says that the work ended before the strategy was through.
	Interrupted bool
	Recorded    int      // points of the sweep that the store holds, of this run or not
	WallSeconds float64  // of this run
	Shared      []string // what points of this run had in common, a stage a line
}

// Sweep describes what was explored.
type Sweep struct {
	Name        string
	Description string
	Hash        string // of everything that defines the sweep
	Version     string // of the tool that evaluated
	Base        string // name of the base configuration
	Models      []Model
	Strategy    string
	Seed        uint64
	SpacePoints int64 // of the whole space
	Axes        []Axis
	Objectives  []Objective
	Constraints []string
	Rungs       []string // what each rung of successive halving evaluates, the last in full; one else
}

// Model is a network that every point runs.
type Model struct {
	Name    string
	File    string
	SHA256  string
	Data    string // data set file, or empty for random inputs
	Samples int    // evaluated at the last rung; 0 for all
	Timing  bool   // timed only: no accuracy
}

// Axis is a dimension of the space.
type Axis struct {
	Name    string    // its key, or that of several coupled ones
	Keys    []string  // configuration keys that it moves
	Values  [][]Value // by value, then by key
	Ordered bool      // values are numbers in ascending order
}

// Label is the text of one value of the axis: of coupled keys all, joined by a
// slash.
func (a *Axis) Label(value int) string {
	text := ""
	for k, v := range a.Values[value] {
		if k > 0 && !slices.ContainsFunc(a.Values, func(row []Value) bool { return row[k] != row[k-1] }) {
			continue // keys that move as one
		}
		if k > 0 {
			text += "/"
		}
		if v.Kind == expression.Text {
			text += v.Text
		} else {
			text += v.String()
		}
	}
	return text
}

// Objective is what makes a point good.
type Objective struct {
	Expression string // a result key, or arithmetic with some
	Maximize   bool
}

// Status is how far a point has come.
type Status uint8

// Statuses.
const (
	InvalidStatus Status = iota
	Done                 // evaluated
	Failed               // could not be evaluated, for its Reason
)

var statusNames = [...]string{InvalidStatus: "invalid", Done: "done", Failed: "failed"}

func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// Point is one evaluated design.
type Point struct {
	ID         int64 // place in the space, whatever the strategy
	Rung       int   // of Sweep.Rungs
	Status     Status
	Reason     string    // of a failed point
	Indices    []int     // of its value on each axis
	Objectives []float64 // in the order of Sweep.Objectives, as they are; nil if failed
	Violation  float64   // 0 if every constraint is met, else how far it is off
	OnFront    bool
	Reused     bool    // taken from the store
	Seconds    float64 // that its evaluation took
}

// Feasible tells whether the point was evaluated and meets every constraint.
func (p *Point) Feasible() bool { return p.Status == Done && p.Violation == 0 }

// Counts sums up the points. Points of several rungs count once a rung.
type Counts struct {
	Points     int // Done + Failed
	Done       int
	Failed     int
	Reused     int // of Points, taken from the store
	Infeasible int // of Done, with a constraint that is not met
}

// Setting is a configuration key with its value at a point.
type Setting struct {
	Key   string
	Value Value
}

// Settings are the keys of the axes at a point, in the order of the axes.
func (e *Exploration) Settings(p *Point) []Setting {
	var list []Setting
	for i := range e.Sweep.Axes {
		axis := &e.Sweep.Axes[i]
		for k, key := range axis.Keys {
			list = append(list, Setting{key, axis.Values[p.Indices[i]][k]})
		}
	}
	return list
}

// Figures are the results of one model at a point.
type Figures struct {
	Model   string
	Figures []figures.Figure // sorted by key
}

// Details is what a point has beside its objectives.
type Details struct {
	Figures []Figures // by model, in the order of Sweep.Models; none if it failed
	TOML    string    // configuration that npusim run reproduces it with
	Command string    // that does so, with CONFIG in place of the file
	Reports []string  // report directories seen from that of the exploration, by model; none if they were not written
}

// Source reads what an Exploration leaves out.
type Source interface {
	// Details of a point of the exploration.
	Details(p *Point) (*Details, error)
}
