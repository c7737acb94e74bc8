package evaluate

import (
	"fmt"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/functional"
)

// divergence is the first tile, in the order of execution, that differs from
// the integer reference.
type divergence struct {
	layer, tensor           string
	unit                    isa.Unit
	instruction             int // static index, -1 for an output in DRAM
	channel, row, column    int // origin of the tile
	channels, rows, columns int
	differing               int
	at                      [3]int // of the largest difference
	got, want               int8
}

func (d *divergence) String() string {
	where := fmt.Sprintf("unit %s, instruction %d", d.unit, d.instruction)
	if d.instruction < 0 {
		where = "the output region in DRAM"
	}
	return fmt.Sprintf("layer %s (tensor %s) differs from the integer reference in %d of %d elements of the tile at channel %d, row %d, column %d (%s); the largest difference is at (%d, %d, %d): got %d, want %d",
		d.layer, d.tensor, d.differing, d.channels*d.rows*d.columns, d.channel, d.row, d.column, where, d.at[0], d.at[1], d.at[2], d.got, d.want)
}

// checker compares completed tiles with the tensors of the reference.
type checker struct {
	program *isa.Program
	want    [][]int8 // by tensor, (channel, row, column)
	first   *divergence
}

func newChecker(p *isa.Program, want [][]int8) *checker { return &checker{program: p, want: want} }

// observe is a functional.Observer.
func (c *checker) observe(tile *functional.Completed) error {
	if c.first != nil {
		return nil
	}
	d := &divergence{
		unit: tile.Unit, instruction: tile.Index,
		channel: int(tile.Record.Channel), row: int(tile.Record.Row), column: int(tile.Record.Column),
		channels: tile.Channels, rows: tile.Rows, columns: tile.Columns,
		layer: c.program.Layers[tile.Descriptor.LayerIndex()].Name,
	}
	c.compare(d, tile.Record.Tensor, tile.At)
	return nil
}

// outputs compares what the program left in its output regions.
func (c *checker) outputs(outputs [][]int8) {
	for i := range c.program.Outputs {
		id := c.program.Outputs[i].Tensor
		t := &c.program.Tensors[id]
		if c.first != nil {
			return
		}
		d := &divergence{instruction: -1, channels: int(t.Channels), rows: int(t.Rows), columns: int(t.Columns), layer: "of output " + t.Name}
		c.compare(d, id, func(channel, row, column int) int8 {
			return outputs[i][(channel*int(t.Rows)+row)*int(t.Columns)+column]
		})
	}
}

// compare keeps d as the first divergence if the tile differs.
func (c *checker) compare(d *divergence, id uint32, at func(channel, row, column int) int8) {
	t := &c.program.Tensors[id]
	d.tensor = t.Name
	largest := -1
	for ch := range d.channels {
		for h := range d.rows {
			for w := range d.columns {
				z, y, x := d.channel+ch, d.row+h, d.column+w
				want := c.want[id][(z*int(t.Rows)+y)*int(t.Columns)+x]
				got := at(ch, h, w)
				if got == want {
					continue
				}
				d.differing++
				if size := max(int(got)-int(want), int(want)-int(got)); size > largest {
					largest, d.at, d.got, d.want = size, [3]int{z, y, x}, got, want
				}
			}
		}
	}
	if d.differing > 0 {
		c.first = d
	}
}
