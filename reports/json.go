package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports/trace"
)

// maximumSummaryBytes bounds what ReadJSON reads: networks of 100,000 layers
// stay far below it.
const maximumSummaryBytes = 256 << 20

// largestCount bounds the counts of a summary that is read: every JSON reader
// keeps integers up to it exact.
const largestCount = 1 << 53

// WriteJSON writes the result indented, keys in the order of the struct and
// maps by key, with a line feed at the end.
func WriteJSON(w io.Writer, r *evaluate.Result) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("JSON report of %s: %w", r.Model.Name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// ReadJSON reads a summary that WriteJSON wrote. Keys that it does not know
// are ignored; sums that do not agree are refused. Errors name the file, the
// place and the rule.
func ReadJSON(path string) (*evaluate.Result, error) {
	return ReadSummary(path, nil)
}

// ReadSummary is ReadJSON that has the bytes of the file inspected, if inspect
// is given: after they proved to be of the right form and types, before counts
// and sums are checked.
func ReadSummary(path string, inspect func(data []byte) error) (*evaluate.Result, error) {
	f, err := trace.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maximumSummaryBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(data) > maximumSummaryBytes {
		return nil, fmt.Errorf("%s: larger than %s, too large for a summary", path, Bytes(maximumSummaryBytes))
	}
	r, err := decodeInspected(data, inspect)
	if err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	return r, nil
}

// decodeJSON decodes and checks a summary. Its errors begin with the colon
// that follows a file name.
func decodeJSON(data []byte) (*evaluate.Result, error) { return decodeInspected(data, nil) }

func decodeInspected(data []byte, inspect func(data []byte) error) (*evaluate.Result, error) {
	var r evaluate.Result
	if err := json.Unmarshal(data, &r); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return nil, fmt.Errorf("%s: no valid JSON: %w", place(data, syntax.Offset), err)
		case errors.As(err, &kind):
			return nil, fmt.Errorf("%s: key %q: a JSON %s where %s belongs", place(data, kind.Offset), kind.Field, kind.Value, kind.Type)
		}
		return nil, fmt.Errorf(": %w", err)
	}
	if r.Schema != evaluate.Schema {
		return nil, fmt.Errorf(": schema is %d, this program reads schema %d of `run --format json`", r.Schema, evaluate.Schema)
	}
	switch {
	case r.Model.Name == "":
		return nil, errors.New(": key \"model.name\" is missing: this is no summary of a run")
	case len(r.Layers) == 0:
		return nil, errors.New(": key \"layers\" is missing or empty: this is no summary of a run")
	}
	if inspect != nil {
		if err := inspect(data); err != nil {
			return nil, fmt.Errorf(": %w", err)
		}
	}
	if err := checkCounts(&r); err != nil {
		return nil, fmt.Errorf(": %w", err)
	}
	return &r, nil
}

// place writes the line and column of the last byte read, after colons.
func place(data []byte, bytesRead int64) string {
	before := data[:min(max(bytesRead-1, 0), int64(len(data)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf(":%d:%d", line, column)
}

// checker keeps the first fault that it finds in a summary.
type checker struct{ fault error }

func (c *checker) fail(format string, arguments ...any) {
	if c.fault == nil {
		c.fault = fmt.Errorf(format, arguments...)
	}
}

func (c *checker) count(key string, n int64) {
	if n < 0 || n > largestCount {
		c.fail("key %q is %d, must be 0 to 2^53", key, n)
	}
}

func (c *checker) amount(key string, x float64) {
	if x < 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		c.fail("key %q is %g, must be 0 or more", key, x)
	}
}

func (c *checker) atMost(key string, x, most float64) {
	if !(x >= 0 && x <= most) {
		c.fail("key %q is %g, must be 0 to %g", key, x, most)
	}
}

// short tells whether a list has at most a number of values.
func (c *checker) short(key string, n, most int) bool {
	if n > most {
		c.fail("key %q has %d values, must have at most %d", key, n, most)
	}
	return n <= most
}

func (c *checker) counts(key string, m map[string]int64) {
	for _, name := range keys(nil, m) {
		c.count(key+"."+name, m[name])
	}
}

// checkCounts refuses counts and energies that no run can have, and those that
// contradict each other.
func checkCounts(r *evaluate.Result) error {
	var c checker
	count, amount, counts := c.count, c.amount, c.counts

	count("model.parameters", r.Model.Parameters)
	count("model.macs", r.Model.MACs)
	count("program.instructions", r.Program.Instructions)
	count("program.dynamic_instructions", r.Program.DynamicInstructions)
	count("program.code_bytes", r.Program.CodeBytes)
	count("program.weight_bytes", r.Program.WeightBytes)
	amount("program.weight_bits_per_weight", r.Program.WeightBitsPerWeight)
	if a := r.Accuracy; a != nil {
		count("accuracy.samples", int64(a.Samples))
		count("accuracy.bit_exact_samples", int64(a.BitExactSamples))
	}
	count("timing.cycles", r.Timing.Cycles)
	amount("timing.latency_ms", r.Timing.LatencyMS)
	amount("timing.inferences_per_second", r.Timing.InferencesPerSecond)
	amount("timing.mac_utilization", r.Timing.MACUtilization)
	count("timing.clock_mhz", r.Timing.ClockMHz)
	count("timing.peak_macs_per_cycle", r.Timing.PeakMACsPerCycle)
	count("dram.read_bytes", r.DRAM.ReadBytes)
	count("dram.write_bytes", r.DRAM.WriteBytes)
	count("dram.requests", r.DRAM.Requests)
	count("dram.compulsory_bytes", r.DRAM.CompulsoryBytes)
	counts("dram.bytes_by_class", r.DRAM.BytesByClass)
	amount("dram.achieved_gb_per_s", r.DRAM.AchievedGBPerS)
	amount("dram.peak_gb_per_s", r.DRAM.PeakGBPerS)
	c.memory(r)
	counts("scratchpad.peak_bytes", r.Scratchpad.PeakBytes)
	counts("scratchpad.capacity_bytes", r.Scratchpad.CapacityBytes)
	count("operations.mac", r.Operations.MAC)
	count("operations.requantize", r.Operations.Requantize)
	count("operations.vector", r.Operations.Vector)
	count("operations.table_lookups", r.Operations.TableLookups)
	count("operations.xor_slices", r.Operations.XORSlices)
	count("operations.corrections", r.Operations.Corrections)
	count("operations.lut_build_adds", r.Operations.LUTBuildAdds)
	count("operations.lut_queries", r.Operations.LUTQueries)
	count("operations.lut_scale_macs", r.Operations.LUTScaleMACs)
	c.compression(r.Compression)
	e := r.EnergyUJ
	for i, x := range []float64{e.Total, e.MAC, e.Requantize, e.Vector, e.Scratchpad, e.DRAM, e.LUT, e.XOR, e.Static} {
		amount("energy_uj."+[]string{"total", "mac", "requantize", "vector", "scratchpad", "dram", "lut", "xor", "static"}[i], x)
	}
	if a := r.AreaMM2; a != nil {
		for i, x := range []float64{a.Total, a.MAC, a.Requantize, a.Vector, a.Scratchpad, a.LUT, a.XOR, a.Overhead, a.TechnologyNM} {
			amount("area_mm2."+[]string{"total", "mac", "requantize", "vector", "scratchpad", "lut", "xor", "overhead", "technology_nm"}[i], x)
		}
	}
	for _, unit := range keys(evaluate.Units, r.Stalls) {
		s := r.Stalls[unit]
		for i, n := range []int64{s.Busy, s.Fill, s.Drain, s.Bank, s.DRAM, s.Semaphore, s.Finished} {
			count("stalls."+unit+"."+[]string{"busy", "fill", "drain", "bank", "dram", "semaphore", "finished"}[i], n)
		}
	}
	c.occupancy(r.Occupancy, r.Timing.Cycles)
	for i := range r.Layers {
		l := &r.Layers[i]
		key := fmt.Sprintf("layers[%d]", i)
		count(key+".cycles", l.Cycles)
		count(key+".macs", l.MACs)
		amount(key+".utilization", l.Utilization)
		counts(key+".cycles_by_bound", l.CyclesByBound)
		count(key+".dram_read_bytes", l.DRAMReadBytes)
		count(key+".dram_write_bytes", l.DRAMWriteBytes)
		counts(key+".bytes_by_class", l.BytesByClass)
		amount(key+".energy_uj", l.EnergyUJ)
		count(key+".weight_bits", int64(l.WeightBits))
		c.weightRanges(key+".weight_ranges", l.WeightRanges)
		if u := l.Reuse; u != nil {
			for i, n := range []int64{u.WeightBytes, u.InputBytes, u.SpillReadBytes, u.OutputBytes, u.SpillWriteBytes, u.Tiles, u.StreamCycles, u.FillCycles, u.DrainCycles, u.PortCycles, u.DecodeCycles, u.WeightBurstBytes, u.ActivationBurstBytes} {
				count(key+".reuse."+[]string{"weight_bytes", "input_bytes", "spill_read_bytes", "output_bytes", "spill_write_bytes", "tiles", "stream_cycles", "fill_cycles", "drain_cycles", "port_cycles", "decode_cycles", "weight_burst_bytes", "activation_burst_bytes"}[i], n)
			}
		}
	}
	c.sums(r)
	c.derived(r)
	return c.fault
}
