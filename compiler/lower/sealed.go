package lower

import (
	"fmt"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/xorcode"
)

// Keys of binary codes may lie in DRAM as codes of XOR networks, which the
// decryption units turn into keys on the way to the weight buffer.

// checkSealed refuses codes that tiles of the machine cannot begin with.
func (l *lowering) checkSealed(s *binarycode.Sealed, mu int) error {
	if s.Mu != mu {
		return fmt.Errorf("its sealed keys have %d bits, lut_gemm.mu is %d", s.Mu, mu)
	}
	if l.target.Cost.DecryptionUnits == 0 {
		return fmt.Errorf("it has sealed keys: xor.units must be at least 1")
	}
	for _, n := range s.Networks {
		if err := binarycode.CheckSealing(n.Outputs, mu, l.target.ChannelBlock); err != nil {
			return err
		}
	}
	return nil
}

// addNetworks puts the networks of a layer's planes, one after another, into the
// table unless they are there.
func (l *lowering) addNetworks(networks []*xorcode.Network) {
	if l.networkRow(networks) < 0 {
		l.networks = append(l.networks, networks...)
	}
}

// networkRow is where networks stand in the table one after another, or -1.
func (l *lowering) networkRow(networks []*xorcode.Network) int {
	for row := 0; row+len(networks) <= len(l.networks); row++ {
		all := true
		for k, n := range networks {
			all = all && l.networks[row+k].Equal(n)
		}
		if all {
			return row
		}
	}
	return -1
}

// storedKeyBytes is what the keys of a tile take in DRAM.
func (p *shape) storedKeyBytes(t *isa.LookupTile) int {
	if s := p.s.anchor.Convolution.Sealed; s != nil {
		return binarycode.SealedBytes(int(t.OutputChannels), t.Keys(), int(t.Planes), int(t.Mu), s.Networks[0])
	}
	return t.KeyBytes()
}

// loadSealed loads the keys of a tile through the decryption units.
func (x *stepEmission) loadSealed(key weightKey, t *isa.LookupTile, row, column int, to isa.Address) error {
	s, mu := x.s.anchor.Convolution.Sealed, int(t.Mu)
	size := x.p.storedKeyBytes(t)
	from, known := x.weightAt[key]
	if !known {
		perRow := ceilDivide(x.p.codes().Shape.Columns, mu)
		from = x.constant(size, func() []byte { return s.Tile(row, int(t.OutputChannels), column/mu, t.Keys(), perRow) })
		x.weightAt[key] = from
	}
	d := &isa.SealedKeys{Layer: uint16(x.s.index), Mu: t.Mu, Planes: t.Planes, Network: uint16(x.l.networkRow(s.Networks)),
		Rows: t.OutputChannels, Keys: uint32(t.Keys()), CodeBytes: uint32(size)}
	return x.emit(isa.LoadDMA, isa.LoadSealed, d, isa.TraceRecord{}, at(isa.Weights, from), to)
}
