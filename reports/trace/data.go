package trace

import (
	"encoding/json"
	"slices"

	"github.com/npusim/npusim/npu/recording"
)

// data is the key "npusim": what the events do not hold.
type data struct {
	Schema        int          `json:"schema"`
	ClockMHz      int64        `json:"clock_mhz"`
	Cycles        int64        `json:"cycles"`
	MACsPerCycle  int64        `json:"macs_per_cycle"`
	Joined        int64        `json:"joined_spans"`
	LinksLeftOut  int64        `json:"signals_left_out"`
	BlocksLeftOut int64        `json:"blocks_left_out"`
	Units         []string     `json:"units"`
	Classes       []string     `json:"classes"`
	Scratchpads   []scratchpad `json:"scratchpads"`
}

// scratchpad is a memory map. A block is low address, first address beyond,
// first cycle, first cycle after, layer, class; a level is cycle, bytes.
type scratchpad struct {
	Name           string     `json:"name"`
	AllocatedBytes int64      `json:"allocated_bytes"`
	IntervalCycles int64      `json:"interval_cycles"`
	Blocks         [][6]int64 `json:"blocks"`
	Levels         [][2]int64 `json:"levels"`
}

// data writes the key "npusim".
func (t *writer) data() error {
	r := t.recording
	d := data{Schema: Schema, ClockMHz: r.ClockMHz, Cycles: r.Cycles, MACsPerCycle: r.MACsPerCycle, Joined: r.Joined,
		LinksLeftOut: r.LinksLeftOut, BlocksLeftOut: r.BlocksLeftOut, Classes: sortedClasses(r)}
	for i := range r.Tracks {
		d.Units = append(d.Units, r.Tracks[i].Unit)
	}
	for i := range r.Memory {
		pad := &r.Memory[i]
		s := scratchpad{Name: pad.Name, AllocatedBytes: pad.Allocated, IntervalCycles: pad.Interval, Blocks: make([][6]int64, len(pad.Blocks)), Levels: make([][2]int64, len(pad.Levels))}
		for k, b := range pad.Blocks {
			class, _ := slices.BinarySearch(d.Classes, b.Class)
			s.Blocks[k] = [6]int64{b.Low, b.High, b.From, b.To, int64(b.Layer), int64(class)}
		}
		for k, l := range pad.Levels {
			s.Levels[k] = [2]int64{l.Cycle, l.Bytes}
		}
		d.Scratchpads = append(d.Scratchpads, s)
	}
	t.w.WriteString(`"npusim":`)
	b, err := json.Marshal(&d)
	if err != nil {
		return err
	}
	t.w.Write(b)
	return nil
}

// fill puts figures and memory map into a recording.
func (d *data) fill(r *recording.Recording) {
	r.Cycles, r.ClockMHz, r.MACsPerCycle = d.Cycles, d.ClockMHz, d.MACsPerCycle
	r.Joined, r.LinksLeftOut, r.BlocksLeftOut = d.Joined, d.LinksLeftOut, d.BlocksLeftOut
	for i := range d.Scratchpads {
		s := &d.Scratchpads[i]
		pad := recording.Scratchpad{Name: s.Name, Allocated: s.AllocatedBytes, Interval: s.IntervalCycles}
		for _, b := range s.Blocks {
			block := recording.Block{Low: b[0], High: b[1], From: b[2], To: b[3], Layer: int(b[4])}
			if b[5] >= 0 && b[5] < int64(len(d.Classes)) {
				block.Class = d.Classes[b[5]]
			}
			pad.Blocks = append(pad.Blocks, block)
		}
		for _, l := range s.Levels {
			pad.Levels = append(pad.Levels, recording.Level{Cycle: l[0], Bytes: l[1]})
		}
		r.Memory = append(r.Memory, pad)
	}
}
