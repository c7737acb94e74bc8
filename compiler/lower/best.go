package lower

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"sync"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
)

// Judge tells how many cycles a program takes on the machine that it is
// lowered for. It may be called from several goroutines.
type Judge func(p *isa.Program) (cycles int64, err error)

// planned lists the bandwidths that Best plans for, in thousandths of a byte a
// cycle. They do not depend on the machine: among the same programs, more
// bandwidth never makes the best one slower.
var planned = [...]int64{1_000, 4_000, 16_000, 64_000}

// Best lowers a network once for each of several bandwidths and keeps the
// program that the judge finds fastest; of equals, the one with the least
// traffic. The search for tiles goes by estimates, which overlap and contention
// prove wrong by some percent: the judge decides.
//
// Networks of more than mostJudged instructions are planned for the bandwidth
// of the target alone, as Lower does.
func Best(g *integer.Graph, target *Target, options Options, judge Judge) (*isa.Program, error) {
	if judge == nil {
		return Lower(g, target, options)
	}
	trial := options
	trial.ShapeOnly = true // constants are not looked at
	first, err := Lower(g, target, trial)
	if err != nil {
		return nil, err
	}
	const mostJudged = 200_000
	if instructions(first) > mostJudged {
		return Lower(g, target, options)
	}
	type outcome struct {
		program       *isa.Program
		cycles, bytes int64
		err           error
	}
	outcomes := make([]outcome, len(planned))
	each := func(run func(i int, o *outcome)) {
		var group sync.WaitGroup
		for i := range outcomes {
			group.Go(func() { run(i, &outcomes[i]) })
		}
		group.Wait()
	}
	each(func(i int, o *outcome) {
		other := *target
		other.MilliBytesPerCycle = planned[i]
		o.program, o.err = Lower(g, &other, trial)
	})
	for i := range outcomes {
		for k := range i {
			if o := &outcomes[i]; o.err == nil && outcomes[k].err == nil && sameCode(o.program, outcomes[k].program) {
				o.err = errSame
			}
		}
	}
	each(func(_ int, o *outcome) {
		if o.err == nil {
			o.cycles, o.err = judge(o.program)
			o.bytes = moved(o.program)
		}
	})
	best := -1
	for i := range outcomes {
		o := &outcomes[i]
		if o.err == nil && (best < 0 || cmp.Or(cmp.Compare(o.cycles, outcomes[best].cycles), cmp.Compare(o.bytes, outcomes[best].bytes)) < 0) {
			best = i
		}
	}
	if best < 0 {
		return Lower(g, target, options)
	}
	chosen := *target
	chosen.MilliBytesPerCycle = planned[best]
	return Lower(g, &chosen, options)
}

// errSame marks a plan that comes out as an earlier one does.
var errSame = errors.New("the same program again")

// sameCode tells whether two programs of one network execute the same.
func sameCode(a, b *isa.Program) bool {
	if len(a.Descriptors) != len(b.Descriptors) || len(a.Semaphores) != len(b.Semaphores) {
		return false
	}
	for u := range a.Code {
		if !slices.Equal(a.Code[u], b.Code[u]) {
			return false
		}
	}
	return reflect.DeepEqual(a.Descriptors, b.Descriptors)
}

// instructions counts what a program executes.
func instructions(p *isa.Program) (n int) {
	for u := range p.Code {
		if len(p.Code[u]) == 0 {
			continue
		}
		if s, err := isa.NewStream(p.Code[u]); err == nil {
			n += s.DynamicLength()
		}
	}
	return n
}

// moved counts the bytes that the transfers of a program ask for.
func moved(p *isa.Program) (n int64) {
	for _, u := range []isa.Unit{isa.LoadDMA, isa.StoreDMA} {
		if len(p.Code[u]) == 0 {
			continue
		}
		s, err := isa.NewStream(p.Code[u])
		if err != nil {
			continue
		}
		cursor := s.Cursor()
		var d isa.Dynamic
		for cursor.Next(&d) {
			switch isa.Instructions[d.Instruction.Op].Descriptor {
			case isa.TransferKind:
				n += p.Descriptors[d.Instruction.Descriptor].(*isa.Transfer).DRAMBytes()
			case isa.EncodedKind:
				n += int64(p.Descriptors[d.Instruction.Descriptor].(*isa.EncodedWeights).StreamBytes())
			}
		}
	}
	return n
}
