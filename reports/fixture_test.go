package reports

import (
	"fmt"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/recording"
)

func pointer[T any](x T) *T { return &x }

// synthetic returns a result with figures like those of a MobileNet of the
// given number of layers on a 32x32 array at 1 GHz with 12.8 GB/s of DRAM. All
// sums agree. Longer networks have longer names.
func synthetic(layers int) *evaluate.Result {
	r := &evaluate.Result{
		Schema: evaluate.Schema, Tool: "v0.1.0",
		Model:  evaluate.Model{Name: "mobilenet_synthetic", SHA256: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"},
		Config: evaluate.Config{Name: "mobile", MachineHash: "0f3c9a51", ConfigHash: "77ab01e2"},
		Accuracy: &evaluate.Accuracy{
			Metric: "top1", Data: "imagenet.toml", Samples: 1000,
			FloatTop1: pointer(0.703), NPUTop1: pointer(0.691),
			Top1Difference: pointer(-0.012), Top1DifferenceInterval: &evaluate.Interval{Low: -0.0205, High: -0.0035},
			Agreement: pointer(0.934), SQNRDB: pointer(24.31), Cosine: pointer(0.99713),
			BitExact: pointer(true), BitExactSamples: 16,
		},
		DRAM:       evaluate.DRAM{BytesByClass: map[string]int64{}, PeakGBPerS: 12.8},
		Scratchpad: evaluate.Scratchpad{PeakBytes: map[string]int64{"activation": 251904, "weight": 131072, "accumulator": 65536}, CapacityBytes: map[string]int64{"activation": 262144, "weight": 131072, "accumulator": 131072}},
		Notes: []string{
			"DRAM tier linear: latency, bandwidth and burst granularity; no banks, no refresh.",
			"Energy per operation from published 16 nm figures; the static share is a guess, and it grows with the cycles whatever the machine does in them.",
		},
		Host: evaluate.Host{WallSeconds: 12.345, CompileSeconds: 1.2, TimingSeconds: 0.25, ExecuteSeconds: 10.8, PeakMemoryBytes: 412_000_000, Kernels: "avx2"},
	}
	size, channels := int64(112), int64(24)
	add := func(name, op string, macs, weights, input, output int64, depthwise bool) {
		metadata := 8 * channels
		busy := macs/1024 + output/64 // with filling and draining
		if depthwise {
			busy = macs/64 + output/64
		}
		moved := weights + metadata
		if input+output > 262144 {
			moved += input + output
		}
		waits := max(0, moved*10/128-busy*3/4)
		l := evaluate.Layer{Name: name, Op: op, MACs: macs, BytesByClass: map[string]int64{"weights": weights, "metadata": metadata, "activations": moved - weights - metadata}}
		l.CyclesByBound = map[string]int64{"mac": busy - busy/8, "pipeline": busy / 8, "vector": output / 200, "dram": waits, "latency": 400}
		l.Bound = "mac"
		if waits > busy {
			l.Bound = "dram"
		}
		for _, key := range boundKeys() {
			l.Cycles += l.CyclesByBound[key]
		}
		l.Utilization = float64(macs) / 1024 / float64(l.Cycles)
		l.DRAMReadBytes = moved
		if input+output > 262144 {
			l.DRAMReadBytes, l.DRAMWriteBytes = moved-output, output
		}
		l.EnergyUJ = float64(macs)*0.4e-6 + float64(moved)*40e-6 + float64(l.Cycles)*1e-5
		l.WeightBits = 8
		l.WeightRanges = &evaluate.WeightRanges{Before: []int{1, 0, 2, int(channels)}, After: []int{int(channels) - 5, 8}}
		if depthwise {
			l.WeightRanges.Before = append(make([]int, 9, 11), int(channels)-3, 6)
		}
		l.SQNRDB = pointer(40 - 0.13*float64(len(r.Layers)))
		r.Layers = append(r.Layers, l)
		r.Model.MACs += macs
		r.Model.Parameters += weights + channels
		r.Program.WeightBytes += weights + metadata
	}
	prefix := ""
	if layers > 60 {
		prefix = "FeatureExtractor/MobilenetV2/expanded_"
	}
	if layers > 0 {
		add(prefix+"conv_0", "Conv", size*size*27*channels, 27*channels, 224*224*3, size*size*channels, false)
	}
	for block := 1; len(r.Layers) < layers-1; block++ {
		if block%3 == 2 && size > 7 {
			add(fmt.Sprintf("%sconv_%d/depthwise", prefix, block), "Conv", size*size/4*9*channels, 9*channels, size*size*channels, size*size/4*channels, true)
			size /= 2
		} else {
			add(fmt.Sprintf("%sconv_%d/depthwise", prefix, block), "Conv", size*size*9*channels, 9*channels, size*size*channels, size*size*channels, true)
		}
		if len(r.Layers) < layers-1 {
			next := channels
			if block%3 == 2 && channels < 768 {
				next *= 2
			}
			add(fmt.Sprintf("%sconv_%d/pointwise", prefix, block), "Conv", size*size*channels*next, channels*next, size*size*channels, size*size*next, false)
			channels = next
		}
	}
	if layers > 1 {
		add("classifier", "Gemm", channels*1000, channels*1000, channels, 1000, false)
	}

	e := &r.EnergyUJ
	for i := range r.Layers {
		l := &r.Layers[i]
		r.Timing.Cycles += l.Cycles
		r.DRAM.ReadBytes += l.DRAMReadBytes
		r.DRAM.WriteBytes += l.DRAMWriteBytes
		for _, class := range trafficClasses {
			r.DRAM.BytesByClass[class] += l.BytesByClass[class]
		}
		e.Total += l.EnergyUJ
	}
	r.Operations = evaluate.Operations{MAC: r.Model.MACs, Requantize: r.Model.MACs / 60, Vector: r.Model.MACs / 300}
	e.MAC = float64(r.Model.MACs) * 0.25e-6
	e.Requantize = float64(r.Operations.Requantize) * 0.3e-6
	e.Vector = float64(r.Operations.Vector) * 0.5e-6
	e.Scratchpad = float64(r.Model.MACs) * 0.1e-6
	e.DRAM = float64(r.DRAM.ReadBytes+r.DRAM.WriteBytes) * 40e-6
	e.Static = e.Total - e.MAC - e.Requantize - e.Vector - e.Scratchpad - e.DRAM
	cycles := r.Timing.Cycles
	r.Timing.LatencyMS = float64(cycles) / 1e6
	r.Timing.InferencesPerSecond = 1e9 / float64(max(cycles, 1))
	r.Timing.MACUtilization = float64(r.Model.MACs) / 1024 / float64(max(cycles, 1))
	r.DRAM.CompulsoryBytes = r.Program.WeightBytes + 224*224*3 + 1000
	r.DRAM.Requests = (r.DRAM.ReadBytes + r.DRAM.WriteBytes + 63) / 64
	r.DRAM.AchievedGBPerS = float64(r.DRAM.ReadBytes+r.DRAM.WriteBytes) / float64(max(cycles, 1))
	r.Program.Instructions, r.Program.DynamicInstructions, r.Program.CodeBytes = int64(31*layers), int64(1250*layers), int64(620*layers)
	if r.Model.Parameters > 0 {
		r.Program.WeightBitsPerWeight = 8 * float64(r.Program.WeightBytes) / float64(r.Model.Parameters)
	}
	// Each unit's causes sum to the cycles.
	unit := func(busy, fill, drain, bank, dram, semaphore int64) evaluate.UnitStalls {
		s := evaluate.UnitStalls{Busy: cycles * busy / 1000, Fill: cycles * fill / 1000, Drain: cycles * drain / 1000, Bank: cycles * bank / 1000,
			DRAM: cycles * dram / 1000, Semaphore: cycles * semaphore / 1000}
		s.Finished = cycles - s.Busy - s.Fill - s.Drain - s.Bank - s.DRAM - s.Semaphore
		return s
	}
	r.Stalls = evaluate.Stalls{"load": unit(467, 0, 0, 0, 81, 450), "store": unit(119, 0, 0, 0, 33, 848), "mac": unit(533, 61, 12, 7, 301, 77), "vector": unit(95, 0, 0, 0, 290, 611)}
	r.Timing.ClockMHz, r.Timing.PeakMACsPerCycle = 1000, 1024
	if cycles > 0 {
		interval := (cycles + 49) / 50
		o := &evaluate.Occupancy{IntervalCycles: interval, ActiveCycles: map[string][]int64{}}
		for _, unit := range evaluate.Units {
			s, ok := r.Stalls[unit]
			if !ok {
				continue
			}
			left := s.Busy + s.Fill + s.Drain + s.Bank
			for start := int64(0); start < cycles; start += interval {
				length := min(interval, cycles-start)
				n := min(length, max(left-(cycles-start-length)/3, 0)) // more at first, but no more than there is
				o.ActiveCycles[unit] = append(o.ActiveCycles[unit], n)
				left -= n
			}
			for i := range o.ActiveCycles[unit] { // what is left over
				n := min(left, min(interval, cycles-int64(i)*interval)-o.ActiveCycles[unit][i])
				o.ActiveCycles[unit][i] += n
				left -= n
			}
		}
		r.Occupancy = o
	}
	return r
}

// withMemory adds to a result what a memory with banks knows: 2 channels of 2
// bank groups of 4 banks, of which the first is busiest, and traffic in
// stretches. All sums agree.
func withMemory(r *evaluate.Result, stretches int) *evaluate.Result {
	d := &r.DRAM
	interval := max((r.Timing.Cycles+int64(stretches)-1)/int64(stretches), 1)
	n := int((r.Timing.Cycles + interval - 1) / interval)
	o := &evaluate.TrafficOverTime{IntervalCycles: interval, BytesByClass: map[string][]int64{}}
	// deal shares a sum out over the stretches, by weights that vary.
	deal := func(sum int64, weight func(int) int64) []int64 {
		list, total := make([]int64, n), int64(0)
		for i := range list {
			total += weight(i)
		}
		left := sum
		for i := range list {
			list[i] = sum / max(total, 1) * weight(i)
			left -= list[i]
		}
		list[n/2] += left
		return list
	}
	early := func(i int) int64 { return int64(max(2*n/3-i, 0) % 17 * (1 + i%5)) }
	late := func(i int) int64 { return int64(max(i-n/3, 0) % 23) }
	o.ReadBytes = make([]int64, n)
	o.WriteBytes = deal(d.WriteBytes, early)
	for _, class := range trafficClasses {
		weight := late
		if class == "activations" {
			weight = early
		}
		o.BytesByClass[class] = deal(d.BytesByClass[class], weight)
		for i, b := range o.BytesByClass[class] {
			o.ReadBytes[i] += b
		}
	}
	var bursts, activates int64
	for i := range n {
		moved := o.ReadBytes[i]
		o.WriteBytes[i] = min(o.WriteBytes[i], moved)
		o.ReadBytes[i] = moved - o.WriteBytes[i]
		o.Bursts = append(o.Bursts, (moved+31)/32)
		o.Activates = append(o.Activates, (moved+31)/32/int64(20+i%30))
		bursts, activates = bursts+o.Bursts[i], activates+o.Activates[i]
	}
	d.ReadBytes, d.WriteBytes = 0, 0
	for i := range n {
		d.ReadBytes, d.WriteBytes = d.ReadBytes+o.ReadBytes[i], d.WriteBytes+o.WriteBytes[i]
	}
	d.OverTime = o
	d.Standard = "lpddr4x-4266"
	d.Activates, d.Refreshes = pointer(activates), pointer(r.Timing.Cycles/3900)
	d.RowHitRate = pointer(1 - float64(activates)/float64(max(bursts, 1)))
	d.EnergyUJ = &evaluate.DRAMEnergy{Activate: 0.05 * r.EnergyUJ.DRAM, Read: 0.5 * r.EnergyUJ.DRAM, Write: 0.15 * r.EnergyUJ.DRAM, Refresh: 0.05 * r.EnergyUJ.DRAM,
		Background: 0.25 * r.EnergyUJ.DRAM, Estimated: true, Source: "estimate: made for a test"}
	for bank := range 16 {
		b := evaluate.BankUse{Channel: bank / 8, BankGroup: bank / 4 % 2, Bank: bank % 4, Bursts: bursts / 20, Activates: activates / 16}
		if bank == 0 {
			b.Bursts, b.Activates = bursts-15*(bursts/20), activates-15*(activates/16)
		}
		d.Banks = append(d.Banks, b)
	}
	l := &evaluate.ReadLatency{Bursts: d.ReadBytes / 32, MedianNS: 57.218, P95NS: 114.436, P99NS: 382.704, MaximumNS: 397.7,
		UnloadedHitNS: 20.636, UnloadedClosedNS: 38.927, UnloadedOtherNS: 57.218}
	left, sum := l.Bursts, 0.0
	for ns := 20.636; ns < 390; ns *= 1.07 {
		b := evaluate.LatencyBucket{FromNS: ns, ToNS: ns * 1.03, Bursts: left / 6}
		if ns*1.07 >= 390 {
			b.Bursts = left
		}
		left -= b.Bursts
		sum += float64(b.Bursts) * ns
		l.Histogram = append(l.Histogram, b)
	}
	if l.Bursts > 0 {
		l.AverageNS = sum / float64(l.Bursts)
		l.AverageQueueingNS = l.AverageNS - l.UnloadedHitNS
	}
	d.ReadLatency = l
	return r
}

// withRecording adds a recording of one load that an operation waits for, the
// length of the whole run.
func withRecording(r *evaluate.Result) *evaluate.Result {
	b := &recording.Builder{}
	b.AddTrack("load")
	b.AddTrack("mac")
	b.AddSemaphore(0, 1, 0)
	b.AddScratchpad("weight_buffer", 4096)
	half := r.Timing.Cycles / 2
	b.Block(0, 0)
	b.Add(0, recording.Span{Kind: recording.Operation, End: half, Opcode: "load", Class: "weights", Bytes: 4096, Cycles: recording.Cycles{Busy: half}})
	b.Write(0, 0, 4096, 0, half, 0, "weights")
	b.Signal(0, half)
	b.Take(0, half)
	b.Add(1, recording.Span{Kind: recording.Wait, End: half, Layer: -1, For: "load", Cycles: recording.Cycles{DRAM: half}})
	b.Begin(1, 0)
	b.Read(0, 0, 4096, r.Timing.Cycles)
	b.Add(1, recording.Span{Kind: recording.Operation, Start: half, Begun: half, End: r.Timing.Cycles, Opcode: "convolution", MACs: r.Model.MACs, Cycles: recording.Cycles{Busy: r.Timing.Cycles - half}})
	r.Recording = b.Finish(r.Timing.Cycles)
	r.Recording.ClockMHz, r.Recording.MACsPerCycle = 1000, 1024
	return r
}
