package evaluate

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
)

// point is a job on its way through a session.
type point struct {
	job
	session *Session
	request Request
	reuse   *Reuse
	chosen  *compiler.Compilation // of an ONNX model, up to the choice among plans
	judged  judgement
}

// point sets up a job.
func (s *Session) point(spec *configs.Spec, q Request, reuse *Reuse) (*point, error) {
	p := &point{job: job{options: &s.options, spec: spec, compilation: s.float}, session: s, request: q, reuse: reuse}
	if spec == nil {
		if s.program == nil {
			return nil, usage(fmt.Errorf("a configuration is needed to compile %s", s.options.Model))
		}
		var err error
		if p.spec, err = configs.Parse(s.options.Model+" (its configuration)", s.program.Config); err != nil {
			return nil, usage(err)
		}
	}
	p.judged.spec = p.spec
	if s.inputs != nil {
		var err error
		if p.inputs, err = s.inputs.take(q.Samples); err != nil {
			return nil, usage(err)
		}
	}
	return p, nil
}

// prepare makes the program that is timed.
func (p *point) prepare(ctx context.Context) error {
	switch {
	case p.session.topology != nil:
		return p.fromShapes(ctx)
	case p.session.program != nil:
		return p.fromProgram()
	}
	var err error
	if p.chosen, err = p.choose(ctx); err != nil {
		return err
	}
	if p.compilation, err = p.lower(ctx, p.chosen, true); err != nil {
		return err
	}
	p.program, p.compiled = p.compilation.Program, true
	return nil
}

// compilerOptions are those of the passes for this point.
func (p *point) compilerOptions() compiler.Options {
	return compiler.Options{
		Spec: p.spec, Workers: p.options.workers(), Calibration: p.inputs.calibration(), Judge: p.judged.judge, Cache: p.options.Codes,
		Progress: func(pass string) { p.options.progress("compile: "+pass, 0, 0) },
	}
}

// choose runs the passes up to the choice among plans, sharing all that came
// before.
func (p *point) choose(ctx context.Context) (*compiler.Compilation, error) {
	s, options := p.session, p.compilerOptions()
	c := s.float
	key := ""
	for _, of := range []struct {
		stage Stage
		last  compiler.Pass
		cache *shared[*compiler.Compilation]
	}{
		{CalibrationStage, compiler.CalibratePass, &s.calibrated},
		{QuantizationStage, compiler.QuantizePass, &s.quantized},
		{CodeStage, compiler.FitPass, &s.fitted},
		{PlanStage, compiler.PlanPass, &s.planned},
	} {
		from := c
		key = p.key(of.last)
		var found bool
		var err error
		c, found, err = of.cache.get(ctx, key, func() (*compiler.Compilation, error) {
			made := from.Branch(options)
			err := made.Run(ctx, of.last)
			made.Options = compiler.Options{}     // holds on to this point
			if of.last >= compiler.QuantizePass { // later passes need no more of it
				made.Calibration, made.Pruned = nil, made.Network
			}
			return made, err
		})
		if err != nil {
			return nil, usage(err)
		}
		if of.stage != CodeStage || c.Encoder != nil {
			p.origin(of.stage, found)
		}
	}
	chosen := c.Branch(options)
	err := chosen.Run(ctx, compiler.ChoosePass)
	s.planned.measure(key)
	return chosen, usage(err)
}

func (p *point) origin(s Stage, found bool) {
	p.reuse.Origins[s] = Made
	if found {
		p.reuse.Origins[s] = Shared
	}
}

// key names what the passes up to last make of the network.
func (p *point) key(last compiler.Pass) string {
	text := compiler.Reads(last, p.spec)
	if p.inputs.set == nil { // random calibration samples follow those for evaluation
		text += " " + strconv.Itoa(len(p.inputs.evaluate))
	}
	return text
}

// lower makes the program; one that is only timed may lack its constants. What
// has coded weights takes long and is shared.
func (p *point) lower(ctx context.Context, chosen *compiler.Compilation, timedOnly bool) (*compiler.Compilation, error) {
	create := func() (*compiler.Compilation, error) {
		options := chosen.Options
		options.TimedOnly = timedOnly
		c := chosen.Branch(options)
		err := c.Run(ctx, compiler.VerifyPass)
		c.Options.Judge, c.Options.Progress = nil, nil // hold on to this point
		return c, err
	}
	if chosen.Encoder == nil {
		c, err := create()
		return c, usage(err)
	}
	key := fmt.Sprintf("%s %d", p.key(compiler.PlanPass), chosen.Bandwidth)
	c, found, err := p.session.lowered.get(ctx, key, create)
	p.origin(ProgramStage, found)
	return c, usage(err)
}

// fromProgram takes a compiled program.
func (p *point) fromProgram() error {
	p.program = p.session.program
	if hash := p.spec.MachineHash(); hash != p.program.MachineHash {
		return usage(fmt.Errorf("%s was compiled for another machine: its machine hash is %x, that of configuration %s is %x (they cover units, scratchpads, alignment and ISA options)",
			p.options.Model, p.program.MachineHash[:8], p.spec.Name, hash[:8]))
	}
	if err := isa.Verify(p.program, compiler.Limits(p.spec)); err != nil {
		return usage(fmt.Errorf("%s: %w", p.options.Model, err))
	}
	if err := checkStalls(p.program, p.spec); err != nil {
		return usage(fmt.Errorf("%s: %w", p.options.Model, err))
	}
	return nil
}

// outcome is what executing samples says; nothing of it depends on tiles or
// time.
type outcome struct {
	accuracy   *Accuracy
	layers     []*float64 // signal-to-noise ratio of each layer, or nil
	executedOn string
}

func (o *outcome) bytes() int64 { return int64(1024 + 16*len(o.layers)) }

// fill puts copies into a result.
func (o *outcome) fill(r *Result) {
	a := *o.accuracy
	for _, share := range []**float64{&a.FloatTop1, &a.NPUTop1, &a.Top1Difference, &a.Agreement, &a.SQNRDB, &a.Cosine} {
		*share = copied(*share)
	}
	a.Top1DifferenceInterval, a.BitExact = copied(a.Top1DifferenceInterval), copied(a.BitExact)
	r.Accuracy = &a
	for i, db := range o.layers {
		r.Layers[i].SQNRDB = copied(db)
	}
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return pointer(*p)
}

// outcome executes the samples, unless a program of the same integer network
// has executed them.
func (p *point) outcome(ctx context.Context) (*outcome, error) {
	key := fmt.Sprintf("%d samples", len(p.inputs.evaluate))
	if p.compiled {
		last := compiler.QuantizePass
		if e := p.compilation.Encoder; e != nil && e.Fits() {
			last = compiler.FitPass
		}
		if p.request.OwnProgram {
			last = compiler.ChoosePass
		}
		key += " " + p.key(last)
	}
	o, found, err := p.session.outcomes.get(ctx, key, func() (*outcome, error) {
		if err := p.store(ctx); err != nil {
			return nil, err
		}
		accuracy, outcomes, err := p.accuracy(ctx)
		if err != nil {
			return nil, err
		}
		hash := p.spec.MachineHash()
		return &outcome{accuracy, p.layerSQNR(outcomes), hex.EncodeToString(hash[:])}, nil
	})
	if err != nil {
		return nil, err
	}
	p.origin(AccuracyStage, found)
	p.reuse.ExecutedOn = o.executedOn
	return o, nil
}

// store makes a program with its constants of one without.
func (p *point) store(ctx context.Context) error {
	if !p.program.ShapeOnly {
		return nil
	}
	c, err := p.lower(ctx, p.chosen, false)
	if err != nil {
		return err
	}
	p.program = c.Program
	return nil
}
