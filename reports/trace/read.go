package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/recording"
)

// mostBytes bounds a file that Read reads: recordings are bounded too.
const mostBytes = 128 << 20

// mostEvents bounds the operations, waits and signals of a file.
const (
	mostTracks = 16
	mostEvents = mostTracks*recording.MostSpans + recording.MostLinks
)

// Read reads the recording of a result from a trace that Write wrote. The
// result tells which run it must be of. Errors name the file, the place and the
// rule.
func Read(path string, r *evaluate.Result) (*recording.Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > mostBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes, too large for a trace of npusim", path, mostBytes)
	}
	rec, err := decode(io.LimitReader(f, mostBytes), r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rec, nil
}

// event is what Read needs of a trace event.
type event struct {
	Phase    string          `json:"ph"`
	Thread   int             `json:"tid"`
	Category string          `json:"cat"`
	Args     json.RawMessage `json:"args"`
}

// arguments of operations and waits.
type spanArguments struct {
	Start      int64  `json:"start_cycle"`
	Length     int64  `json:"length_cycles"`
	Begun      *int64 `json:"begun_cycle"`
	Opcode     string `json:"opcode"`
	Layer      int    `json:"layer"`
	Descriptor int    `json:"descriptor"`
	Class      string `json:"class"`
	Bytes      int64  `json:"bytes"`
	MACs       int64  `json:"macs"`
	Semaphore  int    `json:"semaphore"`
	For        string `json:"signalled_by"`
	Busy       int64  `json:"busy_cycles"`
	Fill       int64  `json:"fill_cycles"`
	Drain      int64  `json:"drain_cycles"`
	Bank       int64  `json:"bank_cycles"`
	DRAM       int64  `json:"dram_wait_cycles"`
	Waiting    int64  `json:"semaphore_wait_cycles"`
	Joined     int    `json:"joined_spans"`

	ActivationRead    int64 `json:"activation_buffer_read_bytes"`
	ActivationWritten int64 `json:"activation_buffer_written_bytes"`
	WeightRead        int64 `json:"weight_buffer_read_bytes"`
	WeightWritten     int64 `json:"weight_buffer_written_bytes"`
}

// arguments of signals.
type signalArguments struct {
	Semaphore int   `json:"semaphore"`
	From      int   `json:"from_span"`
	ToUnit    int   `json:"to_unit"`
	To        int   `json:"to_span"`
	Signalled int64 `json:"signalled_cycle"`
	Taken     int64 `json:"taken_cycle"`
	Held      int64 `json:"held_cycles"`
}

// decode reads the object key by key and event by event.
func decode(from io.Reader, result *evaluate.Result) (*recording.Recording, error) {
	d := json.NewDecoder(from)
	place := func(err error) error {
		return fmt.Errorf("byte %d: no trace of npusim: %w", d.InputOffset(), err)
	}
	open := func(want json.Delim, what string) error {
		switch token, err := d.Token(); {
		case err != nil:
			return place(err)
		case token != want:
			return place(fmt.Errorf("%s must be a JSON %s", what, map[json.Delim]string{'{': "object", '[': "array"}[want]))
		}
		return nil
	}
	if err := open('{', "the trace"); err != nil {
		return nil, err
	}
	rec := &recording.Recording{}
	var own *data
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, place(err)
		}
		key, _ := token.(string)
		if seen[key] {
			return nil, place(fmt.Errorf("key %q stands there twice", key))
		}
		seen[key] = true
		switch key {
		case "traceEvents":
			if err := open('[', `"traceEvents"`); err != nil {
				return nil, err
			}
			for events := 0; d.More(); {
				var e event
				if err := d.Decode(&e); err != nil {
					return nil, place(err)
				}
				known, err := add(rec, &e)
				if err != nil {
					return nil, place(err)
				}
				if known {
					events++
				}
				if events > mostEvents {
					return nil, place(fmt.Errorf("more than %d operations, waits and signals", mostEvents))
				}
			}
			if _, err := d.Token(); err != nil {
				return nil, place(err)
			}
		case "npusim":
			own = &data{}
			if err := d.Decode(own); err != nil {
				return nil, place(err)
			}
		default:
			var other json.RawMessage
			if err := d.Decode(&other); err != nil {
				return nil, place(err)
			}
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, place(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, place(errors.New("something follows the trace"))
	}
	if own == nil {
		return nil, errors.New(`key "npusim" is missing: this is no trace of npusim`)
	}
	if own.Schema != Schema {
		return nil, fmt.Errorf("npusim.schema is %d, this program reads schema %d", own.Schema, Schema)
	}
	if own.Cycles != result.Timing.Cycles {
		return nil, fmt.Errorf("npusim.cycles is %d, the run of this report took %d: the trace is of another run", own.Cycles, result.Timing.Cycles)
	}
	if len(own.Units) < len(rec.Tracks) || len(own.Units) > mostTracks {
		return nil, fmt.Errorf("npusim.units names %d units, events are of %d", len(own.Units), len(rec.Tracks))
	}
	rec.Tracks = append(rec.Tracks, make([]recording.Track, len(own.Units)-len(rec.Tracks))...)
	for i, name := range own.Units {
		rec.Tracks[i].Unit = name
	}
	rec.Cycles, rec.ClockMHz, rec.MACsPerCycle = own.Cycles, own.ClockMHz, own.MACsPerCycle
	rec.Joined, rec.LinksLeftOut, rec.BlocksLeftOut = own.Joined, own.LinksLeftOut, own.BlocksLeftOut
	own.fill(rec)
	if err := rec.Check(len(result.Layers)); err != nil {
		return nil, err
	}
	return rec, nil
}

// add adds what an event tells to a recording, if it is one of those that do.
func add(rec *recording.Recording, e *event) (known bool, err error) {
	track := e.Thread - unitThread
	kind := recording.InvalidKind
	switch {
	case e.Phase == "X" && e.Category == operationCategory:
		kind = recording.Operation
	case e.Phase == "X" && e.Category == waitCategory:
		kind = recording.Wait
	case e.Phase == "s" && e.Category == signalCategory:
	default:
		return false, nil
	}
	if track < 0 || track >= mostTracks {
		return true, fmt.Errorf("an event of thread %d, units have %d to %d", e.Thread, unitThread, unitThread+mostTracks-1)
	}
	if kind == recording.InvalidKind {
		var a signalArguments
		if err := json.Unmarshal(e.Args, &a); err != nil {
			return true, fmt.Errorf("args of a signal: %w", err)
		}
		rec.Links = append(rec.Links, recording.Link{From: recording.Place{Track: track, Span: a.From}, To: recording.Place{Track: a.ToUnit, Span: a.To},
			Semaphore: a.Semaphore, Signalled: a.Signalled, Taken: a.Taken, Held: a.Held})
		return true, nil
	}
	var a spanArguments
	if err := json.Unmarshal(e.Args, &a); err != nil {
		return true, fmt.Errorf("args of an operation: %w", err)
	}
	if a.Start < 0 || a.Start > a.Start+a.Length {
		return true, fmt.Errorf("an operation of %d cycles from cycle %d", a.Length, a.Start)
	}
	s := recording.Span{Kind: kind, Start: a.Start, End: a.Start + a.Length, Begun: a.Start, Layer: a.Layer, Opcode: a.Opcode, Descriptor: a.Descriptor,
		Class: a.Class, Bytes: a.Bytes, MACs: a.MACs, Semaphore: a.Semaphore, For: a.For, Joined: a.Joined,
		Ports:  recording.Ports{ActivationRead: a.ActivationRead, ActivationWritten: a.ActivationWritten, WeightRead: a.WeightRead, WeightWritten: a.WeightWritten},
		Cycles: recording.Cycles{Busy: a.Busy, Fill: a.Fill, Drain: a.Drain, Bank: a.Bank, DRAM: a.DRAM, Semaphore: a.Waiting}}
	if kind == recording.Wait {
		s.Layer = -1
	}
	if a.Begun != nil {
		s.Begun = *a.Begun
	}
	for len(rec.Tracks) <= track {
		rec.Tracks = append(rec.Tracks, recording.Track{})
	}
	rec.Tracks[track].Spans = append(rec.Tracks[track].Spans, s)
	return true, nil
}
