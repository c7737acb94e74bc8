package xorcode

import "fmt"

// Draw is how the rows of a network came about. The zero value is that of a
// network whose rows were given.
type Draw uint8

// Draws.
const (
	Given  Draw = iota // the rows stand for themselves
	Random             // RandomNetwork
	Nested             // NestedNetwork
	Spread             // SpreadNetwork
	Taps               // TapNetwork
	drawEnd
)

// NumDraws bounds tables indexed by Draw.
const NumDraws = int(drawEnd)

var drawNames = [NumDraws]string{Given: "given", Random: "random", Nested: "nested", Spread: "spread", Taps: "taps"}

func (d Draw) String() string {
	if int(d) < NumDraws {
		return drawNames[d]
	}
	return fmt.Sprintf("Draw(%d)", uint8(d))
}

// Origin says how to draw a network again, which takes less room than its rows.
// Parameter is the registers of Spread, the taps of Taps, and else 0.
type Origin struct {
	Draw      Draw
	Parameter uint8
	Seed      uint64
}

// Network draws the network of a shape. A network that was Given cannot be.
func (o Origin) Network(inputs, outputs int) (*Network, error) {
	if err := CheckShape(inputs, outputs); err != nil {
		return nil, err
	}
	parameter := int(o.Parameter)
	switch {
	case o.Draw == Spread:
		if inputs%(parameter+1) != 0 {
			return nil, fmt.Errorf("xor network: %d inputs for %d registers: each code has as many", inputs, parameter)
		}
		if err := CheckSequentialShape(inputs/(parameter+1), parameter, outputs); err != nil {
			return nil, fmt.Errorf("xor network: %w", err)
		}
		return SpreadNetwork(inputs/(parameter+1), parameter, outputs, o.Seed), nil
	case o.Draw == Taps:
		return TapNetwork(inputs, outputs, parameter, o.Seed)
	case parameter != 0:
		return nil, fmt.Errorf("xor network: parameter %d for rows that are %s: must be 0", parameter, o.Draw)
	case o.Draw == Random:
		return RandomNetwork(inputs, outputs, o.Seed), nil
	case o.Draw == Nested:
		return NestedNetwork(inputs, outputs, o.Seed)
	}
	return nil, fmt.Errorf("xor network: rows that are %s cannot be drawn", o.Draw)
}

// Drawn says whether the network is the one that its origin gives; rows may have
// been changed since.
func (m *Network) Drawn() bool {
	if m.Origin.Draw == Given {
		return false
	}
	again, err := m.Origin.Network(m.Inputs, m.Outputs)
	return err == nil && again.Equal(m)
}

// NestedInputs is the least number of inputs of a NestedNetwork.
const NestedInputs = 8

// NestedNetwork draws a network whose first inputs are one by themselves: every
// output taps one of the first NestedInputs, so that layers may use any number
// of inputs from there on. Parts by inputs and outputs are networks of the same
// seed. Equal arguments give equal networks for all time.
func NestedNetwork(inputs, outputs int, seed uint64) (*Network, error) {
	if err := CheckShape(inputs, outputs); err != nil {
		return nil, err
	}
	if inputs < NestedInputs {
		return nil, fmt.Errorf("xor network: inputs = %d: must be %d..%d for nested rows", inputs, NestedInputs, MaxInputs)
	}
	m := RandomNetwork(NestedInputs, outputs, seed)
	m.Inputs, m.Origin = inputs, Origin{Draw: Nested, Seed: seed}
	others := RandomNetwork(MaxInputs-NestedInputs, outputs, ^seed)
	for r := range m.Rows {
		m.Rows[r] |= others.Rows[r] << NestedInputs & lowMask(inputs)
	}
	return m, nil
}
