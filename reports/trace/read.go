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
	f, err := OpenRegular(path)
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

// OpenRegular opens a file of a report directory and refuses directories, pipes
// and devices, whose reading might not end.
func OpenRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	return os.Open(path)
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

// reader reads a trace key by key and event by event.
type reader struct {
	*json.Decoder
	rec *recording.Recording
	own *data // nil until its key was there
}

// decode reads a trace of a result.
func decode(from io.Reader, result *evaluate.Result) (*recording.Recording, error) {
	r := reader{Decoder: json.NewDecoder(from), rec: &recording.Recording{}}
	if err := r.file(); err != nil {
		return nil, fmt.Errorf("byte %d: no trace of npusim: %w", r.InputOffset(), err)
	}
	if err := r.finish(result); err != nil {
		return nil, err
	}
	return r.rec, nil
}

// open reads the beginning of an object or array.
func (r *reader) open(want json.Delim, rule string) error {
	token, err := r.Token()
	if err == nil && token != want {
		err = errors.New(rule)
	}
	return err
}

// file reads the whole object.
func (r *reader) file() error {
	if err := r.open('{', "the trace must be a JSON object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return fmt.Errorf("key %q stands there twice", key)
		}
		seen[key] = true
		switch key {
		case "traceEvents":
			err = r.events()
		case "npusim":
			r.own = &data{}
			err = r.Decode(r.own)
		default:
			var other json.RawMessage
			err = r.Decode(&other)
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.Token(); err != nil {
		return err
	}
	if _, err := r.Token(); err != io.EOF {
		return errors.New("something follows the trace")
	}
	return nil
}

// events reads the array of events.
func (r *reader) events() error {
	if err := r.open('[', `"traceEvents" must be a JSON array`); err != nil {
		return err
	}
	for known := 0; r.More(); {
		var e event
		if err := r.Decode(&e); err != nil {
			return err
		}
		ours, err := add(r.rec, &e)
		if err != nil {
			return err
		}
		if ours {
			known++
		}
		if known > mostEvents {
			return fmt.Errorf("more than %d operations, waits and signals", mostEvents)
		}
	}
	_, err := r.Token()
	return err
}

// finish puts together what was read and checks it.
func (r *reader) finish(result *evaluate.Result) error {
	own, rec := r.own, r.rec
	switch {
	case own == nil:
		return errors.New(`key "npusim" is missing: this is no trace of npusim`)
	case own.Schema != Schema:
		return fmt.Errorf("npusim.schema is %d, this program reads schema %d", own.Schema, Schema)
	case own.Cycles != result.Timing.Cycles:
		return fmt.Errorf("npusim.cycles is %d, the run of this report took %d: the trace is of another run", own.Cycles, result.Timing.Cycles)
	case len(own.Units) < len(rec.Tracks) || len(own.Units) > mostTracks:
		return fmt.Errorf("npusim.units names %d units, events are of %d", len(own.Units), len(rec.Tracks))
	}
	rec.Tracks = append(rec.Tracks, make([]recording.Track, len(own.Units)-len(rec.Tracks))...)
	for i, name := range own.Units {
		rec.Tracks[i].Unit = name
	}
	own.fill(rec)
	return rec.Check(len(result.Layers))
}

// add adds what an event tells to a recording, if it is one of ours.
func add(rec *recording.Recording, e *event) (ours bool, err error) {
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
