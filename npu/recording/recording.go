// Package recording is what happened in a timed run, event by event: what each
// unit did and waited for, which operation another one had to wait for, and what
// lay where in the scratchpads. Package timing makes a Recording when it is
// asked to; reports draw it and write it as a trace.
//
// A Recording is bounded however long the run was. Beyond MostSpans a unit,
// neighbours are joined two by two, without losing a cycle or byte of their
// sums; beyond MostLinks and MostBlocks the least of them are left out. The
// fields Joined, LinksLeftOut and BlocksLeftOut say what that came to.
//
// Units: NPU clock cycles, bytes.
package recording

// Bounds of a Recording.
const (
	MostSpans  = 1 << 13 // of a unit
	MostLinks  = 1 << 14
	MostBlocks = 1 << 15
	MostLevels = 1 << 12 // of a scratchpad
)

// Recording is one inference, cold, from cycle 0 to Cycles.
type Recording struct {
	Cycles       int64
	ClockMHz     int64
	MACsPerCycle int64   // peak of the MAC array
	Tracks       []Track // of the units, in the order of the machine
	Links        []Link  // in the order in which their waits ended
	Memory       []Scratchpad

	Joined        int64 // spans that others stand for; 0: every one is there
	LinksLeftOut  int64 // those that held up the least
	BlocksLeftOut int64 // those of the fewest bytes times cycles; occupancy is without them
}

// Track is the time of one unit. Its spans follow one another without overlap
// or gap from cycle 0 on; after the last the unit has finished.
type Track struct {
	Unit  string
	Spans []Span
}

// Kind says what a span is.
type Kind uint8

// Kinds.
const (
	InvalidKind Kind = iota
	Operation        // an instruction that takes time
	Wait             // for a semaphore
)

// Span is an operation or a wait. Of joined spans it is named after the longest.
//
// Transfers of a DMA unit overlap: the next one issues its requests while the
// data of earlier ones is on the way. They complete in order, so the span of a
// transfer begins when the one before it is complete, and Begun tells when its
// set-up began. A wait counts once no data is on the way.
type Span struct {
	Kind       Kind
	Start, End int64 // cycles; End is the first cycle after it
	Begun      int64 // at most Start
	Layer      int   // row of the layer table; of a wait -1

	// Of operations.
	Opcode     string // mnemonic of the instruction set
	Descriptor int    // number in the program, as npusim disasm shows it
	Class      string // of a transfer's tensor: weights, activations, ...
	Bytes      int64  // a transfer moved over the DRAM bus, whole bursts
	MACs       int64  // padding included
	Ports      Ports

	// Of waits.
	Semaphore int    // number in the program
	For       string // the unit that signals it

	Cycles Cycles
	Joined int // further spans that this one stands for
}

// Ports is the bytes that an operation moves through the ports of the
// activation and the weight buffer.
type Ports struct {
	ActivationRead, ActivationWritten int64
	WeightRead, WeightWritten         int64
}

func (p *Ports) add(o *Ports) {
	p.ActivationRead += o.ActivationRead
	p.ActivationWritten += o.ActivationWritten
	p.WeightRead += o.WeightRead
	p.WeightWritten += o.WeightWritten
}

// Length in cycles.
func (s *Span) Length() int64 { return s.End - s.Start }

// Cycles is what the cycles of a span went to; they sum to its length.
type Cycles struct {
	Busy      int64 // operands stream, or data is on the way
	Fill      int64 // the array loads weights or fills its pipeline, the LUT-GEMM unit builds tables
	Drain     int64 // the array empties its pipeline
	Bank      int64 // a scratchpad port is too narrow
	DRAM      int64 // waits for a transfer between DRAM and scratchpad
	Semaphore int64 // waits for another computing unit, or a DMA unit for a free buffer
}

// Add adds the cycles of another span.
func (c *Cycles) Add(o *Cycles) {
	c.Busy += o.Busy
	c.Fill += o.Fill
	c.Drain += o.Drain
	c.Bank += o.Bank
	c.DRAM += o.DRAM
	c.Semaphore += o.Semaphore
}

// Sum of all causes.
func (c *Cycles) Sum() int64 {
	return c.Busy + c.Fill + c.Drain + c.Bank + c.DRAM + c.Semaphore
}

// Link is a signal that an operation gave and the wait that took it: the
// operation To could not begin before From was complete.
type Link struct {
	From, To  Place
	Semaphore int
	Signalled int64 // cycle
	Taken     int64 // cycle, not before Signalled
	Held      int64 // cycles for which it held the waiting queue up; 0: the signal was there before the wait
}

// Place is a span of a track.
type Place struct {
	Track int // of Recording.Tracks
	Span  int
}

// Scratchpad is the memory map of one scratchpad over time.
type Scratchpad struct {
	Name string
	// Allocated is the reported peak: bytes up to the end of the highest
	// allocation, aligned. Levels stay below it where allocations wait for data,
	// hold what nobody reads again, or leave gaps.
	Allocated int64
	Blocks    []Block // by From, then Low; no two share a byte and a cycle
	Levels    []Level // bytes in use, from cycle 0 on
	Interval  int64   // cycles between levels where only the highest of each stretch is kept, else 0
}

// Block is a rectangle of the memory map: bytes that are written together hold
// data from the write until the last read of any of them before they are
// overwritten. Tiles with gaps between their rows count the gaps in. What is
// written in place, as sums are, or piece by piece before anybody reads it, is
// one block.
type Block struct {
	Low, High int64 // addresses; High is the first beyond it
	From, To  int64 // cycles; To is the first one after it
	Layer     int   // that wrote or loaded it; of a load, the layer it is loaded for
	Class     string
}

func (b *Block) area() int64 { return (b.High - b.Low) * (b.To - b.From) }

// Level is the number of bytes that hold data from a cycle on.
type Level struct{ Cycle, Bytes int64 }
