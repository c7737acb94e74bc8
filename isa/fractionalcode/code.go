package fractionalcode

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/isa/xorcode"
)

// Limits of a code.
const (
	MaxPlanes   = 8       // as in the machine's descriptor of encoded weights
	MaxWeights  = 1 << 36 // bits of one plane
	MaxChannels = 1 << 24
	MaxSum      = 127 // magnitude of the int8 weights
)

// Order is which channel a weight belongs to.
type Order uint8

// Orders. A tensor has Channels x rest weights, rest the same for all channels.
const (
	InvalidOrder Order = iota
	ChannelMajor       // weight i is of channel i / rest: a tensor [channels][rest]
	ChannelMinor       // weight i is of channel i % Channels: a tile of the machine
	orderEnd
)

var orderNames = [orderEnd]string{InvalidOrder: "invalid", ChannelMajor: "channel-major", ChannelMinor: "channel-minor"}

func (o Order) String() string {
	if o < orderEnd {
		return orderNames[o]
	}
	return fmt.Sprintf("order %d", uint8(o))
}

// Generator names a network that is drawn from a seed, which the binary form
// carries in place of the matrix.
type Generator struct {
	Taps int // of every row: xorcode.TapNetwork; 0 for xorcode.RandomNetwork
	Seed uint64
}

// Network draws the network.
func (g Generator) Network(inputs, outputs int) (*xorcode.Network, error) {
	if err := xorcode.CheckShape(inputs, outputs); err != nil {
		return nil, err
	}
	if g.Taps == 0 {
		return xorcode.RandomNetwork(inputs, outputs, g.Seed), nil
	}
	return xorcode.TapNetwork(inputs, outputs, g.Taps, g.Seed)
}

// Network is the XOR network of a plane.
type Network struct {
	Matrix    *xorcode.Network
	Generator *Generator // that draws the matrix; nil if the binary form carries the matrix itself
}

// Draw is the network of a generator.
func Draw(inputs, outputs int, g Generator) (Network, error) {
	m, err := g.Network(inputs, outputs)
	return Network{Matrix: m, Generator: &g}, err
}

// Plane is one plane of signs.
type Plane struct {
	Network Network
	Codes   xorcode.Bitstream // n_in bits a slice
	Scales  []float32         // by channel, of any sign
}

// Integer is the form of the scales that the machine adds.
type Integer struct {
	Scales []int8    // [plane][channel]; the magnitudes of a channel sum to at most MaxSum
	Steps  []float32 // what one unit of the int8 weights stands for: 1 for all, or 1 a channel
}

// Step is the step of a channel.
func (n *Integer) Step(channel int) float32 {
	if len(n.Steps) == 1 {
		return n.Steps[0]
	}
	return n.Steps[channel]
}

// Code is a tensor in the fractional code. All planes have networks of the same
// shape.
type Code struct {
	Weights  int // a multiple of Channels
	Channels int
	Order    Order
	Planes   []Plane
	Integer  *Integer // nil without
}

// Inputs is n_in: the bits of a slice as stored.
func (c *Code) Inputs() int { return c.Planes[0].Network.Matrix.Inputs }

// Outputs is n_out: the bits of a slice as decoded.
func (c *Code) Outputs() int { return c.Planes[0].Network.Matrix.Outputs }

// Slices is the number of slices of a plane.
func (c *Code) Slices() int { return slicesOf(c.Weights, c.Outputs()) }

func slicesOf(weights, outputs int) int { return (weights + outputs - 1) / outputs }

// Channel is the channel of weight i.
func (c *Code) Channel(i int) int {
	if c.Order == ChannelMinor {
		return i % c.Channels
	}
	return i / (c.Weights / c.Channels)
}

// TensorIndex is where weight i of the code stands in a tensor [channels][rest].
func (c *Code) TensorIndex(i int) int {
	if c.Order == ChannelMinor {
		return i%c.Channels*(c.Weights/c.Channels) + i/c.Channels
	}
	return i
}

// Validate returns the first rule that the code breaks.
func (c *Code) Validate() error {
	if err := c.check(); err != nil {
		return fmt.Errorf("xor-fractional: %w", err)
	}
	return nil
}

func (c *Code) check() error {
	if err := checkExtent(c.Weights, c.Channels, c.Order, len(c.Planes)); err != nil {
		return err
	}
	for p := range c.Planes {
		if err := c.checkPlane(&c.Planes[p]); err != nil {
			return fmt.Errorf("plane %d: %w", p, err)
		}
	}
	if c.Integer != nil {
		return c.Integer.check(len(c.Planes), c.Channels)
	}
	return nil
}

// checkExtent checks what does not depend on networks.
func checkExtent(weights, channels int, order Order, planes int) error {
	switch {
	case planes < 1 || planes > MaxPlanes:
		return fmt.Errorf("planes = %d: must be 1..%d", planes, MaxPlanes)
	case weights < 1 || weights > MaxWeights:
		return fmt.Errorf("weights = %d: must be 1..%d", weights, MaxWeights)
	case channels < 1 || channels > MaxChannels:
		return fmt.Errorf("channels = %d: must be 1..%d", channels, MaxChannels)
	case weights%channels != 0:
		return fmt.Errorf("%d weights are no multiple of %d channels", weights, channels)
	case order <= InvalidOrder || order >= orderEnd:
		return fmt.Errorf("order %d: must be %d (%v) or %d (%v)", uint8(order), ChannelMajor, ChannelMajor, ChannelMinor, ChannelMinor)
	}
	return nil
}

func (c *Code) checkPlane(p *Plane) error {
	m := p.Network.Matrix
	if m == nil || c.Planes[0].Network.Matrix == nil {
		return fmt.Errorf("no network")
	}
	if err := m.Validate(); err != nil {
		return err
	}
	if m.Inputs != c.Inputs() || m.Outputs != c.Outputs() {
		return fmt.Errorf("the network is %d x %d, that of plane 0 %d x %d", m.Outputs, m.Inputs, c.Outputs(), c.Inputs())
	}
	if g := p.Network.Generator; g != nil {
		drawn, err := g.Network(m.Inputs, m.Outputs)
		if err != nil {
			return err
		}
		if !m.Equal(drawn) {
			return fmt.Errorf("the network is not that of seed %d with %d taps", g.Seed, g.Taps)
		}
	}
	if want := xorcode.Bits(c.Slices()) * xorcode.Bits(m.Inputs); p.Codes.Length != want {
		return fmt.Errorf("codes have %d bits, %d slices of %d have %d", p.Codes.Length, c.Slices(), m.Inputs, want)
	}
	if err := p.Codes.Validate(); err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	if len(p.Scales) != c.Channels {
		return fmt.Errorf("%d scales for %d channels", len(p.Scales), c.Channels)
	}
	for channel, a := range p.Scales {
		if !(math.Abs(float64(a)) <= math.MaxFloat32) {
			return fmt.Errorf("scale of channel %d is %g: must be finite", channel, a)
		}
	}
	return nil
}

func (n *Integer) check(planes, channels int) error {
	if len(n.Scales) != planes*channels {
		return fmt.Errorf("%d int8 scales for %d planes of %d channels", len(n.Scales), planes, channels)
	}
	if len(n.Steps) != 1 && len(n.Steps) != channels {
		return fmt.Errorf("%d steps: must be 1, or one for each of %d channels", len(n.Steps), channels)
	}
	for i, s := range n.Steps {
		if !(s > 0 && s <= math.MaxFloat32) {
			return fmt.Errorf("step %d is %g: must be positive and finite", i, s)
		}
	}
	for channel := range channels {
		sum := 0
		for p := range planes {
			sum += magnitude(n.Scales[p*channels+channel])
		}
		if sum > MaxSum {
			return fmt.Errorf("the int8 scales of channel %d sum to %d: weights must stay within +-%d", channel, sum, MaxSum)
		}
	}
	return nil
}

func magnitude(v int8) int {
	if v < 0 {
		return -int(v)
	}
	return int(v)
}
