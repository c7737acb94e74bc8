package timing_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/recording"
	"github.com/npusim/npusim/npu/timing"
)

// record times a program with and without a recording and compares the two.
func record(t testing.TB, p *isa.Program, spec *configs.Spec) *timing.Result {
	t.Helper()
	memory, err := timing.NewMemory(spec)
	if err != nil {
		t.Fatal(err)
	}
	r, err := timing.Record(p, spec, memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := *r
	plain.Recording = nil
	if want := run(t, p, spec); !reflect.DeepEqual(&plain, want) {
		t.Fatal("a recorded run has another result")
	}
	if err := r.Recording.Check(len(p.Layers)); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRecordingTilesTheTime: the spans of a unit follow one another without
// overlap or gap, their cycles sum to their length, and all of them to the
// causes of the result; bytes and MACs are those of the layers.
func TestRecordingTilesTheTime(t *testing.T) {
	for seed := range seeds(200) {
		p, spec := randomProgram(t, seed)
		r := record(t, p, spec)
		var bytes, macs, activations, weights int64
		for i, track := range r.Recording.Tracks {
			u := isa.Unit(i + 1)
			expect(t, "name of a track", track.Unit, u.String())
			var sum recording.Cycles
			var end int64
			for k := range track.Spans {
				s := &track.Spans[k]
				if s.Start != end || s.End < s.Start || s.Cycles.Sum() != s.Length() || s.Begun > s.Start {
					t.Fatalf("seed %d, %s: span %d is %+v, the one before ends at %d", seed, u, k, *s, end)
				}
				end = s.End
				sum.Add(&s.Cycles)
				switch s.Kind {
				case recording.Operation:
					bytes, macs = bytes+s.Bytes, macs+s.MACs
					activations += s.Ports.ActivationRead + s.Ports.ActivationWritten
					weights += s.Ports.WeightRead + s.Ports.WeightWritten
					if s.Layer < 0 || s.Layer >= len(p.Layers) || p.Descriptors[s.Descriptor].LayerIndex() != s.Layer {
						t.Fatalf("seed %d, %s: layer of %+v", seed, u, *s)
					}
					if transfer := s.Opcode == "load" || s.Opcode == "store" || s.Opcode == "load_encoded"; transfer != (s.Class != "") || transfer != (s.Bytes > 0) {
						t.Fatalf("seed %d, %s: class and bytes of %+v", seed, u, *s)
					}
				case recording.Wait:
					semaphore := p.Semaphores[s.Semaphore]
					if semaphore.Waiter != u || semaphore.Signaller.String() != s.For || s.Layer != -1 || s.Length() == 0 {
						t.Fatalf("seed %d, %s: %+v waits for %+v", seed, u, *s, semaphore)
					}
				default:
					t.Fatalf("seed %d, %s: %+v", seed, u, *s)
				}
			}
			c := r.Causes[u]
			want := recording.Cycles{Busy: c[timing.Busy], Fill: c[timing.Fill], Drain: c[timing.Drain], Bank: c[timing.Bank], DRAM: c[timing.DRAM], Semaphore: c[timing.Semaphore]}
			if sum != want || end+c[timing.Finished] != r.Cycles {
				t.Fatalf("seed %d, %s: spans sum to %+v and end at %d, causes are %+v of %d", seed, u, sum, end, c, r.Cycles)
			}
		}
		if bytes != r.Total.ReadBytes+r.Total.WrittenBytes || macs != r.Total.MACs {
			t.Fatalf("seed %d: %d bytes and %d MACs recorded, %d and %d done", seed, bytes, macs, r.Total.ReadBytes+r.Total.WrittenBytes, r.Total.MACs)
		}
		if activations != r.Total.ActivationBufferBytes || weights != r.Total.WeightBufferBytes {
			t.Fatalf("seed %d: %d and %d bytes through ports recorded, %d and %d done", seed, activations, weights, r.Total.ActivationBufferBytes, r.Total.WeightBufferBytes)
		}
		if r.Recording.Joined != 0 || r.Recording.LinksLeftOut != 0 || r.Recording.BlocksLeftOut != 0 {
			t.Fatalf("seed %d: something of a small program is left out", seed)
		}
	}
}

// TestLinksOfARecording: cause comes before effect, and every wait that ended
// by the signal of an operation has a link that held the unit up.
func TestLinksOfARecording(t *testing.T) {
	held := 0
	for seed := range seeds(200) {
		p, spec := randomProgram(t, seed)
		r := record(t, p, spec).Recording
		for _, l := range r.Links {
			from, to := &r.Tracks[l.From.Track].Spans[l.From.Span], &r.Tracks[l.To.Track].Spans[l.To.Span]
			semaphore := p.Semaphores[l.Semaphore]
			if from.Kind != recording.Operation || to.Kind != recording.Operation ||
				semaphore.Signaller.String() != r.Tracks[l.From.Track].Unit || semaphore.Waiter.String() != r.Tracks[l.To.Track].Unit {
				t.Fatalf("seed %d: link %+v from %+v to %+v over %+v", seed, l, *from, *to, semaphore)
			}
			if from.End > l.Signalled || l.Signalled > l.Taken || l.Taken > to.Begun || l.Held < 0 || l.Held > l.Taken || l.Held > 0 && l.Signalled != l.Taken {
				t.Fatalf("seed %d: link %+v from %+v to %+v", seed, l, *from, *to)
			}
			if l.Held > 0 {
				held++
			}
		}
		for u, track := range r.Tracks {
			for k := range track.Spans {
				wait := &track.Spans[k]
				if wait.Kind != recording.Wait {
					continue
				}
				found := false
				for _, l := range r.Links {
					found = found || l.To.Track == u && l.Semaphore == wait.Semaphore && l.Taken == wait.End && l.Held >= wait.Length()
				}
				followed := false // an operation that the wait held up
				for _, later := range track.Spans[k+1:] {
					followed = followed || later.Kind == recording.Operation
				}
				if followed && !found && !repeated(track.Spans, k) {
					t.Fatalf("seed %d, %s: nothing ends %+v", seed, track.Unit, *wait)
				}
			}
		}
	}
	if held == 0 {
		t.Fatal("no unit was ever held up")
	}
}

// repeated tells that a unit waits for the same semaphore again before it does
// anything: only the longer wait has a link.
func repeated(spans []recording.Span, k int) bool {
	for _, direction := range []int{1, -1} {
		for i := k + direction; i >= 0 && i < len(spans) && spans[i].Kind == recording.Wait; i += direction {
			if spans[i].Semaphore == spans[k].Semaphore {
				return true
			}
		}
	}
	return false
}

// TestMemoryOfARecording: no byte holds two things at once, nothing lies
// beyond the reported peak, which is the end of the highest allocation, aligned;
// the highest address in use is the highest that is ever written; and the
// levels are the sums of the blocks.
func TestMemoryOfARecording(t *testing.T) {
	for seed := range seeds(200) {
		p, spec := randomProgram(t, seed)
		r := record(t, p, spec).Recording
		written := writtenEnd(t, p)
		for i := range r.Memory {
			pad := &r.Memory[i]
			space := isa.ActivationBuffer + isa.Space(i)
			size := int64(1) // bytes of an address
			if space == isa.TableBuffer {
				size = spec.LUTGEMM.TableBytes()
			}
			expect(t, "name", pad.Name, space.String())
			var highest int64
			for k, b := range pad.Blocks {
				highest = max(highest, b.High)
				if b.Low >= b.High || b.Low < 0 || b.From >= b.To || b.From < 0 || b.To > r.Cycles || b.Layer < 0 || b.Layer >= len(p.Layers) || b.Class == "" {
					t.Fatalf("seed %d, %s: block %+v", seed, space, b)
				}
				for _, o := range pad.Blocks[k+1:] {
					if b.Low < o.High && o.Low < b.High && b.From < o.To && o.From < b.To {
						t.Fatalf("seed %d, %s: %+v and %+v overlap", seed, space, b, o)
					}
				}
			}
			expect(t, fmt.Sprintf("seed %d: end of what is written to %s", seed, space), highest, size*written[space])
			if highest > pad.Allocated || pad.Allocated != size*int64(p.Buffers[space]) {
				t.Fatalf("seed %d, %s: %d bytes in use of %d allocated, the program says %d", seed, space, highest, pad.Allocated, p.Buffers[space])
			}
			for k, l := range pad.Levels {
				if l.Bytes < 0 || l.Bytes > pad.Allocated || l.Bytes > limit(spec, space) {
					t.Fatalf("seed %d, %s: level %+v of %d allocated", seed, space, l, pad.Allocated)
				}
				var sum int64
				for _, b := range pad.Blocks {
					if b.From <= l.Cycle && l.Cycle < b.To {
						sum += b.High - b.Low
					}
				}
				if sum != l.Bytes || k > 0 && pad.Levels[k-1].Cycle >= l.Cycle {
					t.Fatalf("seed %d, %s: level %d is %+v, blocks hold %d bytes", seed, space, k, l, sum)
				}
			}
		}
	}
}

// writtenEnd walks a program for the end of what it writes to each space.
func writtenEnd(t *testing.T, p *isa.Program) (end [isa.NumSpaces]int64) {
	t.Helper()
	for u := range p.Code {
		if len(p.Code[u]) == 0 {
			continue
		}
		stream, err := isa.NewStream(p.Code[u])
		if err != nil {
			t.Fatal(err)
		}
		cursor := stream.Cursor()
		var d isa.Dynamic
		for cursor.Next(&d) {
			if isa.Instructions[d.Instruction.Op].Descriptor == isa.NoDescriptor {
				continue
			}
			for _, a := range isa.Accesses(nil, &d, p.Descriptors[d.Instruction.Descriptor]) {
				if a.Write {
					end[a.Space] = max(end[a.Space], int64(a.Set.End()))
				}
			}
		}
	}
	return end
}

func limit(spec *configs.Spec, space isa.Space) int64 {
	l := limits(spec)
	return int64([isa.NumSpaces]uint64{isa.ActivationBuffer: l.Activation, isa.WeightBuffer: l.Weight, isa.AccumulatorBuffer: l.Accumulator}[space])
}
