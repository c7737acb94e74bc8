package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
)

// machine is hardware with less memory bandwidth for its speed.
type machine struct {
	name, preset string
	sets         []string
}

// machines go from a preset as it is to those that wait for DRAM. A faster
// clock leaves the memory as it is: in NPU cycles all of it, latency too, is
// slower in proportion, as a slower memory would be.
var machines = []machine{
	{"edge, 500 MHz as it is", "edge", nil},
	{"edge at 2 GHz", "edge", []string{"npu.clock_mhz=2000"}},
	{"edge at 4 GHz", "edge", []string{"npu.clock_mhz=4000"}},
	{"edge at 8 GHz", "edge", []string{"npu.clock_mhz=8000"}},
	{"mobile-6k, 1 channel of 4", "mobile-6k", []string{"dram.channels=1"}},
}

// bandwidthTable sets the speed-up of a network of matrix products beside the
// one that its bytes promise, on machines that wait for DRAM.
func (s *study) bandwidthTable(ctx context.Context) error {
	out := table{columns: []column{text("machine"), number("DRAM, bytes/cycle"), text("pruned to"), text("weights in DRAM"), number("weight bytes, times less"),
		number("all DRAM bytes, times less"), number("cycles, times less"), number("of the promise"), number("cycles"), number("DRAM at peak"), number("decryption"),
		number("array"), number("waiting for DRAM"), number("layer by layer"), number("int8: DRAM at peak"), number("int8: array"), text("the code leaves")}}
	list := machines
	if s.quick {
		list = list[1:2]
	}
	points := slices.Clone(s.shown)
	for _, pruning := range prunings { // both at 0.9: one leaves layers alike, the other uneven
		if p := (point{stepFor09, pruning}); !slices.Contains(points, p) {
			points = append(points, p)
		}
	}
	for _, m := range list {
		name := m.name
		for _, p := range points {
			if s.quick && p.step != stepFor09 {
				continue
			}
			s.say("%s: %v on %s", s.name, p, m.name)
			sets := slices.Concat(m.sets, p.sets())
			plain, err := s.timed(ctx, m.preset, sets)
			if err != nil {
				return err
			}
			before, err := demandOf(plain, m.preset, sets)
			if err != nil {
				return err
			}
			for _, scheme := range schemes[:2] {
				sets := slices.Concat(sets, s.schemeSets(scheme))
				coded, err := s.timed(ctx, m.preset, sets)
				if err != nil {
					return err
				}
				d, err := demandOf(coded, m.preset, sets)
				if err != nil {
					return err
				}
				k := coded.Compression
				stored := k.CodeBytes + k.CorrectionBytes + k.MaskBytes + k.StoredPlainBytes
				promise := float64(before.bytes) / float64(d.bytes)
				gain := float64(plain.Timing.Cycles) / float64(coded.Timing.Cycles)
				out.add(name, decimal(2, d.bytesACycle), p, scheme.name, times(float64(k.PlainBytes), float64(stored)), decimal(2, promise), decimal(2, gain),
					decimal(0, 100*gain/promise)+" %", coded.Timing.Cycles, d.dram, d.decryption, d.array, coded.Stalls["mac"].DRAM, layerByLayer(coded, plain, before), before.dram, before.array, d.limit())
				name = ""
			}
		}
	}
	return out.write(s.out, s.name+": where it waits for DRAM",
		"Against int8 of the same pruned network on the same machine. \"All DRAM bytes\" have the input, the output, biases and channel shifts too, which no code makes smaller: theirs is the promise. "+
			"The clock of edge is raised beyond what the part could reach to make DRAM the bottleneck: only the ratio of clock to bandwidth counts in cycles, and at 8 GHz it is that of the preset with a sixteenth of its memory's speed, latency included.",
		"DRAM at peak, decryption and array are the cycles that each is occupied, the most of which no overlap can undercut: all bytes at peak bandwidth; the decryption units, at least as long as the write port of the weight scratchpad needs for the decoded bytes; "+
			"multiplication, fill and drain of the MAC array, which a batch of 1 pays for every 1-pixel fold. "+
			"Layer by layer is the sum of the longer of transfers and array in each layer, the transfers at the bandwidth that the int8 program reached: layers of few bytes are bound by the array while others wait for DRAM. It is no limit: loading runs ahead into the next layers as far as the weight scratchpad lets it.",
		"What a speed-up lacks of the promise is the array or the decryption where these are longer than the transfers, in all or in single layers. "+
			"Cycles above \"layer by layer\" are what does not overlap: a tile is decoded as it arrives but multiplied when all of it is decoded, so the first tile of a stretch that DRAM feeds has both ahead of it, and decoded tiles take as much of the weight scratchpad as plain ones, which limits how far loading can run ahead.")
}

// demand is how many cycles each part of a machine needs by itself.
type demand struct {
	bytes                   int64
	bytesACycle             float64
	dram, decryption, array int64
	cycles                  int64
}

func demandOf(r *evaluate.Result, preset string, sets []string) (demand, error) {
	spec, err := configs.Load(preset, sets)
	if err != nil {
		return demand{}, err
	}
	mac := r.Stalls["mac"]
	d := demand{bytes: r.DRAM.ReadBytes + r.DRAM.WriteBytes, bytesACycle: r.DRAM.PeakGBPerS * 1e3 / float64(spec.NPU.ClockMHz),
		array: mac.Busy + mac.Fill + mac.Drain + mac.Bank, cycles: r.Timing.Cycles}
	d.dram = int64(float64(d.bytes) / d.bytesACycle)
	if r.Compression != nil {
		d.decryption = r.Compression.DecodeCycles
	}
	return d, nil
}

// layerByLayer sums over the layers the longer of transfers and array, the
// transfers at the share of the peak bandwidth that the plain program reached.
func layerByLayer(coded, plain *evaluate.Result, before demand) int64 {
	rate := before.bytesACycle * plain.DRAM.AchievedGBPerS / plain.DRAM.PeakGBPerS
	if plain.Stalls["mac"].DRAM < before.array { // it did not wait for DRAM: its rate is no limit
		rate = before.bytesACycle
	}
	var sum float64
	for i := range coded.Layers {
		l := &coded.Layers[i]
		transfers := float64(l.DRAMReadBytes+l.DRAMWriteBytes) / rate
		sum += max(transfers, float64(l.CyclesByBound["mac"]+l.CyclesByBound["pipeline"]))
	}
	return int64(sum)
}

// limit says which part is occupied longest, and for how much of the time.
func (d *demand) limit() string {
	name, most := "DRAM", d.dram
	if d.decryption > most {
		name, most = "decryption", d.decryption
	}
	if d.array > most {
		name, most = "array", d.array
	}
	return fmt.Sprintf("%s, %.0f %% of the cycles", name, 100*float64(most)/float64(d.cycles))
}
