package functional_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/lower/lowertest"
	"github.com/npusim/npusim/isa"
)

// site is an instruction with its descriptor.
type site struct {
	in *isa.Instruction
	d  isa.Descriptor
}

// sites lists the instructions of a unit that match.
func sites(p *isa.Program, u isa.Unit, match func(in *isa.Instruction, d isa.Descriptor) bool) []site {
	var list []site
	for i := range p.Code[u] {
		in := &p.Code[u][i]
		var d isa.Descriptor
		if isa.Instructions[in.Op].Descriptor != isa.NoDescriptor {
			d = p.Descriptors[in.Descriptor]
		}
		if match(in, d) {
			list = append(list, site{in, d})
		}
	}
	return list
}

// pick chooses a site, or none.
func pick(r *rand.Rand, list []site) (site, bool) {
	if len(list) == 0 {
		return site{}, false
	}
	return list[r.IntN(len(list))], true
}

// loaded picks a load of constants of a class whose layer is a convolution,
// and an offset in the constants within the part of it that size gives.
func loaded(p *isa.Program, r *rand.Rand, class isa.TensorClass) (s site, ok bool) {
	return pick(r, sites(p, isa.LoadDMA, func(in *isa.Instruction, d isa.Descriptor) bool {
		t, is := d.(*isa.Transfer)
		return is && t.Class == class && in.Operands[0].Space == isa.Weights && p.Layers[t.Layer].WeightBits > 0
	}))
}

// tileOf finds the convolution descriptor that reads the parameters of a load:
// one of the layer with a block of that size.
func tileOf(p *isa.Program, s site) *isa.ConvolutionTile {
	load := s.d.(*isa.Transfer)
	for _, d := range p.Descriptors {
		if t, is := d.(*isa.ConvolutionTile); is && t.Layer == load.Layer && isa.ParameterBytes(int(t.OutputChannels), t.Mode) == int(load.Run) && t.Last {
			return t
		}
	}
	return nil
}

// mutations plant one fault each in a program and report in which layer, or
// that the program has no place for it.
var mutations = []struct {
	name  string
	apply func(p *isa.Program, r *rand.Rand) (layer int, ok bool)
}{
	{"a weight", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := loaded(p, r, isa.WeightClass)
		if !ok {
			return 0, false
		}
		t := s.d.(*isa.Transfer)
		// The top bit of an element of the packed stream.
		bit := r.IntN(int(t.Run))*int(t.Bits) + int(t.Bits) - 1
		p.Constants[int(s.in.Operands[0].Offset)+bit/8] ^= 1 << (bit % 8)
		return int(t.Layer), true
	}},
	{"a bias", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := loaded(p, r, isa.MetadataClass)
		if !ok {
			return 0, false
		}
		tile := tileOf(p, s)
		if tile == nil {
			return 0, false
		}
		p.Constants[int(s.in.Operands[0].Offset)+4*r.IntN(int(tile.OutputChannels))+1] ^= 0x40 // 2^14
		return int(tile.Layer), true
	}},
	{"a channel shift", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := loaded(p, r, isa.MetadataClass)
		if !ok {
			return 0, false
		}
		tile := tileOf(p, s)
		if tile == nil || tile.Mode != isa.ChannelShift {
			return 0, false
		}
		n := int(tile.OutputChannels)
		c := r.IntN(n)
		p.Constants[int(s.in.Operands[0].Offset)+4*n+c/2] ^= 4 << (c % 2 * 4)
		return int(tile.Layer), true
	}},
	{"a clamp", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := pick(r, sites(p, isa.MACArray, func(_ *isa.Instruction, d isa.Descriptor) bool {
			t, is := d.(*isa.ConvolutionTile)
			return is && t.Last && t.Low < t.High
		}))
		if !ok {
			return 0, false
		}
		t := s.d.(*isa.ConvolutionTile)
		t.High = t.Low // everything saturates
		return int(t.Layer), true
	}},
	{"a zero point", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := pick(r, sites(p, isa.MACArray, func(_ *isa.Instruction, d isa.Descriptor) bool {
			t, is := d.(*isa.ConvolutionTile)
			return is && t.Last
		}))
		if !ok {
			return 0, false
		}
		t := s.d.(*isa.ConvolutionTile)
		t.Zero ^= 16
		return int(t.Layer), true
	}},
	{"an operand one pixel on", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := pick(r, sites(p, isa.MACArray, func(in *isa.Instruction, _ isa.Descriptor) bool {
			return in.Op == isa.Convolution || in.Op == isa.Depthwise
		}))
		if !ok {
			return 0, false
		}
		t := s.d.(*isa.ConvolutionTile)
		s.in.Operands[0].Offset += uint64(t.Input.PixelStride)
		return int(t.Layer), true
	}},
	{"a result one pixel on", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := pick(r, sites(p, isa.StoreDMA, func(in *isa.Instruction, _ isa.Descriptor) bool { return in.Op == isa.Store }))
		if !ok {
			return 0, false
		}
		t := s.d.(*isa.Transfer)
		s.in.Operands[0].Offset += uint64(t.Group)
		return int(t.Layer), true
	}},
	{"an origin", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := pick(r, sites(p, isa.MACArray, func(in *isa.Instruction, d isa.Descriptor) bool {
			t, is := d.(*isa.ConvolutionTile)
			return is && t.InputColumns > 1
		}))
		if !ok {
			return 0, false
		}
		t := s.d.(*isa.ConvolutionTile)
		t.OriginColumn++
		return int(t.Layer), true
	}},
	{"a loop step", func(p *isa.Program, r *rand.Rand) (int, bool) {
		s, ok := pick(r, sites(p, isa.LoadDMA, func(in *isa.Instruction, _ isa.Descriptor) bool {
			return in.Op == isa.Load && in.Operands[0].InnerStep > 1
		}))
		if !ok {
			return 0, false
		}
		s.in.Operands[0].InnerStep--
		return s.d.LayerIndex(), true
	}},
}

// TestMutationsAreFound: a fault planted in a program is found by the
// comparison of tiles, or refused by verification, and blamed on no layer
// before the one that holds it. Some faults change nothing: results saturate or
// vanish, weights meet nothing but zeros, padding equals what it hides.
func TestMutationsAreFound(t *testing.T) {
	for _, networks := range []struct {
		name  string
		draw  func(testing.TB, uint64) *program
		least float64 // share of the faults that must be found
	}{{"any operators", newCase, 0.4}, {"chains", newChain, 0.9}} {
		t.Run(networks.name, func(t *testing.T) {
			seeds := max(cases(160), 80) // fewer would leave the shares to chance
			found, planted := make([]int, len(mutations)), make([]int, len(mutations))
			for seed := range seeds {
				c := networks.draw(t, seed)
				for i := range mutations {
					m := &mutations[i]
					p := clone(t, c.program)
					layer, ok := m.apply(p, rand.New(rand.NewPCG(seed, uint64(i))))
					if !ok {
						continue
					}
					planted[i]++
					err := c.compare(p)
					if err == nil {
						continue
					}
					found[i]++
					var first *mismatch
					if errors.As(err, &first) && first.layer < layer {
						t.Errorf("seed %d: %s of layer %d is blamed on layer %d: %v", seed, m.name, layer, first.layer, err)
					}
				}
			}
			for i := range mutations {
				t.Logf("%s: %d of %d found", mutations[i].name, found[i], planted[i])
				if planted[i] < int(seeds)/8 {
					t.Errorf("%s: only %d programs have a place for it", mutations[i].name, planted[i])
				}
				if float64(found[i]) < networks.least*float64(planted[i]) {
					t.Errorf("%s: %d of %d found, want %.0f %%", mutations[i].name, found[i], planted[i], 100*networks.least)
				}
			}
		})
	}
}

// TestDroppedSynchronizationIsRefused: lowering emits no wait or signal that
// the proof of order can do without.
func TestDroppedSynchronizationIsRefused(t *testing.T) {
	refused, dropped := 0, 0
	for seed := range cases(120) {
		c := newCase(t, seed)
		limits := lowertest.Limits(c.spec)
		if err := isa.Verify(c.program, limits); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for s := range c.program.Semaphores {
			// Dropping the first wait and the first signal of a semaphore
			// keeps the credits even but shifts or unties every pair.
			p := clone(t, c.program)
			if !drop(p, isa.Wait, uint32(s)) || !drop(p, isa.Signal, uint32(s)) {
				t.Fatalf("seed %d: semaphore %d is never used", seed, s)
			}
			dropped++
			if isa.Verify(p, limits) != nil {
				refused++
			}
			// One without the other leaves a credit or waits for ever.
			for _, op := range []isa.Opcode{isa.Wait, isa.Signal} {
				p := clone(t, c.program)
				drop(p, op, uint32(s))
				if isa.Verify(p, limits) == nil {
					t.Errorf("seed %d: a program without one %s of s%d verifies", seed, op, s)
				}
			}
		}
	}
	t.Logf("%d of %d programs without a pair refused", refused, dropped)
	if refused*10 < dropped*9 {
		t.Errorf("%d of %d programs without a pair refused", refused, dropped)
	}
}

// drop removes the first wait or signal of a semaphore; in a loop that is one
// of every round, so the loop's other instructions keep their meaning.
func drop(p *isa.Program, op isa.Opcode, semaphore uint32) bool {
	for u := range p.Code {
		for i := range p.Code[u] {
			if in := &p.Code[u][i]; in.Op == op && in.Count == semaphore {
				p.Code[u] = append(p.Code[u][:i:i], p.Code[u][i+1:]...)
				if i > 0 && p.Code[u][i-1].Op == isa.Loop && p.Code[u][i].Op == isa.EndLoop {
					p.Code[u] = append(p.Code[u][:i-1:i-1], p.Code[u][i+1:]...)
				}
				return true
			}
		}
	}
	return false
}
