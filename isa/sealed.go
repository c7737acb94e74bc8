package isa

import (
	"fmt"

	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/xorcode"
)

// SealedKeys describes the load of a tile of keys of binary codes that stay coded
// in DRAM: package binarycode has the stream and the decoder. What arrives in the
// weight buffer are the keys as a LookupTile has them, with all their bits.
type SealedKeys struct {
	Layer     uint16 `isa:"layer,u16" doc:"row of the layer table"`
	Mu        uint8  `isa:"mu,u8" doc:"bits of a key, 2 to 10"`
	Planes    uint8  `isa:"planes,u8" doc:"planes of signs, 1 to 4"`
	Network   uint16 `isa:"network,u16" doc:"row of the network table for plane 0; those of the other planes follow"`
	Rows      uint32 `isa:"rows,u32" doc:"rows of the tile"`
	Keys      uint32 `isa:"keys,u32" doc:"keys of a row and plane"`
	CodeBytes uint32 `isa:"code_bytes,u32" doc:"bytes of the codes"`
}

// Kind implements Descriptor.
func (*SealedKeys) Kind() DescriptorKind { return SealedKind }

// LayerIndex implements Descriptor.
func (t *SealedKeys) LayerIndex() int { return int(t.Layer) }

// KeyBytes is the size of the decoded keys.
func (t *SealedKeys) KeyBytes() int {
	return int(t.Planes) * ((int(t.Rows)*int(t.Keys)*int(t.Mu) + 7) / 8)
}

// Slices is the number of slices of all planes on a network.
func (t *SealedKeys) Slices(n *xorcode.Network) int {
	group := n.Outputs / int(t.Mu)
	return int(t.Planes) * ((int(t.Rows) + group - 1) / group) * int(t.Keys)
}

// Validate implements Descriptor.
func (t *SealedKeys) Validate() error {
	var r rules
	r.require(t.Mu >= binarycode.MinKeyBits && t.Mu <= binarycode.MaxKeyBits, "mu is %d, must be %d to %d", t.Mu, binarycode.MinKeyBits, binarycode.MaxKeyBits)
	r.require(t.Planes >= 1 && t.Planes <= binarycode.MaxPlanes, "planes is %d, must be 1 to %d", t.Planes, binarycode.MaxPlanes)
	r.positive("rows", uint64(t.Rows))
	r.positive("keys", uint64(t.Keys))
	r.positive("code_bytes", uint64(t.CodeBytes))
	r.span("rows x keys x mu x planes", uint64(t.Rows), uint64(t.Keys), uint64(t.Mu), uint64(t.Planes))
	return r.err
}

// fits checks a descriptor against the networks that it names.
func (t *SealedKeys) fits(networks []*xorcode.Network) error {
	first, last := int(t.Network), int(t.Network)+int(t.Planes)-1
	if last >= len(networks) {
		return fmt.Errorf("network is %d to %d, the table has %d rows", first, last, len(networks))
	}
	for k := first; k <= last; k++ {
		n := networks[k]
		if n == nil || xorcode.CheckShape(n.Inputs, n.Outputs) != nil {
			return nil // reported with the networks
		}
		if n.Inputs != networks[first].Inputs || n.Outputs != networks[first].Outputs {
			return fmt.Errorf("networks %d to %d differ in shape", first, last)
		}
		if n.Outputs%int(t.Mu) != 0 {
			return fmt.Errorf("network %d has %d outputs, no multiple of mu %d", k, n.Outputs, t.Mu)
		}
	}
	if want := binarycode.SealedBytes(int(t.Rows), int(t.Keys), int(t.Planes), int(t.Mu), networks[first]); int(t.CodeBytes) != want {
		return fmt.Errorf("code_bytes is %d, must be %d", t.CodeBytes, want)
	}
	return nil
}
