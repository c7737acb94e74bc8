package sweep

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/figures"
)

// expressions reads objectives and constraints, and settles whether points are
// only timed.
func (l *loader) expressions() {
	f, s := &l.form, &l.sweep
	switch {
	case len(f.Objectives) == 0 && !l.broken("objectives"):
		l.fault("objectives", "", `is missing: a list such as ["minimize timing.cycles", "minimize energy_uj.total"]`)
	case len(f.Objectives) > maxObjectives:
		l.fault("objectives", "", "must be at most %d, not %d", maxObjectives, len(f.Objectives))
	}
	if len(f.Constraints) > maxConstraints {
		l.fault("constraint", "", "must have at most %d tables, not %d", maxConstraints, len(f.Constraints))
	}
	seen := map[string]bool{}
	for i, text := range f.Objectives {
		key := fmt.Sprintf("objectives[%d]", i)
		if l.broken(key) {
			continue
		}
		goal, err := expression.ParseGoal(text)
		switch {
		case err != nil:
			l.expressionFault(key, err)
			continue
		case goal.Where != nil:
			l.fault(key, "", "an objective has no condition; conditions are [[constraint]] tables")
		case seen[goal.Value.String()]:
			l.fault(key, "", "%s is an objective already", goal.Value)
		}
		seen[goal.Value.String()] = true
		l.check(key, goal.Value, expression.Number)
		s.Objectives = append(s.Objectives, Objective{goal, key})
	}
	for i, c := range f.Constraints {
		key := fmt.Sprintf("constraint[%d]", i)
		if !l.document.Has(key + ".expression") {
			l.fault(key, "", "has no expression")
			continue
		}
		key += ".expression"
		if l.broken(key) {
			continue
		}
		condition, err := expression.Parse(c.Expression)
		if err != nil {
			l.expressionFault(key, err)
			continue
		}
		l.check(key, condition, expression.Truth)
		early := true
		for _, name := range condition.Names() {
			early = early && s.isConfiguration(name)
		}
		s.Constraints = append(s.Constraints, Constraint{condition, early, key})
	}
	l.accuracy()
}

// accuracy settles whether samples are executed, and refuses figures that will
// never be there.
func (l *loader) accuracy() {
	s := &l.sweep
	labelled := []string{"accuracy.float_top1", "accuracy.npu_top1", "accuracy.top1_difference"}
	for _, u := range l.uses() {
		for _, name := range u.expression.Names() {
			model, figure := s.Figure(name)
			switch {
			case !strings.HasPrefix(figure, "accuracy."):
			case s.TimingOnly:
				l.fault(u.key, "", "%s needs samples to be executed, but timing_only is true", name)
			case model >= 0 && s.Models[model].Data == "" && slices.ContainsFunc(labelled, func(label string) bool { return strings.HasPrefix(figure, label) }):
				l.fault(u.key, "accuracy.agreement", "%s needs a data set with labels", name)
			}
		}
	}
	if !l.needsAccuracy() && !l.document.Has("timing_only") {
		s.TimingOnly = true
	}
}

// use is an expression with its key in the file.
type use struct {
	key        string
	expression *expression.Expression
}

// uses lists objectives, then constraints.
func (l *loader) uses() []use {
	var list []use
	for _, o := range l.sweep.Objectives {
		list = append(list, use{o.key, o.Goal.Value})
	}
	for _, c := range l.sweep.Constraints {
		list = append(list, use{c.key, c.Condition})
	}
	return list
}

// needsAccuracy tells whether an expression reads a figure of accuracy.
func (l *loader) needsAccuracy() bool {
	for _, u := range l.uses() {
		for _, name := range u.expression.Names() {
			if _, figure := l.sweep.Figure(name); strings.HasPrefix(figure, "accuracy.") {
				return true
			}
		}
	}
	return false
}

// expressionFault reports a syntax error with its column.
func (l *loader) expressionFault(key string, err error) {
	var fault *expression.Error
	if errors.As(err, &fault) {
		err = fault
	}
	l.fault(key, "", "%v", err)
}

// check reports the names and kinds that are wrong in an expression.
func (l *loader) check(key string, e *expression.Expression, want expression.Kind) {
	for _, fault := range l.sweep.Check(e, want) {
		l.fault(key, l.sweep.Nearest(fault.Name), "%v", fault)
	}
}

// Nearest is the name that an unknown one most likely stands for, or empty.
func (s *Sweep) Nearest(name string) string {
	if name == "" || s.Kind(name) != expression.Invalid {
		return ""
	}
	return nearestKey(name, s.names())
}

// Check finds what is wrong with an expression of a kind over the keys of the
// sweep.
func (s *Sweep) Check(e *expression.Expression, want expression.Kind) []*expression.Error {
	kind, faults := e.Check(s.Kind)
	if len(faults) == 0 && kind != want {
		faults = append(faults, &expression.Error{Column: 1, Rule: fmt.Sprintf("%s is %s; %s is needed", e, kind, want)})
	}
	return faults
}

// Kind is the kind of a name in expressions, Invalid if there is none.
func (s *Sweep) Kind(name string) expression.Kind {
	for i := range s.Axes {
		for k := range s.Axes[i].keys {
			if s.Axes[i].keys[k].path == name {
				return s.Axes[i].keys[k].kind
			}
		}
	}
	if s.isConfiguration(name) {
		key, _, _ := findKey(name)
		return key.kind
	}
	if model, figure := s.Figure(name); model >= 0 {
		return figures.Kind(figure)
	}
	return expression.Invalid
}

// isConfiguration tells whether a name is a key of the configuration.
func (s *Sweep) isConfiguration(name string) bool {
	for i := range s.Axes {
		for _, key := range s.Axes[i].Keys {
			if key == name {
				return true
			}
		}
	}
	key, _, rule := findKey(name)
	return rule == "" && key.list == "" && !isList(name)
}

// isList tells whether a key holds a list, which expressions cannot read.
func isList(name string) bool {
	for _, key := range configs.Keys() {
		if key.Path == name {
			return strings.HasSuffix(key.Type, "list")
		}
	}
	return false
}

// Figure finds the model, by its index, and the result key that a name means.
// With several models a name begins with that of one; -1 if it does not.
func (s *Sweep) Figure(name string) (model int, key string) {
	if len(s.Models) == 1 {
		return 0, name
	}
	prefix, figure, _ := strings.Cut(name, ".")
	for i := range s.Models {
		if s.Models[i].Name == prefix {
			return i, figure
		}
	}
	return -1, name
}

// names lists those that expressions may use.
func (s *Sweep) names() []string {
	var names []string
	for i := range s.Axes {
		names = append(names, s.Axes[i].Keys...)
	}
	for _, figure := range figures.Keys() {
		if len(s.Models) == 1 {
			names = append(names, figure)
			continue
		}
		for i := range s.Models {
			names = append(names, s.Models[i].Name+"."+figure)
		}
	}
	for _, key := range configs.Keys() {
		if key.Scope != configs.LabelScope && !strings.Contains(key.Path, "[]") && !isList(key.Path) {
			names = append(names, key.Path)
		}
	}
	return names
}
