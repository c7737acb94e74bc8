package interoperability

import (
	"cmp"
	"errors"
	"slices"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/recording"
)

// interval is a stretch of time in cycles; stop is the first one after it.
type interval struct{ start, stop int64 }

// covered is the number of cycles that at least one of the intervals covers.
func covered(list []interval) int64 {
	slices.SortFunc(list, func(a, b interval) int { return cmp.Compare(a.start, b.start) })
	sum, end := int64(0), int64(0)
	for _, i := range list {
		if start := max(i.start, end); i.stop > start {
			sum += i.stop - start
			end = i.stop
		}
	}
	return sum
}

// use is what a layer moves of one operand through a port or over the bus:
// bytes, and the cycles from the first operation that does to the last.
type use struct {
	interval
	bytes int64
}

func (u *use) add(start, stop, bytes int64) {
	if bytes == 0 {
		return
	}
	if u.bytes == 0 {
		u.start = start
	}
	u.start, u.stop, u.bytes = min(u.start, start), max(u.stop, stop), u.bytes+bytes
}

// layer is what the recording tells of one row of the layer table.
type layer struct {
	start, end int64      // of the layer's window
	computing  []interval // of all computing units
	moving     []interval // of the DMA units
	macs       int64      // padding included
	streaming  int64      // cycles in which operands stream through the array
	array      int64      // cycles in which the array is occupied

	// Between scratchpads and computing units.
	inputs, weights, outputs use
	// Between DRAM and scratchpads.
	loadedInputs, loadedWeights, storedOutputs use

	peak int64 // most bytes in use in all scratchpads together in its window
}

// first and last computing cycle; equal where nothing computes.
func (l *layer) computed() interval {
	var all interval
	for i, c := range l.computing {
		if i == 0 {
			all = c
		}
		all.start, all.stop = min(all.start, c.start), max(all.stop, c.stop)
	}
	return all
}

// errNotRecorded refuses results of runs that were not recorded.
var errNotRecorded = errors.New("the run was not recorded: its operations are needed for this report")

// activations is the class of feature maps.
const activations = "activations"

// digest sums the recording up by layer. Spans that others stand for count
// whole for the layer of the longest.
func digest(r *evaluate.Result) ([]layer, error) {
	if r.Recording == nil {
		return nil, errNotRecorded
	}
	list := make([]layer, len(r.Layers))
	end := int64(0)
	for i := range list {
		list[i].start = end
		end += r.Layers[i].Cycles
		list[i].end = end
	}
	for i := range r.Recording.Tracks {
		track := &r.Recording.Tracks[i]
		for k := range track.Spans {
			s := &track.Spans[k]
			if s.Kind != recording.Operation || s.Layer >= len(list) {
				continue
			}
			l := &list[s.Layer]
			if s.Class != "" {
				l.moving = append(l.moving, interval{s.Start, s.End})
				switch {
				case s.Ports.ActivationRead > 0:
					l.storedOutputs.add(s.Begun, s.End, s.Bytes)
				case s.Class == activations:
					l.loadedInputs.add(s.Begun, s.End, s.Bytes)
				default:
					l.loadedWeights.add(s.Begun, s.End, s.Bytes)
				}
				continue
			}
			l.computing = append(l.computing, interval{s.Start, s.End})
			l.inputs.add(s.Start, s.End, s.Ports.ActivationRead)
			l.weights.add(s.Start, s.End, s.Ports.WeightRead)
			l.outputs.add(s.Start, s.End, s.Ports.ActivationWritten)
			if track.Unit == arrayUnit {
				l.macs += s.MACs
				l.streaming += s.Cycles.Busy
				l.array += s.Cycles.Busy + s.Cycles.Fill + s.Cycles.Drain + s.Cycles.Bank
			}
		}
	}
	peaks(r.Recording, list)
	return list, nil
}

// arrayUnit is the name of the MAC array among the units.
const arrayUnit = "mac"

// peaks finds the most bytes in use in the window of each layer.
func peaks(r *recording.Recording, list []layer) {
	next := make([]int, len(r.Memory)) // level to come of each scratchpad
	bytes := make([]int64, len(r.Memory))
	var sum int64
	at := 0 // layer
	for at < len(list) {
		cycle, pad := int64(-1), -1
		for i := range r.Memory {
			if n := next[i]; n < len(r.Memory[i].Levels) && (pad < 0 || r.Memory[i].Levels[n].Cycle < cycle) {
				cycle, pad = r.Memory[i].Levels[n].Cycle, i
			}
		}
		for at < len(list) && (pad < 0 || list[at].end <= cycle) {
			list[at].peak = max(list[at].peak, sum)
			at++
		}
		if pad < 0 {
			return
		}
		// What is in use when a window begins counts in it, unless it goes then.
		if at < len(list) && cycle > list[at].start {
			list[at].peak = max(list[at].peak, sum)
		}
		for i := range r.Memory {
			for n := next[i]; n < len(r.Memory[i].Levels) && r.Memory[i].Levels[n].Cycle == cycle; n++ {
				sum += r.Memory[i].Levels[n].Bytes - bytes[i]
				bytes[i] = r.Memory[i].Levels[n].Bytes
				next[i] = n + 1
			}
		}
		if at < len(list) && cycle >= list[at].start && cycle < list[at].end {
			list[at].peak = max(list[at].peak, sum)
		}
	}
}

// percent of a whole; 0 of nothing.
func percent(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * part / whole
}
