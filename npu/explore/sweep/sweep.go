package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/search"
)

// Sweep is a checked description. It must not be changed.
type Sweep struct {
	Name        string
	Description string
	Path        string // of the file, as the user wrote it
	Source      string // text of the file
	Base        *configs.Spec
	BaseName    string   // preset or file of the base configuration
	Preset      bool     // BaseName is a preset
	Set         []string // changes to it
	Models      []Model
	TimingOnly  bool // no key of an objective or constraint needs accuracy, or the file says so
	Seed        uint64
	Strategy    Strategy
	Objectives  []Objective
	Axes        []Axis
	Constraints []Constraint
	Points      int64         // most evaluations; 0: no bound
	Duration    time.Duration // most time; 0: no bound
	Population  int           // of NSGA-II; 0: chosen by the budget
	Keep        float64       // of successive halving
	Rungs       []Rung        // at least one, the last in full
	Space       search.Space
	SpacePoints int64
}

// Model is a network of the sweep. Paths are as the working directory sees
// them.
type Model struct {
	Name    string
	File    string
	Data    string // data set, or empty for random inputs
	Samples int    // 0: all
}

// Axis is a dimension of the space.
type Axis struct {
	outcome.Axis
	keys []axisKey // in step with Keys
}

// axisKey is a configuration key of an axis.
type axisKey struct {
	path  string // with the pattern of a layer rule in brackets, if it is one
	list  string // quantization.layer or compression.layer, or empty
	match string // pattern of the layer rule
	name  string // key in the layer rule
	kind  expression.Kind
	whole bool // an integer
	text  bool // any text, which may be a path or a list

	documented *configs.Key
}

// Objective is a value to make small or large.
type Objective struct {
	Goal *expression.Goal
	key  string // in the file
}

// Constraint is a condition on points.
type Constraint struct {
	Condition *expression.Expression
	// Early says that it reads configuration keys only, so that points which do
	// not meet it are never evaluated.
	Early bool
	key   string // in the file
}

// Rung is one way of evaluating points.
type Rung struct {
	Samples    int // 0: as the models say
	TimingOnly bool
	Set        []string // changes to the configuration of every point
}

// Hash identifies the sweep: what is evaluated and how it is searched, but
// neither where files lie nor what they are called.
func (s *Sweep) Hash() string {
	var b strings.Builder
	base := s.Base.ConfigHash()
	fmt.Fprintf(&b, "npusim sweep 2\n%x\n%v %v %v %v %v %v\n", base, s.TimingOnly, s.Seed, s.Strategy, s.Points, s.Population, s.Keep)
	for i := range s.Rungs {
		fmt.Fprintf(&b, "rung %d %v %q\n", s.Rungs[i].Samples, s.Rungs[i].TimingOnly, s.Rungs[i].Set)
	}
	for i := range s.Models {
		fmt.Fprintf(&b, "model %q %d\n", s.Models[i].Name, s.Models[i].Samples)
	}
	for i := range s.Axes {
		fmt.Fprintf(&b, "axis %q %v\n", s.Axes[i].Keys, s.Axes[i].Values)
	}
	for _, o := range s.Objectives {
		fmt.Fprintf(&b, "%s\n", o.Goal)
	}
	for _, c := range s.Constraints {
		fmt.Fprintf(&b, "constraint %s\n", c.Condition)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// Describe is the sweep as reports show it. The caller fills hashes of models.
func (s *Sweep) Describe() outcome.Sweep {
	d := outcome.Sweep{
		Name: s.Name, Description: s.Description, Hash: s.Hash(), Base: s.BaseName, Strategy: s.Strategy.String(), Seed: s.Seed, SpacePoints: s.SpacePoints,
	}
	for _, m := range s.Models {
		d.Models = append(d.Models, outcome.Model{Name: m.Name, File: m.File, Data: m.Data, Samples: m.Samples, Timing: s.TimingOnly})
	}
	for i := range s.Axes {
		d.Axes = append(d.Axes, s.Axes[i].Axis)
	}
	for _, o := range s.Objectives {
		d.Objectives = append(d.Objectives, outcome.Objective{Expression: o.Goal.Value.String(), Maximize: o.Goal.Maximize})
	}
	for _, c := range s.Constraints {
		d.Constraints = append(d.Constraints, c.Condition.String())
	}
	for i := range s.Rungs {
		d.Rungs = append(d.Rungs, s.describeRung(i))
	}
	return d
}

// describeRung says in words what a rung evaluates.
func (s *Sweep) describeRung(rung int) string {
	r := &s.Rungs[rung]
	parts := []string{"all samples"}
	switch {
	case r.TimingOnly:
		parts[0] = "timing only"
	case r.Samples > 0:
		parts[0] = fmt.Sprintf("%d samples", r.Samples)
	case len(s.Models) == 1 && s.Models[0].Samples > 0:
		parts[0] = fmt.Sprintf("%d samples", s.Models[0].Samples)
	}
	return strings.Join(append(parts, r.Set...), ", ")
}

// Final is the rung of full evaluations.
func (s *Sweep) Final() int { return len(s.Rungs) - 1 }

// Settings are the "key=value" changes that make a point of the base
// configuration. Layer rules of axes come after those of the base.
func (s *Sweep) Settings(indices []int, rung int) []string {
	var sets []string
	rules := map[string][]string{}
	for i := range s.Axes {
		axis := &s.Axes[i]
		for k := range axis.keys {
			key, value := &axis.keys[k], axis.Values[indices[i]][k]
			literal := key.literal(value)
			if key.list == "" {
				sets = append(sets, key.path+"="+literal)
				continue
			}
			rules[key.list] = append(rules[key.list], fmt.Sprintf("{match = %s, %s = %s}", quote(key.match), key.name, literal))
		}
	}
	for _, list := range layerLists {
		if len(rules[list]) == 0 {
			continue
		}
		all, _ := s.Base.Literal(list)
		all = strings.TrimSuffix(strings.TrimPrefix(all, "["), "]")
		if all != "" {
			all += ", "
		}
		sets = append(sets, list+"=["+all+strings.Join(rules[list], ", ")+"]")
	}
	return append(sets, s.Rungs[rung].Set...)
}

// layerLists are the lists of layer rules.
var layerLists = []string{"quantization.layer", "compression.layer"}

// Spec is the configuration of a point; an error if its keys contradict each
// other.
func (s *Sweep) Spec(indices []int, rung int) (*configs.Spec, error) {
	spec, err := s.Base.With(s.Settings(indices, rung)...)
	var faults strict.Faults
	if errors.As(err, &faults) {
		own := slices.Clone(faults)
		for i := range own {
			own[i].File = "" // it is no file, and the key says enough
		}
		return nil, own
	}
	return spec, err
}

// literal is a value of the key as TOML.
func (k *axisKey) literal(v expression.Value) string {
	switch {
	case v.Text == "" && k.path == "dram.controller":
		return "[]"
	case v.Kind == expression.Text && k.text && v.Text != "":
		return v.Text // configs quotes texts and lists
	case v.Kind == expression.Text:
		return quote(v.Text)
	case v.Kind == expression.Number && k.whole:
		return fmt.Sprintf("%.0f", v.Number)
	}
	return v.String()
}

// quote is a text as a TOML string on one line.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// configuration looks keys up that axes move, then those of the base.
func (s *Sweep) configuration(indices []int, spec *configs.Spec) expression.Lookup {
	return func(name string) (expression.Value, bool) {
		for i := range s.Axes {
			for k, key := range s.Axes[i].Keys {
				if key == name {
					return s.Axes[i].Values[indices[i]][k], true
				}
			}
		}
		return specValue(spec, name)
	}
}

// specValue is a key of a configuration as a value.
func specValue(spec *configs.Spec, name string) (expression.Value, bool) {
	v, ok := spec.Value(name)
	if !ok {
		return expression.Value{}, false
	}
	switch x := v.(type) {
	case int:
		return expression.NumberOf(float64(x)), true
	case float64:
		return expression.NumberOf(x), true
	case bool:
		return expression.TruthOf(x), true
	case string:
		return expression.TextOf(x), true
	}
	return expression.Value{}, false
}

// Allowed tells whether a point meets the constraints that need no evaluation.
// A point whose condition has no value is allowed, so that it fails with its
// reason.
func (s *Sweep) Allowed(indices []int) bool {
	spec := s.Base
	for i := range s.Constraints {
		c := &s.Constraints[i]
		if !c.Early {
			continue
		}
		if s.MovesMemory() && spec == s.Base {
			own, err := s.Spec(indices, s.Final()) // a memory brings keys with it
			if err != nil {
				return true
			}
			spec = own
		}
		v, err := c.Condition.Evaluate(s.configuration(indices, spec))
		if err == nil && !v.Truth {
			return false
		}
	}
	return true
}

// MovesMemory tells whether an axis chooses a memory, which supplies keys that
// are then other than those of the base configuration.
func (s *Sweep) MovesMemory() bool {
	for i := range s.Axes {
		for _, key := range s.Axes[i].Keys {
			if key == "dram.preset" || key == "dram.standard" {
				return true
			}
		}
	}
	return false
}

// Lookup finds names at a point: keys of its axes, then of its configuration,
// then results.
func (s *Sweep) Lookup(indices []int, spec *configs.Spec, results expression.Lookup) expression.Lookup {
	configuration := s.configuration(indices, spec)
	return func(name string) (expression.Value, bool) {
		if v, ok := configuration(name); ok {
			return v, true
		}
		return results(name)
	}
}

// Judgement is what the results of a point are worth.
type Judgement struct {
	Objectives []float64 // as they are, in the order of the sweep
	Violation  float64   // 0: every constraint is met
}

// Judge evaluates objectives and constraints. The results are looked up by
// name; with several models a name begins with that of the model. An error says
// which key has no value.
func (s *Sweep) Judge(indices []int, spec *configs.Spec, results expression.Lookup) (*Judgement, error) {
	lookup := s.Lookup(indices, spec, results)
	var j Judgement
	for i := range s.Objectives {
		value := s.Objectives[i].Goal.Value
		x, err := value.Number(lookup)
		if err != nil {
			return nil, fmt.Errorf("objective %q: %w", value, err)
		}
		j.Objectives = append(j.Objectives, x)
	}
	for i := range s.Constraints {
		condition := s.Constraints[i].Condition
		violation, err := condition.Violation(lookup)
		if err != nil {
			return nil, fmt.Errorf("constraint %q: %w", condition, err)
		}
		j.Violation = min(j.Violation+violation, math.MaxFloat64) // infinite is that of failed points
	}
	return &j, nil
}

// Score is the judgement as the search sees it: everything to be made small.
func (s *Sweep) Score(objectives []float64, violation float64) search.Score {
	if objectives == nil {
		return search.Failed()
	}
	score := search.Score{Objectives: make([]float64, len(objectives)), Violation: violation}
	for i, x := range objectives {
		if s.Objectives[i].Goal.Maximize {
			x = -x
		}
		score.Objectives[i] = x
	}
	return score
}

// maxGrid bounds how many points are enumerated.
const maxGrid = 10_000_000

// Search starts the strategy of the sweep. When ctx ends, it finds no further
// points.
func (s *Sweep) Search(ctx context.Context) search.Strategy {
	allowed := func(point int64) bool {
		if ctx.Err() != nil {
			return false
		}
		indices := make([]int, len(s.Space))
		s.Space.Indices(point, indices)
		return s.Allowed(indices)
	}
	limit := int64(math.MaxInt64)
	if s.Points > 0 {
		limit = s.Points
	}
	switch s.Strategy {
	case Random:
		return search.NewList(search.SobolPoints(s.Space, limit, s.Seed, allowed))
	case NSGA2:
		population := s.Population
		if population == 0 {
			population = search.DefaultPopulation(limit)
		}
		return search.NewEvolution(s.Space, population, limit, s.Seed, allowed)
	case SuccessiveHalving:
		var candidates []int64
		if limit >= s.SpacePoints {
			candidates = allPoints(s.SpacePoints, allowed)
		} else {
			candidates = search.SobolPoints(s.Space, limit, s.Seed, allowed)
		}
		return search.NewHalving(candidates, len(s.Rungs), s.Keep)
	}
	return search.NewGrid(s.SpacePoints, limit, allowed)
}

// allPoints lists the allowed points of a small space.
func allPoints(points int64, allowed search.Allowed) []int64 {
	var list []int64
	for p := range points {
		if allowed(p) {
			list = append(list, p)
		}
	}
	return list
}
