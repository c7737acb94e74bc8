package evaluate

import (
	"cmp"
	"slices"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/cost"
)

// LayerReuse sets what a layer moves and computes against what it would have to: it
// follows from the program alone, not from time. Bytes are addresses of DRAM
// that the layer's transfers touch, each counted once however often it is
// moved; gaps between rows of a tile count as touched.
type LayerReuse struct {
	WeightBytes     int64 `json:"weight_bytes"`      // weights, codes, masks, parameters and tables
	InputBytes      int64 `json:"input_bytes"`       // of the network's inputs and carried state
	SpillReadBytes  int64 `json:"spill_read_bytes"`  // intermediate tensors that come back from DRAM
	OutputBytes     int64 `json:"output_bytes"`      // of the network's outputs and carried state
	SpillWriteBytes int64 `json:"spill_write_bytes"` // intermediate tensors that go to DRAM
	// The bursts that these bytes lie in, whole and each counted once: what the
	// layer would move if it moved nothing again.
	WeightBurstBytes     int64 `json:"weight_burst_bytes"`
	ActivationBurstBytes int64 `json:"activation_burst_bytes"` // of all tensors, read and written

	Tiles        int64 `json:"tiles"`         // operations of the MAC array
	StreamCycles int64 `json:"stream_cycles"` // of the array: operands stream
	FillCycles   int64 `json:"fill_cycles"`   // weights load, the pipeline fills
	DrainCycles  int64 `json:"drain_cycles"`  // the pipeline empties
	PortCycles   int64 `json:"port_cycles"`   // a scratchpad port is too narrow
	// NarrowPort is the port that costs most of PortCycles: activation, weight
	// or accumulator, as in npu.activation_bytes_per_cycle; empty without any.
	NarrowPort string `json:"narrow_port,omitempty"`
	// DecodeCycles is how long the decryption units take for the layer's coded
	// weights, as they come from DRAM.
	DecodeCycles int64 `json:"decode_cycles,omitempty"`
	// Depthwise tells layers that use the depthwise mode of the array.
	Depthwise bool `json:"depthwise,omitempty"`
}

// portNames are the values of LayerReuse.NarrowPort.
var portNames = [...]string{"activation", "weight", "accumulator"}

// reuseByLayer is the LayerReuse of every layer of a program on a machine, whose
// memory moves bursts of so many bytes.
func reuseByLayer(p *isa.Program, machine *cost.Machine, burst int64) []LayerReuse {
	list := make([]LayerReuse, len(p.Layers))
	var read, written [isa.NumSpaces][][]interval // by region and layer
	for space := range read {
		read[space], written[space] = make([][]interval, len(list)), make([][]interval, len(list))
	}
	dramAccesses(p, func(layer int, a *isa.Access) {
		side := &read
		if a.Write {
			side = &written
		}
		side[a.Space][layer] = appendSet(side[a.Space][layer], &a.Set)
	})
	for i := range list {
		r := &list[i]
		r.WeightBytes = union(read[isa.Weights][i])
		r.InputBytes = union(read[isa.Input][i]) + union(read[isa.State][i])
		r.OutputBytes = union(written[isa.Output][i]) + union(written[isa.State][i])
		r.SpillReadBytes, r.SpillWriteBytes = union(read[isa.Scratch][i])+union(read[isa.Output][i]), union(written[isa.Scratch][i])
	}
	for space := range read {
		for i := range list {
			bytes := union(aligned(read[space][i], burst)) + union(aligned(written[space][i], burst))
			if isa.Space(space) == isa.Weights {
				list[i].WeightBurstBytes += bytes
			} else {
				list[i].ActivationBurstBytes += bytes
			}
		}
	}
	lost := make([][len(portNames)]int64, len(list)) // cycles, by layer
	eachOperation(p, func(u isa.Unit, d *isa.Dynamic) {
		descriptor := p.Descriptors[d.Instruction.Descriptor]
		switch coded := descriptor.(type) {
		case *isa.EncodedWeights:
			list[coded.LayerIndex()].DecodeCycles += machine.Decode(coded, p.Networks).Cycles
		case *isa.SealedKeys:
			list[coded.LayerIndex()].DecodeCycles += machine.Unseal(coded, p.Networks).Cycles
		}
		if u != isa.MACArray {
			return
		}
		o := machine.Of(d.Instruction.Op, descriptor)
		layer := descriptor.LayerIndex()
		r := &list[layer]
		r.Tiles++
		r.StreamCycles += o.Compute
		r.FillCycles += o.Fill
		r.DrainCycles += o.Drain
		r.PortCycles += o.Bank
		r.Depthwise = r.Depthwise || d.Instruction.Op == isa.Depthwise
		lost[layer][narrowPort(machine, &o)] += o.Bank
	})
	for i := range list {
		worst := int64(0)
		for port, cycles := range lost[i] {
			if cycles > worst {
				worst, list[i].NarrowPort = cycles, portNames[port]
			}
		}
	}
	return list
}

// narrowPort is the index in portNames of the scratchpad port that an operation
// needs for longest.
func narrowPort(m *cost.Machine, o *cost.Operation) int {
	need := [len(portNames)]float64{
		ratio(float64(max(o.ActivationRead, o.ActivationWritten)), float64(m.ActivationPort)),
		ratio(float64(o.WeightRead), float64(m.WeightPort)),
		ratio(float64(max(o.AccumulatorRead, o.AccumulatorWrite)), float64(m.AccumulatorPort)),
	}
	worst := 0
	for port := range need {
		if need[port] > need[worst] {
			worst = port
		}
	}
	return worst
}

// interval is a range of addresses.
type interval struct{ from, to uint64 }

// appendSet appends the intervals of a set.
func appendSet(list []interval, s *isa.StridedSet) []interval {
	for i := range uint64(s.Count) {
		from := s.Base + i*s.Stride
		list = append(list, interval{from, from + s.Length})
	}
	return list
}

// aligned widens intervals to whole bursts, in place.
func aligned(list []interval, burst int64) []interval {
	size := uint64(burst)
	for i := range list {
		list[i].from -= list[i].from % size
		list[i].to = (list[i].to + size - 1) / size * size
	}
	return list
}

// union is the number of addresses in any of the intervals, which it sorts.
func union(list []interval) int64 {
	slices.SortFunc(list, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
	var total int64
	var end uint64
	for _, i := range list {
		if i.to > end {
			total += int64(i.to - max(i.from, end))
			end = i.to
		}
	}
	return total
}

// dramAccesses calls visit for every distinct transfer's part in DRAM with the
// index of its layer.
func dramAccesses(p *isa.Program, visit func(layer int, a *isa.Access)) {
	seen := map[[3]uint64]bool{} // transfers repeat
	var accesses []isa.Access
	eachOperation(p, func(u isa.Unit, d *isa.Dynamic) {
		if u != isa.LoadDMA && u != isa.StoreDMA {
			return
		}
		dram := 0
		if u == isa.StoreDMA {
			dram = 1
		}
		key := [3]uint64{uint64(d.Instruction.Operands[dram].Space), d.Offsets[dram], uint64(d.Instruction.Descriptor)}
		if seen[key] {
			return
		}
		seen[key] = true
		descriptor := p.Descriptors[d.Instruction.Descriptor]
		accesses = isa.Accesses(accesses[:0], d, descriptor)
		for i := range accesses {
			if a := &accesses[i]; a.Operand == dram {
				visit(descriptor.LayerIndex(), a)
			}
		}
	})
}

// eachOperation calls visit for every dynamic instruction that moves or
// computes.
func eachOperation(p *isa.Program, visit func(isa.Unit, *isa.Dynamic)) {
	for u := isa.Unit(1); int(u) < isa.NumUnits; u++ {
		stream, err := isa.NewStream(p.Code[u])
		if err != nil {
			continue // a unit without code
		}
		cursor := stream.Cursor()
		var d isa.Dynamic
		for cursor.Next(&d) {
			if op := d.Instruction.Op; op != isa.Wait && op != isa.Signal {
				visit(u, &d)
			}
		}
	}
}
