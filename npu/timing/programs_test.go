package timing_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/npu/timing"
)

// unitSpec is a machine with round figures: 1 ns a cycle, 1 byte a cycle from
// DRAM, 100 cycles of read latency, requests of 64 bytes, no set-up, a 4 x 4
// array. Requests are whole bursts, so rounding plays no part.
func unitSpec(t testing.TB, sets ...string) *configs.Spec {
	t.Helper()
	spec, err := configs.Load("edge", append([]string{
		"npu.clock_mhz=1000", "mac_array.rows=4", "mac_array.columns=4", "mac_array.overlap_weight_load=false",
		"npu.channel_block=16", "npu.activation_bytes_per_cycle=65536", "npu.weight_bytes_per_cycle=65536", "npu.accumulator_bytes_per_cycle=65536",
		"vector.lanes=1", "vector.table_lanes=1",
		"dma.request_bytes=64", "dma.alignment_bytes=64", "dma.outstanding_requests=1024", "dma.setup_cycles=0",
		"dram.tier=linear", "dram.efficiency=1", "dram.bandwidth_gb_per_s=1", "dram.latency_ns=100", "dram.burst_bytes=64",
	}, sets...))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// program assembles a hand-written program with one layer and room in every
// region, and verifies it.
func program(t testing.TB, spec *configs.Spec, text string) *isa.Program {
	t.Helper()
	p, err := isa.Assemble(`npusim-program 1.0
rounding half-up-shift
region input 65536
region output 65536
region scratch 65536
t0 = tensor "t" channels=1 rows=1 columns=1 bits=8 zero=0 scale=1
l0 = layer "first" op="x" tensor=0 macs=0 weight_bits=8
l1 = layer "second" op="x" tensor=0 macs=0 weight_bits=8
`+text, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := isa.Verify(p, limits(spec)); err != nil {
		t.Fatal(err)
	}
	return p
}

func limits(spec *configs.Spec) isa.Limits {
	return isa.Limits{Activation: uint64(spec.NPU.ActivationBufferBytes()), Weight: uint64(spec.NPU.WeightBufferBytes()),
		Accumulator: uint64(spec.NPU.AccumulatorBufferBytes()), Tables: uint64(spec.LUTGEMM.TableSlots())}
}

func run(t testing.TB, p *isa.Program, spec *configs.Spec) *timing.Result {
	t.Helper()
	r, err := timing.Run(p, spec)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// causes lists how a unit spends its cycles.
func causes(r *timing.Result, u isa.Unit) string {
	var list []string
	for c := timing.Busy; int(c) < timing.NumCauses; c++ {
		if n := r.Causes[u][c]; n > 0 {
			list = append(list, fmt.Sprintf("%s %d", c, n))
		}
	}
	return strings.Join(list, ", ")
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

const load256 = "d0 = transfer layer=0 class=activations bits=8 group=256 run=256 rows=1 blocks=1\n"

// TestSingleLoad: the closed form of one transfer of 256 bytes, 4 requests of
// 64 cycles each and 100 cycles of latency.
func TestSingleLoad(t *testing.T) {
	code := load256 + "code load\nload d0 from=input[0x0] to=activation_buffer[0x0]\nhalt\n"
	for _, test := range []struct {
		name, set string
		cycles    int64
	}{
		{"streaming", "dma.outstanding_requests=1024", 256 + 100},
		{"one request at a time", "dma.outstanding_requests=1", 4 * (64 + 100)},
		{"two at a time", "dma.outstanding_requests=2", 2*(64+64+100-64) + 64}, // the third leaves when the first is back
		{"set-up", "dma.setup_cycles=7", 7 + 256 + 100},
		{"without latency", "dram.latency_ns=0", 256},
		{"twice the bandwidth", "dram.bandwidth_gb_per_s=2", 128 + 100},
		{"half a byte of clock", "npu.clock_mhz=500", (256 + 100) / 2},
		{"three clocks in a nanosecond", "npu.clock_mhz=3000", 3 * (256 + 100)},
		{"one request a cycle", "npu.clock_mhz=3", 4}, // the last leaves at 1000 ns, is back at 1164, in the cycle that starts at 1333
		{"ideal tier", "dram.tier=ideal", 256},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := unitSpec(t, test.set)
			r := run(t, program(t, spec, code), spec)
			expect(t, "cycles", r.Cycles, test.cycles)
			expect(t, "causes of the load unit", causes(r, isa.LoadDMA), fmt.Sprintf("busy %d", test.cycles))
			expect(t, "causes of the array", causes(r, isa.MACArray), fmt.Sprintf("finished %d", test.cycles))
			expect(t, "read", [2]int64{r.Total.ReadBytes, r.Total.Requests}, [2]int64{256, 4})
			expect(t, "timeline", r.Timeline[isa.LoadDMA], []timing.Interval{{Start: 0, End: test.cycles, Layer: 0}})
		})
	}
}

// TestBandwidthOfOneOutstanding: with one request in flight the bandwidth is
// bytes / (latency + transfer), with many it is that of the bus.
func TestBandwidthOfOneOutstanding(t *testing.T) {
	const bytes = 64 * 512
	code := fmt.Sprintf("d0 = transfer layer=0 class=activations bits=8 group=%d run=%d rows=1 blocks=1\ncode load\nload d0 from=input[0x0] to=activation_buffer[0x0]\nhalt\n", bytes, bytes)
	for outstanding := 1; outstanding <= 4; outstanding++ {
		spec := unitSpec(t, fmt.Sprintf("dma.outstanding_requests=%d", outstanding))
		r := run(t, program(t, spec, code), spec)
		// A request is out for 164 cycles, of which 64 use the bus: three
		// requests cover the latency.
		want := map[int]int64{1: 512 * 164, 2: 256*164 + 64, 3: 512*64 + 100, 4: 512*64 + 100}[outstanding]
		expect(t, fmt.Sprintf("cycles with %d outstanding", outstanding), r.Cycles, want)
	}
}

// TestRequestsOfATransfer: rows that do not touch cost bursts of their own,
// rows that touch merge, and requests end at multiples of their largest size.
func TestRequestsOfATransfer(t *testing.T) {
	for _, test := range []struct {
		name, fields, from string
		requests, bytes    int64
	}{
		{"dense rows merge", "group=64 run=64 rows=8 blocks=1 dram_row_stride=64 buffer_row_stride=64", "0x0", 8, 512},
		{"short dense rows merge", "group=16 run=16 rows=8 blocks=1 dram_row_stride=16 buffer_row_stride=16", "0x0", 2, 128},
		{"dense blocks merge too", "group=16 run=16 rows=4 blocks=2 dram_row_stride=16 dram_block_stride=64 buffer_row_stride=16 buffer_block_stride=64", "0x0", 2, 128},
		{"apart rows", "group=16 run=16 rows=8 blocks=1 dram_row_stride=80 buffer_row_stride=16", "0x0", 8, 512},
		{"rows across bursts", "group=16 run=16 rows=1 blocks=1", "0x38", 2, 128},
		{"unaligned start", "group=200 run=200 rows=1 blocks=1", "0x20", 4, 256},
		{"blocks apart", "group=16 run=16 rows=1 blocks=3 dram_block_stride=4096 buffer_block_stride=16", "0x0", 3, 192},
		{"low bits pack", "group=128 run=128 rows=1 blocks=1", "0x0", 1, 64},
	} {
		t.Run(test.name, func(t *testing.T) {
			bits := 8
			if strings.HasPrefix(test.name, "low") {
				bits = 4
			}
			spec := unitSpec(t)
			p := program(t, spec, fmt.Sprintf("d0 = transfer layer=0 class=activations bits=%d %s\ncode load\nload d0 from=input[%s] to=activation_buffer[0x0]\nhalt\n", bits, test.fields, test.from))
			r := run(t, p, spec)
			expect(t, "requests and bytes", [2]int64{r.Total.Requests, r.Total.ReadBytes}, [2]int64{test.requests, test.bytes})
			expect(t, "bytes by class", r.Total.BytesByClass[isa.ActivationClass], test.bytes)
			expect(t, "memory counters", r.Memory.ReadBytes, test.bytes)
		})
	}
}

// TestOneRequestACycle: a fast memory is bounded by the rate of issue.
func TestOneRequestACycle(t *testing.T) {
	spec := unitSpec(t, "dram.bandwidth_gb_per_s=100000", "dram.latency_ns=0")
	r := run(t, program(t, spec, "d0 = transfer layer=0 class=activations bits=8 group=65536 run=65536 rows=1 blocks=1\n"+
		"code load\nload d0 from=input[0x0] to=activation_buffer[0x0]\nhalt\n"), spec)
	// The last of 1024 requests leaves in cycle 1023 and is back in the next.
	expect(t, "cycles", r.Cycles, int64(1024))
}

// tile is a 1x1 convolution of 16 to 4 channels on 16 x 4 pixels: 4 folds of
// 2*4 + 4 + 64 - 2 = 74 cycles.
const (
	tile = `d1 = transfer layer=0 class=weights bits=8 group=64 run=64 rows=1 blocks=1
d2 = transfer layer=0 class=metadata bits=8 group=64 run=64 rows=1 blocks=1
d3 = transfer layer=0 class=activations bits=8 group=1024 run=1024 rows=1 blocks=1
d4 = convolution_tile layer=0 input_channels=16 output_channels=4 output_rows=16 output_columns=4 input_rows=16 input_columns=4 kernel_rows=1 kernel_columns=1 stride_rows=1 stride_columns=1 dilate_rows=1 dilate_columns=1 input={block=16 pixel_stride=16 row_stride=64 block_stride=1024} output={block=16 pixel_stride=4 row_stride=16 block_stride=256} first=true last=true mode=layer multiplier=1073741824 shift=31 low=-128 high=127
d5 = transfer layer=0 class=activations bits=8 group=256 run=256 rows=1 blocks=1
`
	tileCycles = 4 * 74
)

// TestLoadConvolveStore: the three units in a chain.
func TestLoadConvolveStore(t *testing.T) {
	spec := unitSpec(t)
	p := program(t, spec, load256+tile+`
s0 = semaphore load -> mac
s1 = semaphore mac -> store
code load
load d1 from=scratch[0x0] to=weight_buffer[0x0]
load d2 from=scratch[0x40] to=weight_buffer[0x40]
load d3 from=input[0x0] to=activation_buffer[0x0]
signal s0
halt
code mac
wait s0
convolution d4 input=activation_buffer[0x0] weights=weight_buffer[0x0] parameters=weight_buffer[0x40] output=activation_buffer[0x400]
signal s1
halt
code store
wait s1
store d5 from=activation_buffer[0x400] to=output[0x0]
halt
`)
	r := run(t, p, spec)
	const loaded = 64 + 64 + 1024 + 100
	const convolved = loaded + tileCycles
	const stored = convolved + 256 // writes have no latency
	expect(t, "cycles", r.Cycles, int64(stored))
	expect(t, "load", causes(r, isa.LoadDMA), fmt.Sprintf("busy %d, finished %d", loaded, stored-loaded))
	// 4 folds: 64 pixels stream, 4 + 3 cycles fill, 3 drain.
	expect(t, "array", causes(r, isa.MACArray), fmt.Sprintf("busy %d, fill %d, drain %d, dram %d, finished %d", 4*64, 4*7, 4*3, loaded, stored-convolved))
	expect(t, "store", causes(r, isa.StoreDMA), fmt.Sprintf("busy %d, semaphore %d", 256, convolved))
	expect(t, "vector", causes(r, isa.VectorUnit), fmt.Sprintf("finished %d", stored))
	expect(t, "MACs", r.Total.MACs, int64(64*16*4))
	w := r.Total
	expect(t, "bytes by class", [3]int64{w.BytesByClass[isa.WeightClass], w.BytesByClass[isa.ActivationClass], w.BytesByClass[isa.MetadataClass]}, [3]int64{64, 1280, 64})
	b := r.Layers[0].ByBound
	expect(t, "bounds", [4]int64{b[timing.ArrayBound], b[timing.PipelineBound], b[timing.DRAMBound], b[timing.LatencyBound]}, [4]int64{4 * 64, tileCycles - 4*64, loaded + 256, 0})
	expect(t, "windows", [4]int64{r.Layers[0].Start, r.Layers[0].End, r.Layers[1].Start, r.Layers[1].End}, [4]int64{0, stored, stored, stored})
}

// TestDoubleBuffering: in the steady state a tile takes the longer of its
// computation and its load, whichever that is.
func TestDoubleBuffering(t *testing.T) {
	const tiles = 20
	code := load256 + tile + fmt.Sprintf(`
s0 = semaphore load -> mac
s1 = semaphore mac -> load initial=2
code load
load d1 from=scratch[0x0] to=weight_buffer[0x0]
load d2 from=scratch[0x40] to=weight_buffer[0x40]
loop %[1]d
loop 2
wait s1
load d3 from=input[0x0, +0x400, +0x800] to=activation_buffer[0x0, +0x800, +0]
signal s0
end_loop
end_loop
halt
code mac
loop %[1]d
loop 2
wait s0
convolution d4 input=activation_buffer[0x0, +0x800, +0] weights=weight_buffer[0x0] parameters=weight_buffer[0x40] output=activation_buffer[0x4000]
signal s1
end_loop
end_loop
halt
`, tiles/2)
	for _, test := range []struct {
		bandwidth string
		load      int64 // cycles of a tile's load
	}{{"dram.bandwidth_gb_per_s=1", 1024}, {"dram.bandwidth_gb_per_s=4", 256}, {"dram.bandwidth_gb_per_s=16", 64}} {
		spec := unitSpec(t, test.bandwidth, "dram.latency_ns=0")
		r := run(t, program(t, spec, code), spec)
		first := 128*test.load/1024 + test.load // weights, parameters and the first tile
		want := first + (tiles-1)*max(test.load, tileCycles) + tileCycles
		expect(t, test.bandwidth, r.Cycles, want)
	}
	// With one buffer load and computation take turns.
	single := strings.Replace(code, "initial=2", "initial=1", 1)
	single = strings.ReplaceAll(single, "0x0, +0x800, +0]", "0x0]")
	spec := unitSpec(t, "dram.latency_ns=0")
	r := run(t, program(t, spec, single), spec)
	expect(t, "one buffer", r.Cycles, int64(128+tiles*(1024+tileCycles)))
}

// TestSignalWaitsForEarlierTransfers: a signal behind two transfers is given
// when both have completed, one between them when the first has.
func TestSignalWaitsForEarlierTransfers(t *testing.T) {
	text := load256 + `d1 = elementwise_tile layer=1 channels=16 rows=1 columns=1 input={block=16} output={block=16}
s0 = semaphore load -> vector
code load
load d0 from=input[0x0] to=activation_buffer[0x0]
%s
load d0 from=input[0x100] to=weight_buffer[0x0]
%s
halt
code vector
wait s0
table d1 input=activation_buffer[0x0] table=weight_buffer[0x200] output=activation_buffer[0x400]
halt
`
	spec := unitSpec(t)
	early := run(t, program(t, spec, fmt.Sprintf(text, "signal s0", "")), spec)
	late := run(t, program(t, spec, fmt.Sprintf(text, "", "signal s0")), spec)
	expect(t, "signal between: vector starts", early.Timeline[isa.VectorUnit][0].Start, int64(256+100))
	expect(t, "signal behind: vector starts", late.Timeline[isa.VectorUnit][0].Start, int64(512+100))
	expect(t, "signal between: cycles", early.Cycles, int64(512+100))
	expect(t, "signal behind: cycles", late.Cycles, int64(512+100+16))
	expect(t, "signal behind: the second layer's window", [2]int64{late.Layers[1].Start, late.Layers[1].End}, [2]int64{612, 628})
	expect(t, "signal behind: its bound", late.Layers[1].Bound(), timing.VectorBound)
}

// TestTransferWaitsForTransfer: a DMA unit that waits for the other one waits at
// a semaphore; only computing units wait for DRAM.
func TestTransferWaitsForTransfer(t *testing.T) {
	spec := unitSpec(t)
	r := run(t, program(t, spec, load256+`s0 = semaphore load -> store
code load
load d0 from=input[0x0] to=activation_buffer[0x0]
signal s0
halt
code store
wait s0
store d0 from=activation_buffer[0x0] to=output[0x0]
halt
`), spec)
	expect(t, "cycles", r.Cycles, int64(356+256))
	expect(t, "load", causes(r, isa.LoadDMA), "busy 356, finished 256")
	expect(t, "store", causes(r, isa.StoreDMA), "busy 256, semaphore 356")
}

// TestUnitsRunTogether: two independent computing units overlap, and the layer
// window goes to the array while it streams.
func TestUnitsRunTogether(t *testing.T) {
	spec := unitSpec(t)
	r := run(t, program(t, spec, load256+tile+`
d6 = copy_tile layer=0 channels=16 rows=25 columns=1 input_channels=16 input_rows=25 input_columns=1 step_channel=1 step_row=1 step_column=1 input={block=16 row_stride=16} output={block=16 row_stride=16}
code mac
convolution d4 input=activation_buffer[0x0] weights=weight_buffer[0x0] parameters=weight_buffer[0x40] output=activation_buffer[0x400]
halt
code vector
copy d6 input=activation_buffer[0x2000] output=activation_buffer[0x4000]
halt
`), spec)
	expect(t, "cycles", r.Cycles, int64(400))
	b := r.Layers[0].ByBound
	expect(t, "bounds", [4]int64{b[timing.ArrayBound], b[timing.VectorBound], b[timing.DRAMBound], b[timing.LatencyBound]}, [4]int64{4 * 64, 400 - 4*64, 0, 0})
}

// TestPortsStretch: a narrow port shows as its own cause.
func TestPortsStretch(t *testing.T) {
	spec := unitSpec(t, "vector.lanes=16", "npu.activation_bytes_per_cycle=4")
	r := run(t, program(t, spec, `d0 = copy_tile layer=0 channels=16 rows=25 columns=1 input_channels=16 input_rows=25 input_columns=1 step_channel=1 step_row=1 step_column=1 input={block=16 row_stride=16} output={block=16 row_stride=16}
code vector
copy d0 input=activation_buffer[0x2000] output=activation_buffer[0x4000]
halt
`), spec)
	expect(t, "causes", causes(r, isa.VectorUnit), "busy 25, bank 75")
}

// TestDeadlockIsReported: timing does not hang on a program that was not
// verified.
func TestDeadlockIsReported(t *testing.T) {
	p, err := isa.Assemble(`npusim-program 1.0
rounding half-up-shift
s0 = semaphore load -> mac
s1 = semaphore mac -> load
code load
wait s1
signal s0
halt
code mac
wait s0
signal s1
halt
`, "deadlock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := timing.Run(p, unitSpec(t)); err == nil || !strings.Contains(err.Error(), "deadlocked at cycle 0: unit load") {
		t.Errorf("got %v", err)
	}
}

func TestProgramLargerThanMemory(t *testing.T) {
	spec := unitSpec(t, "dram.capacity_mib=1")
	p := program(t, spec, "code load\nhalt\n")
	p.RegionBytes[isa.Scratch] = 1 << 21
	if _, err := timing.Run(p, spec); err == nil || !strings.Contains(err.Error(), "dram.capacity_mib") {
		t.Errorf("got %v", err)
	}
}

// queued is a memory that takes a few requests at a time and says when there
// is room again, as a controller with a queue does: the requester must try
// again at that event although nothing completes then.
type queued struct {
	memsim.Memory
	depth int
	busy  memsim.Picoseconds // a request leaves the queue this long after it came
	leave []memsim.Picoseconds
	seen  int // refusals
}

func (q *queued) Submit(now memsim.Picoseconds, r memsim.Request) bool {
	if len(q.leave) >= q.depth {
		q.seen++
		return false
	}
	q.leave = append(q.leave, now+q.busy)
	return q.Memory.Submit(now, r)
}

func (q *queued) Next() (memsim.Picoseconds, bool) {
	at, ok := q.Memory.Next()
	if len(q.leave) > 0 && (!ok || q.leave[0] < at) {
		return q.leave[0], true
	}
	return at, ok
}

func (q *queued) Advance(now memsim.Picoseconds, done []memsim.Completion) []memsim.Completion {
	for len(q.leave) > 0 && q.leave[0] <= now {
		q.leave = q.leave[1:]
	}
	return q.Memory.Advance(now, done)
}

// TestMemoryThatRefuses: requests go out as the queue empties, long before
// the first read returns.
func TestMemoryThatRefuses(t *testing.T) {
	spec := unitSpec(t, "dram.latency_ns=1000")
	inner, err := memsim.New(&spec.DRAM)
	if err != nil {
		t.Fatal(err)
	}
	memory := &queued{Memory: inner, depth: 1, busy: 64_000}
	p := program(t, spec, load256+"code load\nload d0 from=input[0x0] to=activation_buffer[0x0]\nhalt\n")
	r, err := timing.RunOn(p, spec, memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "cycles", r.Cycles, int64(256+1000))
	if memory.seen == 0 {
		t.Error("the memory never refused")
	}
}
