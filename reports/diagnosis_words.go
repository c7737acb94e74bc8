package reports

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/npu/evaluate"
)

// explain writes title, proof and advice of a finding.
func explain(f *Finding, r *evaluate.Result, m *machine) {
	l := &r.Layers[f.Layer]
	u := l.Reuse
	if u == nil {
		u = &evaluate.LayerReuse{}
	}
	e := explanation{f: f, r: r, m: m, l: l, u: u, name: layerName(l)}
	write := [NumLosses]func(*explanation){
		FullRate: (*explanation).fullRate, IdleCells: (*explanation).idleCells, FillAndDrain: (*explanation).fillAndDrain, NarrowPort: (*explanation).narrowPort,
		VectorWork: (*explanation).vectorWork, LookupWork: (*explanation).lookupWork, LookupOverhead: (*explanation).lookupOverhead,
		SpillWaits: (*explanation).spillWaits, ReloadWaits: (*explanation).reloadWaits, StreamWaits: (*explanation).streamWaits, DecodeWaits: (*explanation).decodeWaits, SetUp: (*explanation).setUp,
	}[f.Loss]
	write(&e)
}

// layerName is a layer's name as sentences have it.
func layerName(l *evaluate.Layer) string { return Shorten(printable(l.Name), 60) }

// explanation gathers what the sentences about a finding draw on: u is the
// reuse of layer l, all zero where the result does not tell.
type explanation struct {
	f    *Finding
	r    *evaluate.Result
	m    *machine
	l    *evaluate.Layer
	u    *evaluate.LayerReuse
	name string
}

func (e *explanation) prove(format string, arguments ...any) {
	e.f.Proof = append(e.f.Proof, fmt.Sprintf(format, arguments...))
}

// share is the finding's share of the layer's cycles, in percent.
func (e *explanation) share() string { return percent(float64(e.f.Lost), float64(e.l.Cycles)) }

// title is the worst layer and what it does.
func (e *explanation) title(does string) {
	e.f.Title = fmt.Sprintf("%s spends %s %% of its cycles %s", e.name, e.share(), does)
}

// others says what the rest of the network loses in the same way.
func (e *explanation) others() {
	if n := e.f.Cycles - e.f.Lost; n > 0 {
		e.prove("All layers together: %s cycles, %s %% of the inference.", Count(e.f.Cycles), percent(e.f.Share, 1))
	} else {
		e.prove("That is %s %% of the inference; no other layer loses cycles this way.", percent(e.f.Share, 1))
	}
	if e.f.Gain < e.f.Cycles*9/10 {
		e.prove("Removing all of it would save at most about %s cycles (%s %%): then DRAM at its peak bandwidth is the limit%s.",
			Count(e.f.Gain), percent(float64(e.f.Gain), float64(e.r.Timing.Cycles)), e.floor())
	}
}

// floor says how long the layer's bytes take at the peak bandwidth, if that is
// what would limit it.
func (e *explanation) floor() string {
	floor := e.m.floor(e.l)
	if e.l.Cycles-floor >= e.f.Lost {
		return ""
	}
	return fmt.Sprintf("; the %s of %s take %s of its %s cycles", Bytes(e.l.DRAMReadBytes+e.l.DRAMWriteBytes), e.name, Count(floor), Count(e.l.Cycles))
}

func (e *explanation) array() string {
	if e.m.cells() == 0 {
		return "the array"
	}
	return fmt.Sprintf("the %dx%d array", e.m.rows, e.m.columns)
}

func (e *explanation) fullRate() {
	e.f.Title = fmt.Sprintf("%s %% of the cycles multiply at the array's peak rate", percent(e.f.Share, 1))
	var macs int64 // of the array
	for i := range e.r.Layers {
		if l := &e.r.Layers[i]; onArray(l) {
			macs += l.MACs
		}
	}
	e.prove("%s MACs on %s need %s cycles at one MAC a cell and cycle; whatever else happens, the inference cannot be shorter on this array at this clock.",
		Count(macs), e.array(), Count(int64(math.Ceil(float64(macs)/e.m.cells()))))
	e.prove("The largest layer is %s: %s MACs, %s cycles.", e.name, Count(e.l.MACs), Count(e.f.Lost))
	e.prove("Twice as many cells, equally busy, would save at most about %s cycles (%s %%); the rest is other losses and DRAM.", Count(e.f.Gain), percent(float64(e.f.Gain), float64(e.r.Timing.Cycles)))
	e.f.Change = "Only more cells (mac_array.rows, mac_array.columns) or a higher clock (npu.clock_mhz) shorten this part."
}

func (e *explanation) idleCells() {
	e.f.Title = fmt.Sprintf("%s leaves %s %% of the array idle while operands stream", e.name, percent(float64(e.f.Lost), float64(e.l.CyclesByBound["mac"])))
	e.prove("It takes %s cycles of streaming for %s MACs, which %s could do in %s.", Count(e.l.CyclesByBound["mac"]), Count(e.l.MACs), e.array(), Count(e.l.CyclesByBound["mac"]-e.f.Lost))
	switch {
	case e.u.Depthwise:
		e.prove("It is a depthwise convolution: each column serves one channel and only the cells of its kernel multiply, the other rows have nothing to do.")
		e.f.Change = "More columns (mac_array.columns) serve more channels at once; rows beyond the kernel's cells (9 of a 3x3 kernel) stay idle in depthwise layers."
	case e.m.outputStationary:
		e.prove("Its output pixels do not fill the rows evenly, or its output channels the columns: the last fold of either is partly empty.")
		e.f.Change = "Rows that divide the output pixels of the large layers (mac_array.rows) and columns that divide their channels (mac_array.columns) waste fewer cells."
	default:
		e.prove("Its input channels times kernel cells do not fill the rows evenly, or its output channels the columns: the last fold of either is partly empty.")
		e.f.Change = "Rows and columns (mac_array.rows, mac_array.columns) that divide the channel counts of the large layers waste fewer cells."
	}
	e.others()
}

func (e *explanation) fillAndDrain() {
	e.title("with the array only filling or draining")
	if u := e.u; u.Tiles > 0 {
		filling := "load weights and fill the pipeline"
		if e.m.outputStationary {
			filling = "fill the pipeline"
		}
		e.prove("In its %s tile %s operands stream for %s, %s more %s, %s drain it: %s streaming cycles a tile on %s.",
			Count(u.Tiles), plural(int(min(u.Tiles, 2)), "operation"), counted(u.StreamCycles, "cycle"), Count(u.FillCycles), filling, Count(u.DrainCycles), significant(float64(u.StreamCycles)/float64(u.Tiles), 3), e.array())
	}
	stored := e.u.WeightBytes // weights, about
	if bits := int64(e.l.WeightBits); bits > 0 {
		stored = stored * 8 / bits
	}
	single := stored > 0 && e.l.MACs <= 2*stored
	switch {
	case single:
		e.prove("Every weight is used about once (%s for %s of weights), so each load of the array does one step of work.", counted(e.l.MACs, "MAC"), Bytes(e.u.WeightBytes))
		e.f.Change = "Such layers are a matter of bytes: fewer bits a weight (quantization.weight_bits), coded weights (compression.scheme) or binary codes on the look-up unit (quantization.weights = \"binary-coding\"), and fewer rows to load (mac_array.rows)."
	case !e.m.overlapWeightLoad && !e.m.outputStationary && e.m.cells() > 0:
		e.f.Change = "mac_array.overlap_weight_load = true hides the load of the next weights behind the streaming of these."
	case e.u.Tiles == 1:
		e.f.Change = "The whole layer is one tile, so that larger buffers would not help: try fewer rows to fill (mac_array.rows)."
	default:
		e.f.Change = "Longer tiles pay less: try fewer rows to fill (mac_array.rows), or larger buffers where they are what cuts the tiles (npu.accumulator_buffer_kib, npu.activation_buffer_kib)."
	}
	e.others()
}

func (e *explanation) narrowPort() {
	e.title("at a scratchpad port that is too narrow")
	port := e.u.NarrowPort
	if port == "" {
		port = "scratchpad"
	}
	e.prove("Its tile operations need %s cycles for the work and %s more for the bytes to pass the %s port.",
		Count(e.u.StreamCycles+e.u.FillCycles+e.u.DrainCycles), Count(e.u.PortCycles), port)
	if e.u.Depthwise {
		e.prove("A depthwise convolution does few operations on each byte it reads.")
	}
	if width := setting(e.r.Config.TOML, "npu", port+"_bytes_per_cycle"); width != "" {
		e.f.Change = fmt.Sprintf("npu.%s_bytes_per_cycle is %s; a wider port removes these cycles.", port, width)
	} else {
		e.f.Change = "A wider port (the npu.*_bytes_per_cycle keys) removes these cycles."
	}
	e.others()
}

func (e *explanation) vectorWork() {
	e.title("with only the vector unit at work")
	e.prove("%s takes %s cycles in which the vector unit works and the array does not.", shortOperator(printable(e.l.Op)), Count(e.f.Lost))
	e.f.Change = "More lanes (vector.lanes, vector.table_lanes) shorten it, as far as the activation port lets the operands through (npu.activation_bytes_per_cycle)."
	e.others()
}

func (e *explanation) lookupWork() {
	e.title("with tables of the LUT-GEMM unit being queried")
	e.prove("The network queries %s table entries and builds tables with %s additions.", Count(e.r.Operations.LUTQueries), Count(e.r.Operations.LUTBuildAdds))
	e.f.Change = "More lanes (lut_gemm.lanes), fewer planes (quantization.planes), or lut_gemm.use = \"faster\", which leaves layers on the array that it does sooner."
	e.others()
}

func (e *explanation) lookupOverhead() {
	e.title("with the LUT-GEMM unit building tables or waiting for a scratchpad port")
	e.prove("In %s cycles no table is queried and nothing else computes.", Count(e.f.Lost))
	e.f.Change = "More additions a cycle (lut_gemm.adders) build tables sooner, wider ports (npu.weight_bytes_per_cycle, npu.activation_bytes_per_cycle) let keys and results through; lut_gemm.use = \"faster\" leaves layers on the array that it does sooner."
	e.others()
}

func (e *explanation) setUp() {
	e.title("with nothing moving and nothing computing")
	e.prove("Transfers are being set up or units wait for one another; the layer takes %s cycles in all and moves %s.", Count(e.l.Cycles), Bytes(e.l.DRAMReadBytes+e.l.DRAMWriteBytes))
	e.f.Change = "A shorter set-up (dma.setup_cycles), more requests in flight (dma.outstanding_requests), or a memory of lower latency."
	e.others()
}
