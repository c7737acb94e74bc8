// Package front renders what an exploration of a design space found: the Pareto
// front as text and CSV, all points as CSV, scatter plots of two objectives, and
// one HTML page to look around in. It only renders: points, their objectives and
// who is on the front are given; the sensitivity of an objective to an axis
// follows from them.
//
// Units are those of the objectives' names. Everything is deterministic: equal
// explorations give equal bytes.
package front

import (
	"errors"
	"fmt"
)

// Exploration is a design space with the points that were evaluated.
type Exploration struct {
	Name       string
	Facts      []string // short facts for the reader: strategy, seed, network, constraints
	Base       string   // TOML that all points have in common, such as inherit = "edge"
	Command    string   // that runs a point, with CONFIG in place of the file of its configuration; may be empty
	Axes       []Axis
	Objectives []Objective
	Points     []Point
}

// Axis is a dimension of the space.
type Axis struct {
	Name    string
	Keys    []string // configuration keys that it moves together
	Values  []AxisValue
	Ordered bool // values are numbers in ascending order
}

// AxisValue is one choice on an axis.
type AxisValue struct {
	Label    string
	Literals []string // TOML values, one a key of the axis
}

// Objective is what makes a point good.
type Objective struct {
	Name     string
	Maximize bool
}

// Status is how far a point came.
type Status uint8

// Statuses.
const (
	InvalidStatus Status = iota
	Feasible             // evaluated, every constraint is met
	Infeasible           // evaluated, some constraint is not met
	Failed               // not evaluated, for its Reason
	statusEnd
)

var statusNames = [statusEnd]string{InvalidStatus: "invalid", Feasible: "feasible", Infeasible: "infeasible", Failed: "failed"}

func (s Status) String() string {
	if s < statusEnd {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// Point is one design.
type Point struct {
	ID         int64
	Values     []int     // index of its value, by axis
	Objectives []float64 // by objective, as they are; NaN where there is none; empty if failed
	Status     Status
	OnFront    bool
	Reason     string // why it failed, or which constraint is not met
	TOML       string // whole configuration; empty: Base with the settings of the axes
	Reports    []Report
}

// Report is a report directory of a point.
type Report struct {
	Model  string // its name, where there are several
	Folder string // relative to the page, with slashes
}

// Check tells what makes an exploration impossible to render.
func (e *Exploration) Check() error {
	if len(e.Objectives) == 0 {
		return errors.New("exploration without objectives")
	}
	for i := range e.Axes {
		a := &e.Axes[i]
		for j := range a.Values {
			if len(a.Values[j].Literals) != len(a.Keys) {
				return fmt.Errorf("axis %s: value %d has %d TOML values for %d keys", a.Name, j, len(a.Values[j].Literals), len(a.Keys))
			}
		}
	}
	for i := range e.Points {
		p := &e.Points[i]
		switch {
		case p.Status == InvalidStatus || p.Status >= statusEnd:
			return fmt.Errorf("point %d: %v", p.ID, p.Status)
		case p.OnFront && p.Status != Feasible:
			return fmt.Errorf("point %d is on the front, but %v", p.ID, p.Status)
		case len(p.Values) != len(e.Axes):
			return fmt.Errorf("point %d has values of %d axes, want %d", p.ID, len(p.Values), len(e.Axes))
		case p.Status != Failed && len(p.Objectives) != len(e.Objectives):
			return fmt.Errorf("point %d has %d objectives, want %d", p.ID, len(p.Objectives), len(e.Objectives))
		}
		for axis, v := range p.Values {
			if v < 0 || v >= len(e.Axes[axis].Values) {
				return fmt.Errorf("point %d: value %d of axis %s, which has %d", p.ID, v, e.Axes[axis].Name, len(e.Axes[axis].Values))
			}
		}
	}
	return nil
}

// count is the number of points of a status.
func (e *Exploration) count(s Status) int {
	n := 0
	for i := range e.Points {
		if e.Points[i].Status == s {
			n++
		}
	}
	return n
}
