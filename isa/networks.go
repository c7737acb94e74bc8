package isa

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/npusim/npusim/isa/xorcode"
)

// MaxNetworks bounds the network table: descriptors name rows in 16 bits.
const MaxNetworks = 1 << 12

// DrawnNetworkBytes is what a network that can be drawn again takes in the
// network table: inputs u8, draw u8, outputs u16, parameter u8, three zero bytes,
// seed u64.
const DrawnNetworkBytes = 16

// NetworkBytes is what a network takes in the network table: DrawnNetworkBytes,
// or if its rows were given inputs u8, a zero byte, outputs u16, then the taps of
// every output in as many whole bytes as the inputs need.
func NetworkBytes(n *xorcode.Network) int {
	if n.Drawn() {
		return DrawnNetworkBytes
	}
	return 4 + n.Outputs*tapBytes(n.Inputs)
}

func tapBytes(inputs int) int { return (inputs + 7) / 8 }

func writeNetworks(p *Program, _ Unit) ([]byte, error) {
	if len(p.Networks) > MaxNetworks {
		return nil, fmt.Errorf("%d networks, a program may have %d", len(p.Networks), MaxNetworks)
	}
	var data []byte
	for i, n := range p.Networks {
		if n == nil {
			return nil, fmt.Errorf("x%d is nil", i)
		}
		if err := n.Validate(); err != nil {
			return nil, fmt.Errorf("x%d: %w", i, err)
		}
		if n.Drawn() {
			data = append(data, byte(n.Inputs), byte(n.Origin.Draw))
			data = binary.LittleEndian.AppendUint16(data, uint16(n.Outputs))
			data = append(data, n.Origin.Parameter, 0, 0, 0)
			data = binary.LittleEndian.AppendUint64(data, n.Origin.Seed)
			continue
		}
		data = append(data, byte(n.Inputs), byte(xorcode.Given))
		data = binary.LittleEndian.AppendUint16(data, uint16(n.Outputs))
		for _, row := range n.Rows {
			var taps [8]byte
			binary.LittleEndian.PutUint64(taps[:], row)
			data = append(data, taps[:tapBytes(n.Inputs)]...)
		}
	}
	return data, nil
}

func readNetworks(p *Program, _ Unit, r *reader) {
	for r.more() {
		start := r.at
		inputs, draw, outputs := int(r.u8()), xorcode.Draw(r.u8()), int(r.u16())
		if r.err == nil {
			if err := xorcode.CheckShape(inputs, outputs); err != nil {
				r.failAt(start, fmt.Errorf("x%d: %w", len(p.Networks), err))
			} else if len(p.Networks) == MaxNetworks {
				r.failAt(start, fmt.Errorf("a program may have %d networks", MaxNetworks))
			}
		}
		if r.err != nil {
			return
		}
		if draw != xorcode.Given {
			origin := xorcode.Origin{Draw: draw, Parameter: r.u8()}
			reserved := r.take(3)
			origin.Seed = r.u64()
			if r.err != nil {
				return
			}
			n, err := origin.Network(inputs, outputs)
			if err == nil && (reserved[0]|reserved[1]|reserved[2]) != 0 {
				err = errors.New("reserved bytes are not 0")
			}
			if err != nil {
				r.failAt(start, fmt.Errorf("x%d: %w", len(p.Networks), err))
				return
			}
			p.Networks = append(p.Networks, n)
			continue
		}
		width := tapBytes(inputs)
		data := r.take(width * outputs)
		if r.err != nil {
			return
		}
		rows := make([]uint64, outputs)
		for k := range rows {
			var taps [8]byte
			copy(taps[:], data[width*k:][:width])
			rows[k] = binary.LittleEndian.Uint64(taps[:])
		}
		n, err := xorcode.NewNetwork(inputs, outputs, rows)
		if err != nil {
			r.failAt(start, fmt.Errorf("x%d: %w", len(p.Networks), err))
			return
		}
		p.Networks = append(p.Networks, n)
	}
}

// network reads a row such as "x0 = network inputs=2 rows=1,2,3".
func (a *assembler) network(name string, arguments []string) error {
	if err := a.nextNetwork(name); err != nil {
		return err
	}
	var inputs uint16
	var rows []uint64
	if err := assign(arguments, []setter{
		unsigned("inputs", 16, &inputs),
		{"rows", func(text string) error {
			for part := range strings.SplitSeq(text, ",") {
				row, err := strconv.ParseUint(part, 16, 64)
				if err != nil {
					return fmt.Errorf("rows: %q is no hexadecimal number of 64 bits", part)
				}
				if rows = append(rows, row); len(rows) > xorcode.MaxOutputs {
					return fmt.Errorf("rows: a network has at most %d outputs", xorcode.MaxOutputs)
				}
			}
			return nil
		}},
	}); err != nil {
		return err
	}
	n, err := xorcode.NewNetwork(int(inputs), len(rows), rows)
	if err != nil {
		return err
	}
	a.p.Networks = append(a.p.Networks, n)
	return nil
}

// drawnNetwork reads a row such as
// "x0 = drawn_network inputs=16 outputs=80 draw=spread parameter=1 seed=5".
func (a *assembler) drawnNetwork(name string, arguments []string) error {
	if err := a.nextNetwork(name); err != nil {
		return err
	}
	var inputs, outputs uint16
	var origin xorcode.Origin
	if err := assign(arguments, []setter{
		unsigned("inputs", 16, &inputs),
		unsigned("outputs", 16, &outputs),
		{"draw", func(text string) error {
			for d := xorcode.Given + 1; int(d) < xorcode.NumDraws; d++ {
				if d.String() == text {
					origin.Draw = d
					return nil
				}
			}
			return fmt.Errorf("draw: %q is none of random, nested, spread, taps", text)
		}},
		unsigned("parameter", 8, &origin.Parameter),
		unsigned("seed", 64, &origin.Seed),
	}); err != nil {
		return err
	}
	n, err := origin.Network(int(inputs), int(outputs))
	if err != nil {
		return err
	}
	a.p.Networks = append(a.p.Networks, n)
	return nil
}

// nextNetwork checks that a row of the table may follow, under a name.
func (a *assembler) nextNetwork(name string) error {
	if err := numbered(name, "x", len(a.p.Networks)); err != nil {
		return err
	}
	if len(a.p.Networks) == MaxNetworks {
		return fmt.Errorf("a program may have %d networks", MaxNetworks)
	}
	return nil
}

// fits checks a valid descriptor against the networks that it names.
func (t *EncodedWeights) fits(networks []*xorcode.Network) error {
	first, last := int(t.Network), t.NetworkOf(int(t.Bits)-1)
	if last >= len(networks) {
		return fmt.Errorf("network is %d to %d, the table has %d rows", first, last, len(networks))
	}
	for k := first; k <= last; k++ {
		n := networks[k]
		if n == nil {
			return nil // reported with the networks
		}
		if t.Columns() > n.Inputs || int(t.Outputs) > n.Outputs {
			return fmt.Errorf("the tile uses %d inputs and %d outputs, network %d has %d and %d", t.Columns(), t.Outputs, k, n.Inputs, n.Outputs)
		}
	}
	bytes := uint64(t.Bits) * ((uint64(t.PlaneSlices())*uint64(t.Inputs) + 7) / 8)
	if uint64(t.CodeBytes) != bytes {
		return fmt.Errorf("code_bytes is %d, must be %d for %d weights of %d bits", t.CodeBytes, bytes, t.Elements, t.Bits)
	}
	return nil
}
