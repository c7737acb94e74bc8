package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/npu/explore/search"
)

// Overrides are what the command line says instead of the file.
type Overrides struct {
	Model string // the network, where the file names at most one
	Data  string // its data set
}

// Bounds of a sweep.
const (
	maxAxes        = search.MaxSobolAxes
	maxValues      = 10_000
	maxObjectives  = 8
	maxConstraints = 64
	maxModels      = 16
	maxRungs       = 8
	maxSamples     = 10_000_000
	maxBudget      = 10_000_000
	maxCandidates  = 100_000 // of successive halving, which compares all with all
	maxMinutes     = 1e6
	maxName        = 64
	maxText        = 1024
)

// Defaults of successive halving.
const (
	defaultKeep    = 0.25
	defaultSamples = 32
)

// Load reads the file of a sweep. Faults of the file are of type strict.Faults.
func Load(path string, overrides Overrides) (*Sweep, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, strict.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, text, overrides)
}

// Parse reads a sweep from its text. The path serves the faults, and relative
// paths are seen from its folder.
func Parse(path string, text []byte, overrides Overrides) (*Sweep, error) {
	l := &loader{path: path, folder: filepath.Dir(path), overrides: overrides, form: defaultForm()}
	var faults strict.Faults
	if l.document, faults = strict.Parse(path, text); faults != nil {
		return nil, faults
	}
	return l.load(string(text))
}

// load checks everything, in the order in which one builds on the other.
func (l *loader) load(source string) (*Sweep, error) {
	l.faults = l.document.Decode(&l.form)
	l.sweep.Path, l.sweep.Source = l.path, source
	l.general()
	l.base()
	l.models()
	l.axes()
	l.expressions()
	l.searching()
	slices.SortStableFunc(l.faults, func(a, b strict.Fault) int {
		if a.File != l.path || b.File != l.path { // those of the base configuration come last, in their order
			return cmp.Compare(boolean(a.File != l.path), boolean(b.File != l.path))
		}
		return cmp.Compare(a.Line, b.Line)
	})
	if err := l.faults.Err(); err != nil {
		return nil, err
	}
	return &l.sweep, nil
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func defaultForm() form {
	return form{Config: "edge", Seed: 1, Strategy: Grid, Halving: halvingForm{Keep: defaultKeep}}
}

// loader gathers the faults of one file.
type loader struct {
	path, folder string
	overrides    Overrides
	document     *strict.Document
	form         form
	sweep        Sweep
	faults       strict.Faults
	restored     bool // base and models are there already
}

func (l *loader) fault(key, nearest, format string, arguments ...any) {
	l.faults = append(l.faults, strict.Fault{File: l.path, Line: l.document.Line(key), Key: key, Rule: fmt.Sprintf(format, arguments...), Nearest: nearest})
}

// broken tells whether a key has a fault already.
func (l *loader) broken(key string) bool {
	return slices.ContainsFunc(l.faults, func(f strict.Fault) bool {
		return f.Key == key || strings.HasPrefix(f.Key, key+"[") || strings.HasPrefix(f.Key, key+".")
	})
}

// integer checks the bounds of a number.
func (l *loader) integer(key string, value, least, most int) {
	if value < least || value > most {
		l.fault(key, "", "must be %d to %d, not %d", least, most, value)
	}
}

func (l *loader) general() {
	f, s := &l.form, &l.sweep
	s.Name, s.Description = f.Name, f.Description
	if !l.document.Has("name") {
		s.Name = strings.TrimSuffix(filepath.Base(l.path), ".toml")
	}
	l.label("name", s.Name)
	l.label("description", s.Description)
	l.integer("seed", f.Seed, 0, math.MaxInt64)
	l.integer("samples", f.Samples, 0, maxSamples)
	s.Seed, s.TimingOnly = uint64(f.Seed), f.TimingOnly
}

// label checks a text for people.
func (l *loader) label(key, text string) {
	if len(text) > maxText || strings.ContainsFunc(text, isControl) {
		l.fault(key, "", "must be one line of at most %d bytes", maxText)
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// base loads the configuration that the points change.
func (l *loader) base() {
	f, s := &l.form, &l.sweep
	name := f.Config
	s.BaseName, s.Set = name, f.Set
	_, s.Preset = configs.PresetSource(name)
	if l.restored {
		return
	}
	if !s.Preset {
		switch {
		case !strings.ContainsAny(name, `./\`):
			var presets []string
			for _, p := range configs.Presets() {
				presets = append(presets, p.Name)
			}
			l.fault("config", strict.Nearest(name, presets), "%q is no preset, and the name of a file has an ending; presets are %s", shorten(name), strings.Join(presets, ", "))
			return
		case !filepath.IsAbs(name):
			name = filepath.Join(l.folder, name)
		}
	}
	spec, err := shapes.Load(name, f.Set)
	var faults strict.Faults
	switch {
	case errors.As(err, &faults):
		for _, fault := range faults {
			if fault.File == name && fault.Line == 0 && fault.Key == "" { // the file itself
				l.fault("config", fault.Nearest, "%s: %s", fault.File, fault.Rule)
				continue
			}
			l.faults = append(l.faults, fault)
		}
	case err != nil:
		l.fault("config", "", "%v", err)
	default:
		s.Base = spec
	}
}

// modelName is what a key of a result can begin with.
var modelName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (l *loader) models() {
	f, s := &l.form, &l.sweep
	if l.restored {
		return
	}
	model := func(prefix string, m modelForm) {
		l.integer(prefix+"samples", m.Samples, 0, maxSamples)
		s.Models = append(s.Models, Model{Name: m.Name, File: l.resolve(m.File), Data: l.resolve(m.Data), Samples: m.Samples})
	}
	if len(f.Models) > 0 {
		for _, key := range []string{"model", "data", "samples"} {
			if l.document.Has(key) {
				l.fault(key, "", "stands in each table of models, where there are some")
			}
		}
		if l.overrides.Model != "" || l.overrides.Data != "" {
			l.fault("models", "", "several models cannot be replaced by --model or --data")
		}
		if len(f.Models) > maxModels {
			l.fault("models", "", "must have at most %d tables, not %d", maxModels, len(f.Models))
		}
		names := map[string]bool{}
		for i, m := range f.Models {
			prefix := fmt.Sprintf("models[%d].", i)
			switch {
			case !modelName.MatchString(m.Name) || len(m.Name) > maxName:
				l.fault(prefix+"name", "", "must be letters, digits and underscores: result keys of the model begin with it")
			case names[m.Name]:
				l.fault(prefix+"name", "", "there are two models %s", m.Name)
			}
			names[m.Name] = true
			if m.File == "" {
				l.fault(prefix+"file", "", "is missing")
			}
			model(prefix, m)
		}
	} else {
		m := modelForm{Name: "model", File: f.Model, Data: f.Data, Samples: f.Samples}
		if m.File == "" && l.overrides.Model == "" {
			l.fault("model", "", "is missing; name the network here or with --model")
		}
		model("", m)
		if l.overrides.Model != "" {
			s.Models[0].File = l.overrides.Model
		}
		if l.overrides.Data != "" {
			s.Models[0].Data = l.overrides.Data
		}
	}
	for i, m := range s.Models {
		model, data := "model", "data"
		if len(f.Models) > 0 {
			model, data = fmt.Sprintf("models[%d].file", i), fmt.Sprintf("models[%d].data", i)
		}
		l.exists(model, m.File)
		l.exists(data, m.Data)
	}
}

// exists checks that a file is there, if one is named.
func (l *loader) exists(key, file string) {
	if file == "" {
		return
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		l.fault(key, "", "%s: no such file", file)
	}
}

// resolve sees a path from the folder of the sweep.
func (l *loader) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.folder, filepath.FromSlash(path))
}

// searching reads the strategy and its budget.
func (l *loader) searching() {
	f, s := &l.form, &l.sweep
	s.Strategy, s.Points, s.Population, s.Keep = f.Strategy, int64(f.Budget.Points), f.NSGA2.Population, f.Halving.Keep
	l.integer("budget.points", f.Budget.Points, 0, maxBudget)
	if m := f.Budget.Minutes; !(m >= 0 && m <= maxMinutes) {
		l.fault("budget.minutes", "", "must be 0 to %g, not %g", maxMinutes, m)
	} else {
		s.Duration = time.Duration(m * float64(time.Minute))
	}
	if l.document.Has("nsga2") && s.Strategy != NSGA2 && !l.broken("strategy") {
		l.fault("nsga2", "", "goes with strategy = \"nsga2\"")
	}
	if l.document.Has("halving") && s.Strategy != SuccessiveHalving && !l.broken("strategy") {
		l.fault("halving", "", "goes with strategy = \"successive-halving\"")
	}
	if l.document.Has("nsga2.population") {
		l.integer("nsga2.population", s.Population, 8, 2048)
	}
	l.rungs()
	points, err := s.Space.Points()
	if err != nil {
		l.fault("axis", "", "the space has %v", err)
		return
	}
	s.SpacePoints = points
	enumerated := s.Points
	if enumerated == 0 || enumerated > points {
		enumerated = points
	}
	switch {
	case (s.Strategy == Random || s.Strategy == NSGA2) && s.Points == 0 && !l.broken("budget"):
		l.fault("budget.points", "", "is missing: the most points that strategy %s may evaluate", s.Strategy)
	case s.Strategy == SuccessiveHalving && enumerated > maxCandidates:
		l.fault("budget.points", "", "must bound the %d points of the space: successive halving compares at most %d", points, maxCandidates)
	case s.Strategy == Grid && points > maxGrid:
		l.fault("strategy", "", "a grid of %d points is above the limit of %d; strategy random, nsga2 or successive-halving takes a part of it", points, int64(maxGrid))
	}
}

// rungs sets up the ways of evaluation, the last of which is the full one.
func (l *loader) rungs() {
	f, s := &l.form, &l.sweep
	if s.Strategy == SuccessiveHalving {
		if k := f.Halving.Keep; !(k > 0 && k < 1) {
			l.fault("halving.keep", "", "must be more than 0 and less than 1, not %g", k)
		}
		if len(f.Halving.Rungs) >= maxRungs {
			l.fault("halving.rung", "", "must have fewer than %d tables, not %d", maxRungs, len(f.Halving.Rungs))
		}
		for i, r := range f.Halving.Rungs {
			prefix := fmt.Sprintf("halving.rung[%d]", i)
			l.integer(prefix+".samples", r.Samples, 0, maxSamples)
			if r.TimingOnly && l.needsAccuracy() {
				l.fault(prefix+".timing_only", "", "an objective or constraint needs accuracy, which a timed rung cannot give; use few samples")
			}
			if s.Base != nil {
				_, err := s.Base.With(r.Set...)
				var faults strict.Faults
				if errors.As(err, &faults) {
					for _, fault := range faults {
						l.fault(prefix+".set", fault.Nearest, "%s: %s", fault.File, fault.Rule)
					}
				}
			}
			s.Rungs = append(s.Rungs, Rung{Samples: r.Samples, TimingOnly: r.TimingOnly || s.TimingOnly, Set: r.Set})
		}
		if len(s.Rungs) == 0 {
			screen := Rung{Samples: defaultSamples, TimingOnly: s.TimingOnly}
			if s.Base != nil && s.Base.DRAM.Tier == configs.BankTier {
				screen.Set = []string{"dram.tier=linear"}
			}
			s.Rungs = append(s.Rungs, screen)
		}
	}
	s.Rungs = append(s.Rungs, Rung{TimingOnly: s.TimingOnly})
}

// shorten bounds what a message repeats of the input.
func shorten(text string) string {
	if len(text) <= maxName {
		return text
	}
	return strings.ToValidUTF8(text[:maxName], "") + "..."
}
