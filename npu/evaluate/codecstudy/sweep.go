package codecstudy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parameters that a sweep may change.
const (
	SweepInputs    = "n-in"
	SweepOutputs   = "n-out"
	SweepRegisters = "n-s"
	SweepSparsity  = "sparsity"
)

// Parameters lists them.
func Parameters() []string {
	return []string{SweepInputs, SweepOutputs, SweepRegisters, SweepSparsity}
}

// MaxSweep bounds the rows of a sweep.
const MaxSweep = 200

// Sweep is a parameter and its values, in rising order.
type Sweep struct {
	Parameter string
	Values    []float64
}

// ParseSweep reads parameter=from:to or parameter=from:to:step. The last value
// is the largest that does not pass the end.
func ParseSweep(text string) (*Sweep, error) {
	name, interval, ok := strings.Cut(text, "=")
	if !ok || !slices.Contains(Parameters(), name) {
		return nil, fmt.Errorf("sweep %s: must be PARAMETER=FROM:TO[:STEP] of %s", text, strings.Join(Parameters(), ", "))
	}
	parts := strings.Split(interval, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return nil, fmt.Errorf("sweep %s: must be FROM:TO or FROM:TO:STEP after the =", text)
	}
	numbers := []float64{0, 0, 1}
	if name == SweepSparsity {
		numbers[2] = 0.05
	}
	for i, part := range parts {
		x, err := strconv.ParseFloat(part, 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			return nil, fmt.Errorf("sweep %s: %q is no number", text, part)
		}
		if name != SweepSparsity && x != math.Trunc(x) {
			return nil, fmt.Errorf("sweep %s: %q must be a whole number", text, part)
		}
		numbers[i] = x
	}
	from, to, step := numbers[0], numbers[1], numbers[2]
	switch {
	case step <= 0:
		return nil, fmt.Errorf("sweep %s: the step %g must be above 0", text, step)
	case to < from:
		return nil, fmt.Errorf("sweep %s: must not go down from %g to %g", text, from, to)
	case (to-from)/step >= MaxSweep:
		return nil, fmt.Errorf("sweep %s: must have at most %d values", text, MaxSweep)
	}
	s := &Sweep{Parameter: name}
	for i := range int((to-from)/step+1e-9) + 1 {
		// Rounded to what people write: 0.65, not 0.6500000000000001.
		value, err := strconv.ParseFloat(strconv.FormatFloat(from+float64(i)*step, 'g', 12, 64), 64)
		if err != nil {
			return nil, err
		}
		s.Values = append(s.Values, value)
	}
	return s, nil
}

// set gives the parameter of options a value.
func (s *Sweep) set(o *Options, value float64) {
	switch s.Parameter {
	case SweepInputs:
		o.Inputs = int(value)
	case SweepOutputs:
		o.Outputs = int(value)
	case SweepRegisters:
		o.Registers = int(value)
	case SweepSparsity:
		o.Sparsity = value
	}
}

// Check returns the first rule that the options break at any value.
func (s *Sweep) Check(o Options) error {
	for _, value := range s.Values {
		s.set(&o, value)
		if s.Parameter == SweepOutputs && o.Outputs == 0 {
			return errors.New("sweep n-out: must begin above 0")
		}
		if err := o.Check(); err != nil {
			return err
		}
	}
	return nil
}

// RunSweep studies a source at every value of a sweep. All values are checked
// before the first study.
func RunSweep(ctx context.Context, source *Source, o Options, s *Sweep) (*SweepResult, error) {
	began := time.Now()
	if err := s.Check(o); err != nil {
		return nil, &UsageError{err}
	}
	result := &SweepResult{Codec: o.Codec.String(), Parameter: s.Parameter, Source: source.Name, Seed: o.Seed}
	progress := o.Progress
	for i, value := range s.Values {
		s.set(&o, value)
		if progress != nil {
			o.Progress = func(stage string, done, total int) {
				progress(fmt.Sprintf("%d of %d: %s", i+1, len(s.Values), stage), done, total)
			}
		}
		r, err := Run(ctx, source, o)
		if err != nil {
			return nil, err
		}
		result.Rows = append(result.Rows, Row{value, *r})
		h := &result.Host
		h.Workers = r.Host.Workers
		h.ChooseSeconds += r.Host.ChooseSeconds
		h.EncodeSeconds += r.Host.EncodeSeconds
		h.DecodeSeconds += r.Host.DecodeSeconds
	}
	result.Host.WallSeconds = time.Since(began).Seconds()
	return result, nil
}
