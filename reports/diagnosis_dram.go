package reports

import "fmt"

// waits titles a finding about DRAM and proves how busy the bus is meanwhile.
func (e *explanation) waits(why string) {
	e.f.Title = fmt.Sprintf("%s waits %s %% of its %s cycles for DRAM: %s", e.name, e.share(), Count(e.l.Cycles), why)
}

// rate says how much of the peak bandwidth the layer uses, and tells whether
// fewer bytes or more bandwidth would help.
func (e *explanation) rate() (saturated bool) {
	moved := float64(e.l.DRAMReadBytes + e.l.DRAMWriteBytes)
	if e.m.peak == 0 || e.l.Cycles == 0 {
		return false
	}
	used := moved / float64(e.l.Cycles) / e.m.peak
	verdict := "the bus is not the limit, latency and the order of transfers are"
	switch {
	case used > 0.75:
		verdict, saturated = "the bus is nearly full", true
	case used > 0.5:
		verdict, saturated = "the bus is busy most of the time", true
	}
	e.prove("It moves %s in its %s cycles: %s of %s B a cycle, %s %% of the peak bandwidth; %s.", Bytes(int64(moved)), Count(e.l.Cycles),
		significant(moved/float64(e.l.Cycles), 3), significant(e.m.peak, 3), percent(used, 1), verdict)
	return saturated
}

func (e *explanation) spillWaits() {
	u := e.u
	both := u.SpillReadBytes + u.SpillWriteBytes + u.InputBytes + u.OutputBytes
	var what string
	switch {
	case u.SpillReadBytes == 0:
		what = fmt.Sprintf("it writes %s of its output for later layers", Bytes(u.SpillWriteBytes))
	case u.SpillWriteBytes == 0:
		what = fmt.Sprintf("it reads back %s that earlier layers wrote", Bytes(u.SpillReadBytes))
	default:
		what = fmt.Sprintf("it reads back %s and writes %s of intermediate tensors", Bytes(u.SpillReadBytes), Bytes(u.SpillWriteBytes))
	}
	e.waits(what)
	capacity := e.r.Scratchpad.CapacityBytes["activation_buffer"]
	switch {
	case capacity > 0 && both > capacity:
		e.prove("These tensors are %s KiB, the activation buffer holds %s KiB, so they cannot stay on chip between layers.", KiB(both), KiB(capacity))
	case capacity > 0:
		e.prove("The activation buffer holds %s KiB; beside the other tensors and tiles in use there is no room for these %s KiB.", KiB(capacity), KiB(both))
	}
	if moved := e.l.BytesByClass["activations"]; both > 0 && float64(moved) > 1.05*float64(both) {
		e.prove("Activations are moved %s times: rows at the edges of tiles are read for both neighbours, or the input once for each group of output channels.", decimal(float64(moved)/float64(both), 2))
	}
	e.rate()
	var spilled, total int64
	for i := range e.r.Layers {
		if l := &e.r.Layers[i]; l.Reuse != nil {
			spilled += l.Reuse.SpillReadBytes + l.Reuse.SpillWriteBytes
		}
		total += e.r.Layers[i].DRAMReadBytes + e.r.Layers[i].DRAMWriteBytes
	}
	e.prove("In the whole network intermediate tensors are %s %% of DRAM traffic (%s of %s; %s are compulsory).", percent(float64(spilled), float64(total)), Bytes(spilled), Bytes(total), Bytes(e.r.DRAM.CompulsoryBytes))
	e.f.Change = fmt.Sprintf("A larger activation buffer (npu.activation_buffer_kib; this layer's input and output take %s KiB), fewer bits (quantization.activation_bits), or more bandwidth (dram.channels, dram.preset).", KiB(both))
	e.others()
}

func (e *explanation) reloadWaits() {
	weights, activations := weightBytesMoved(e.l), e.l.BytesByClass["activations"]
	if needed := activationBytes(e.u); activationsAgain(e.l) > weightsAgain(e.l) {
		e.waits(fmt.Sprintf("its activations are moved %s times", decimal(float64(activations)/float64(max(needed, 1)), 1)))
		e.prove("It moves %s of activations, of which %s are distinct. The others are rows at the edges of tiles for both neighbours, the input once for each group of output channels, or parts of bursts that it does not need.", Bytes(activations), Bytes(needed))
		e.rate()
		e.f.Change = "Fewer and larger tiles: a larger activation or accumulator buffer (npu.activation_buffer_kib, npu.accumulator_buffer_kib). Fewer bits (quantization.activation_bits) or more bandwidth (dram.channels, dram.preset) make each pass shorter."
		e.others()
		return
	}
	times := decimal(float64(weights)/float64(max(e.u.WeightBytes, 1)), 1)
	e.waits(fmt.Sprintf("its weights are streamed %s times", times))
	e.prove("It loads %s of weights, of which %s are distinct.", Bytes(weights), Bytes(e.u.WeightBytes))
	if capacity := e.r.Scratchpad.CapacityBytes["weight_buffer"]; capacity > 0 && e.u.WeightBytes > capacity {
		e.prove("They do not fit the weight buffer (%s KiB of %s KiB), so each group of output rows brings them again.", KiB(e.u.WeightBytes), KiB(capacity))
	} else if capacity > 0 {
		e.prove("They would fit the weight buffer (%s KiB) alone; the schedule shares it between tiles of them that are loaded ahead.", KiB(capacity))
	}
	e.rate()
	e.f.Change = "A larger weight buffer (npu.weight_buffer_kib) keeps them; a larger accumulator or activation buffer makes fewer groups of rows; fewer weight bits or coded weights (compression.scheme) make each pass shorter."
	e.others()
}

func (e *explanation) streamWaits() {
	moved := e.l.DRAMReadBytes + e.l.DRAMWriteBytes
	var again int64
	if e.l.Reuse != nil {
		again = weightsAgain(e.l) + activationsAgain(e.l)
	}
	if 20*again > moved {
		e.waits(fmt.Sprintf("%s that it moves", Bytes(moved)))
		e.prove("Of these bytes %s are moved more than once.", Bytes(again))
	} else {
		e.waits(fmt.Sprintf("%s that it has to move", Bytes(moved)))
	}
	if e.l.MACs > 0 && e.m.peak > 0 && e.m.cells() > 0 && moved > 0 {
		intensity, ridge := float64(e.l.MACs)/float64(moved), e.m.cells()/e.m.peak
		e.prove("%s of all its bytes are weights and parameters. It does %s MACs a byte; this machine needs %s (its ridge point) to keep the array as busy as the bus.",
			Bytes(weightBytesMoved(e.l)), significant(intensity, 3), significant(ridge, 3))
	}
	saturated := e.rate()
	switch {
	case saturated:
		e.f.Change = "Fewer bytes (quantization.weight_bits, compression.scheme) or more bandwidth (dram.channels, dram.preset)."
	case e.m.idealDRAM:
		e.f.Change = "A shorter set-up of transfers (dma.setup_cycles), or more bandwidth (dram.channels, dram.bandwidth_gb_per_s): this memory has no latency."
	case e.f.Layer == 0:
		e.prove("It is the first layer: nothing computes before its first weights and inputs are on chip, and they arrive behind an empty pipeline.")
		e.f.Change = "Lower latency (dram.preset, dma.setup_cycles) or more requests in flight (dma.outstanding_requests); back-to-back inferences could hide it, which this version does not model."
	default:
		e.f.Change = "More room to load ahead (npu.weight_buffer_kib), more requests in flight (dma.outstanding_requests), or a memory of lower latency."
	}
	e.others()
}

func (e *explanation) decodeWaits() {
	e.f.Title = fmt.Sprintf("%s waits %s %% of its %s cycles for coded weights to be decoded", e.name, e.share(), Count(e.l.Cycles))
	e.prove("Its codes keep the decryption units busy for %s cycles; at the peak bandwidth its %s come in %s.",
		Count(e.u.DecodeCycles), Bytes(e.l.DRAMReadBytes+e.l.DRAMWriteBytes), Count(e.m.floor(e.l)))
	e.prove("The units take a slice a cycle each and stall for corrections, and the weights leave them through the port of the weight buffer; the slower of both counts.")
	e.f.Change = "More decryption units (xor.units) or corrections a cycle (xor.patches_per_cycle), or a wider port of the weight buffer (npu.weight_bytes_per_cycle), whichever is the limit; plain weights (compression.scheme = \"none\") are not decoded."
	e.others()
}
