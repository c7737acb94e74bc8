package lower

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
)

// Judge tells how many cycles a program takes on the machine that it is
// lowered for. It may be called from several goroutines.
type Judge func(p *isa.Program) (cycles int64, err error)

// bandwidths lists the bandwidths that Best plans for, in thousandths of a byte a
// cycle. They do not depend on the machine: among the same programs, more
// bandwidth never makes the best one slower.
var bandwidths = [...]int64{1_000, 4_000, 16_000, 64_000}

// mostJudged bounds the instructions of networks that are planned for several
// bandwidths; longer ones are planned for the bandwidth of the target alone.
const mostJudged = 200_000

// Best lowers a network once for each of several bandwidths and keeps the
// program that the judge finds fastest; of equals, the one with the least
// traffic. The search for tiles goes by estimates, which overlap and contention
// prove wrong by some percent: the judge decides.
//
// Networks of more than mostJudged instructions are planned for the bandwidth
// of the target alone, as Lower does, and so are all without a judge.
func Best(g *integer.Graph, target *Target, options Options, judge Judge) (*isa.Program, error) {
	if judge == nil {
		return Lower(g, target, options)
	}
	bandwidth, _, err := NewPlans(g, target, options).Choose(target, judge)
	if err != nil {
		return nil, err
	}
	chosen := *target
	chosen.MilliBytesPerCycle = bandwidth
	return Lower(g, &chosen, options)
}

// Plans are the programs that Best chooses from, without constants and without
// the hash and text of a machine. They serve
// every machine with the same Target.Plan, whatever its memory. They may be
// used by several goroutines.
type Plans struct {
	graph   *integer.Graph
	options Options

	// Of planning: memo holds what the search has found until the candidates are
	// planned.
	planning sync.Mutex
	memo     *memo
	long     map[int64]bool // of a bandwidth: whether the plan for it has more than mostJudged instructions

	candidates func() []candidate
	made       atomic.Bool // candidates has returned
}

// candidate is the plan for one of the bandwidths.
type candidate struct {
	program *isa.Program
	bytes   int64
	err     error
}

// NewPlans prepares the plans of a network. The work is done when they are
// first chosen from.
func NewPlans(g *integer.Graph, target *Target, options Options) *Plans {
	options.ShapeOnly, options.unlabelled = true, true // neither constants nor labels are looked at
	p := &Plans{graph: g, options: options, long: map[int64]bool{}}
	own := *target
	p.candidates = sync.OnceValue(func() []candidate { defer p.made.Store(true); return p.make(&own) })
	return p
}

// plan tiles the network for the bandwidth of a target.
func (p *Plans) plan(target *Target) (*lowering, error) {
	p.planning.Lock()
	defer p.planning.Unlock()
	l, err := planned(p.graph, target, p.options, p.memo)
	if l != nil && !p.made.Load() {
		p.memo = l.memo
	}
	return l, err
}

// make lowers the network for each bandwidth, once for those with equal plans.
func (p *Plans) make(target *Target) []candidate {
	list := make([]candidate, len(bandwidths))
	plans := make([]*lowering, len(bandwidths))
	for i := range list {
		other := *target
		other.MilliBytesPerCycle = bandwidths[i]
		plans[i], list[i].err = p.plan(&other)
		for k := range i {
			if list[i].err == nil && list[k].err == nil && plans[i].samePlan(plans[k]) {
				list[i].err = errSame
			}
		}
	}
	p.planning.Lock()
	p.memo = nil
	p.planning.Unlock()
	each(func(i int) {
		if c := &list[i]; c.err == nil {
			if c.program, c.err = plans[i].finish(); c.err == nil {
				c.bytes = moved(c.program)
			}
		}
	})
	for i := range list {
		for k := range i {
			if c := &list[i]; c.err == nil && list[k].err == nil && sameCode(c.program, list[k].program) {
				*c = candidate{err: errSame}
			}
		}
	}
	return list
}

// samePlan tells lowerings of one network that come out the same.
func (l *lowering) samePlan(other *lowering) bool {
	return slices.Equal(l.resident, other.resident) && slices.EqualFunc(l.choices, other.choices, func(a, b choice) bool { return a.tiling == b.tiling })
}

// Bytes is about the memory that the plans take.
func (p *Plans) Bytes() int64 {
	if !p.made.Load() {
		return 0
	}
	var n int64
	for _, c := range p.candidates() {
		if c.program == nil {
			continue
		}
		for u := range c.program.Code {
			n += int64(len(c.program.Code[u]))*int64(unsafe.Sizeof(isa.Instruction{})) + int64(len(c.program.Trace[u]))*int64(unsafe.Sizeof(isa.TraceRecord{}))
		}
		n += int64(len(c.program.Descriptors)) * descriptorBytes
		n += int64(len(c.program.Tensors)+len(c.program.Layers)) * descriptorBytes
	}
	return n
}

// descriptorBytes is about what a descriptor takes with the pointer to it.
const descriptorBytes = 128

// each runs a function for every planned bandwidth.
func each(run func(i int)) {
	var group sync.WaitGroup
	for i := range bandwidths {
		group.Go(func() { run(i) })
	}
	group.Wait()
}

// tooLong tells whether the network is too long to be judged on a target.
func (p *Plans) tooLong(target *Target) (bool, error) {
	p.planning.Lock()
	long, known := p.long[target.MilliBytesPerCycle]
	p.planning.Unlock()
	if known {
		return long, nil
	}
	l, err := p.plan(target)
	if err != nil {
		return false, err
	}
	if long = l.mostInstructions() > mostJudged; long { // perhaps
		first, err := l.finish()
		if err != nil {
			return false, err
		}
		long = instructions(first) > mostJudged
	}
	p.planning.Lock()
	defer p.planning.Unlock()
	p.long[target.MilliBytesPerCycle] = long
	return long, nil
}

// mostInstructions bounds what the program of a plan executes, semaphores
// counted. An innermost tile loads a part of each operand, keys, scales and
// parameters, computes once for each operand at most, and what follows is
// applied and stored; each of these waits for at most every other unit, which
// signals.
func (l *lowering) mostInstructions() (n int64) {
	const semaphores = int64(2 * (isa.NumUnits - 2))
	for k, s := range l.steps {
		channels, pixels, inputs := l.shape(s).tiles(&l.choices[k].tiling)
		each := int64(2*len(s.reads) + 6 + 2*len(s.followers))
		tables := int64(len(s.anchor.Inputs) + 1 + len(s.followers))
		n += (int64(channels)*int64(pixels)*int64(inputs)*each + tables) * (1 + semaphores)
	}
	return n + int64(isa.NumUnits)
}

// Choose judges the plans for a target, and returns the bandwidth that the
// network is to be lowered for and the plan itself; nil if that has not been
// made: without a judge, for a long network, and where no plan can be judged.
func (p *Plans) Choose(target *Target, judge Judge) (milliBytesPerCycle int64, chosen *isa.Program, err error) {
	if judge == nil {
		return target.MilliBytesPerCycle, nil, nil
	}
	if long, err := p.tooLong(target); err != nil || long {
		return target.MilliBytesPerCycle, nil, err
	}
	candidates := p.candidates()
	cycles := make([]int64, len(candidates))
	errs := make([]error, len(candidates))
	each(func(i int) {
		if errs[i] = candidates[i].err; errs[i] == nil {
			cycles[i], errs[i] = judge(candidates[i].program)
		}
	})
	best := -1
	for i := range candidates {
		if errs[i] == nil && (best < 0 || cmp.Or(cmp.Compare(cycles[i], cycles[best]), cmp.Compare(candidates[i].bytes, candidates[best].bytes)) < 0) {
			best = i
		}
	}
	if best < 0 {
		return target.MilliBytesPerCycle, nil, nil
	}
	return bandwidths[best], candidates[best].program, nil
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
			case isa.SealedKind:
				n += int64(p.Descriptors[d.Instruction.Descriptor].(*isa.SealedKeys).CodeBytes)
			case isa.EncodedKind:
				n += int64(p.Descriptors[d.Instruction.Descriptor].(*isa.EncodedWeights).StreamBytes())
			}
		}
	}
	return n
}
