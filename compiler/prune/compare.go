package prune

import (
	"container/heap"
	"fmt"
	"math/bits"

	"github.com/npusim/npusim/isa/xorcode"
)

// Storage is a way to store a sparse matrix of int8 weights.
type Storage uint8

// Storages that are compared. A gap is the number of pruned weights before a
// kept one; a gap that its field cannot hold takes fillers, entries of weight
// 0, each of which covers one weight more than the largest gap.
const (
	InvalidStorage Storage = iota
	// Dense: a byte a weight.
	Dense
	// CSR8 and CSR16: for each row a pointer of 4 bytes, and one past the end;
	// for each kept weight its gap within the row, in 1 or 2 bytes, and a byte
	// of weight.
	CSR8
	CSR16
	// RunLengthValues: for each lane a pointer of 4 bytes and one stream of
	// gap and weight, over rows that follow each other; gaps have the width,
	// 1 to 8 bits, that makes the whole smallest.
	RunLengthValues
	// BitmapValues: a bit a weight, for each row a pointer of 4 bytes to its
	// weights, and a byte a kept weight.
	BitmapValues
	// FixedRate: codes of fixed size, such as those of XOR networks; the bytes
	// are the caller's.
	FixedRate
	storageEnd
)

var storageNames = [storageEnd]string{
	InvalidStorage: "invalid", Dense: "dense", CSR8: "csr-8", CSR16: "csr-16",
	RunLengthValues: "run-length", BitmapValues: "bitmap", FixedRate: "fixed-rate",
}

func (s Storage) String() string {
	if s < storageEnd {
		return storageNames[s]
	}
	return fmt.Sprintf("Storage(%d)", uint8(s))
}

// Assignment says which lane decodes which row.
type Assignment uint8

// Assignments of rows to lanes.
const (
	InvalidAssignment Assignment = iota
	RoundRobin                   // row i goes to lane i modulo the lanes
	NextFree                     // each row in turn goes to the lane that is free first
)

// Decoder is a simple model of a decoder: lanes that work side by side until
// the last is done, without any limit of bandwidth. A lane takes, a cycle,
//
//   - one weight of Dense, one code of FixedRate;
//   - one entry of CSR, fillers among them; a row without entries takes one
//     cycle for its pointer;
//   - one entry of RunLengthValues; each lane has the stream of its own rows;
//   - one kept weight of BitmapValues, and it scans BitmapScan bits; a row takes
//     as many cycles as the slower of the two.
//
// Dense and FixedRate can be cut anywhere, so their lanes share the work
// equally; those of the others wait for the lane with the most entries.
type Decoder struct {
	Lanes      int
	Assignment Assignment // of rows, for CSR and BitmapValues
	BitmapScan int        // bits a cycle
}

// Rate is what to compare beside the storages that follow from the mask: codes
// of a fixed size.
type Rate struct {
	Name  string
	Bytes int64 // all of them, with the mask and corrections where it needs them
	Codes int64 // to decode, over all planes
}

// Comparison is one storage of the matrix.
type Comparison struct {
	Storage Storage
	Name    string
	Bytes   int64
	Cycles  int64 // until the last lane is done
	// Imbalance is the time of the last lane over the mean of all lanes, 1 where
	// all finish together.
	Imbalance float64
}

// MaxLanes bounds a [Decoder].
const MaxLanes = 1 << 16

// Compare sets all storages of a matrix of int8 weights under a mask beside each
// other, in the order of their constants, then the given rates.
func Compare(mask xorcode.Plane, rows, cols int, d Decoder, rates ...Rate) ([]Comparison, error) {
	switch {
	case rows < 1 || cols < 1 || mask.Len()%rows != 0 || mask.Len()/rows != cols:
		return nil, fmt.Errorf("prune: a mask of %d bits for %d x %d weights", mask.Len(), rows, cols)
	case d.Lanes < 1 || d.Lanes > MaxLanes:
		return nil, fmt.Errorf("prune: %d lanes, 1 to %d are possible", d.Lanes, MaxLanes)
	case d.BitmapScan < 1:
		return nil, fmt.Errorf("prune: a bitmap scan of %d bits a cycle, 1 or more are possible", d.BitmapScan)
	case d.Assignment != RoundRobin && d.Assignment != NextFree:
		return nil, fmt.Errorf("prune: %d is no assignment of rows", d.Assignment)
	}
	n, kept := int64(mask.Len()), int64(mask.Count())
	list := []Comparison{
		d.shared(Dense, "", n, n),
		d.csr(CSR8, mask, rows, cols, 8),
		d.csr(CSR16, mask, rows, cols, 16),
		d.runLength(mask, rows, cols),
		d.bitmap(mask, rows, cols, kept),
	}
	for _, r := range rates {
		if r.Bytes < 0 || r.Codes < 0 {
			return nil, fmt.Errorf("prune: rate %s has %d bytes and %d codes", r.Name, r.Bytes, r.Codes)
		}
		list = append(list, d.shared(FixedRate, r.Name, r.Bytes, r.Codes))
	}
	return list, nil
}

// pointerBytes is the size of a pointer to a row or stream.
const pointerBytes = 4

// shared is a storage whose codes the lanes share equally.
func (d Decoder) shared(s Storage, name string, bytes, codes int64) Comparison {
	if name == "" {
		name = s.String()
	}
	lanes := int64(d.Lanes)
	return Comparison{s, name, bytes, (codes + lanes - 1) / lanes, 1}
}

// csr counts entries row by row.
func (d Decoder) csr(s Storage, mask xorcode.Plane, rows, cols, gapBits int) Comparison {
	time := newLanes(d)
	entries := int64(0)
	for row := range rows {
		n := int64(0)
		eachGap(mask, row*cols, (row+1)*cols, func(gap int) { n += int64(gap>>gapBits) + 1 })
		entries += n
		time.add(row, max(1, n))
	}
	bytes := pointerBytes*int64(rows+1) + entries*int64(1+gapBits/8)
	return time.comparison(s, bytes)
}

// bitmap counts kept weights row by row.
func (d Decoder) bitmap(mask xorcode.Plane, rows, cols int, kept int64) Comparison {
	time := newLanes(d)
	scan := int64((cols-1)/d.BitmapScan + 1)
	for row := range rows {
		n := int64(0)
		for at := row * cols; at < (row+1)*cols; at += 64 {
			n += int64(bits.OnesCount64(mask.Bits(at, min(64, (row+1)*cols-at))))
		}
		time.add(row, max(scan, n))
	}
	return time.comparison(BitmapValues, int64(mask.Len()+7)/8+pointerBytes*int64(rows)+kept)
}

// runLength counts entries of one stream a lane, for every width of gaps.
func (d Decoder) runLength(mask xorcode.Plane, rows, cols int) Comparison {
	const widths = 8
	streams := min(d.Lanes, rows)
	var bytes [widths + 1]int64
	var time [widths + 1]lanes
	for w := range time {
		bytes[w] = pointerBytes * int64(streams)
		time[w] = newLanes(d)
	}
	for lane := range streams {
		var entries [widths + 1]int64
		eachGap(mask, lane*rows/streams*cols, (lane+1)*rows/streams*cols, func(gap int) {
			for w := range entries {
				entries[w] += int64(gap>>w) + 1
			}
		})
		for w, n := range entries {
			bytes[w] += (n*int64(w+8) + 7) / 8
			time[w].busy[lane] = n
		}
	}
	best := 1
	for w := 2; w <= widths; w++ {
		if bytes[w] < bytes[best] {
			best = w
		}
	}
	return time[best].comparison(RunLengthValues, bytes[best])
}

// eachGap calls f with the gap before every kept weight among from..to-1.
func eachGap(mask xorcode.Plane, from, to int, f func(gap int)) {
	start := from
	for at := from; at < to; at += 64 {
		for set := mask.Bits(at, min(64, to-at)); set != 0; set &= set - 1 {
			place := at + bits.TrailingZeros64(set)
			f(place - start)
			start = place + 1
		}
	}
}

// lanes is the time of every lane; as a heap it is ordered by who is free first.
type lanes struct {
	assignment Assignment
	busy       []int64 // cycles by lane
	free       []int   // lanes, for NextFree
}

func newLanes(d Decoder) lanes {
	l := lanes{assignment: d.Assignment, busy: make([]int64, d.Lanes)}
	if d.Assignment == NextFree {
		l.free = make([]int, d.Lanes)
		for i := range l.free {
			l.free[i] = i
		}
	}
	return l
}

// add gives the next row to a lane.
func (l *lanes) add(row int, cycles int64) {
	if l.assignment == RoundRobin {
		l.busy[row%len(l.busy)] += cycles
		return
	}
	l.busy[l.free[0]] += cycles
	heap.Fix(l, 0)
}

func (l *lanes) comparison(s Storage, bytes int64) Comparison {
	var last, sum int64
	for _, t := range l.busy {
		last, sum = max(last, t), sum+t
	}
	c := Comparison{s, s.String(), bytes, last, 1}
	if sum > 0 {
		c.Imbalance = float64(last) * float64(len(l.busy)) / float64(sum)
	}
	return c
}

func (l *lanes) Len() int { return len(l.free) }

func (l *lanes) Less(i, j int) bool {
	a, b := l.free[i], l.free[j]
	return l.busy[a] < l.busy[b] || l.busy[a] == l.busy[b] && a < b
}

func (l *lanes) Swap(i, j int) { l.free[i], l.free[j] = l.free[j], l.free[i] }

func (l *lanes) Push(any) { panic("prune: lanes are fixed") }

func (l *lanes) Pop() any { panic("prune: lanes are fixed") }
