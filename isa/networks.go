package isa

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/npusim/npusim/isa/xorcode"
)

// MaxNetworks bounds the network table: descriptors name rows in 16 bits.
const MaxNetworks = 1 << 12

// NetworkBytes is what a network takes in the network table: inputs u16, outputs
// u16, then the taps of every output in as many whole bytes as the inputs need.
func NetworkBytes(n *xorcode.Network) int { return 4 + n.Outputs*tapBytes(n.Inputs) }

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
		data = binary.LittleEndian.AppendUint16(data, uint16(n.Inputs))
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
		inputs, outputs := int(r.u16()), int(r.u16())
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
	if err := numbered(name, "x", len(a.p.Networks)); err != nil {
		return err
	}
	if len(a.p.Networks) == MaxNetworks {
		return fmt.Errorf("a program may have %d networks", MaxNetworks)
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
