// Package isa is the machine contract: what compiler and machine agree on,
// and nothing else. It holds one instruction table (Instructions), the
// descriptors that instructions point to, the self-contained Program with its
// binary container and text form, and Verify, which proves on a program alone
// that it can run. REFERENCE.md is generated from the same tables.
//
// # Units
//
// A core has in-order queues, each with its own code section: load DMA, store
// DMA, MAC array, vector unit, and lookup_gemm, which multiplies binary codes by
// look-up tables: those that it builds for itself as it goes, or those that
// table_builder has left in the table buffer. A computing unit starts an instruction when the one
// before it in its queue has completed. A DMA unit issues its transfers in
// order and lets them overlap; their effects on the same bytes are in order,
// and a signal waits for all of them. Queues order each other by semaphores
// only. There is one core.
//
// # Code
//
// A code section is straight-line except for loops, which nest two deep, run
// at least once and contain at least one instruction. The effective offset of
// an operand is offset + inner_step*i + outer_step*j with i and j the indices
// of the inner and outer loop; a loop that contains none is the inner one. At
// most MaxDynamicInstructions execute in a queue. Halt ends each section.
//
// # Semaphores
//
// Up to MaxSemaphores counters. Each has exactly one signalling and one other
// waiting queue; wait takes one credit, signal gives one once every earlier
// instruction of its queue has completed. Initial credits are used first,
// after that the k-th wait pairs with the k-th signal, so everything before
// the signal happens before everything after the wait. Which instructions
// pair does not depend on timing. At the end every semaphore holds its
// initial credits again, so that a program can be run again at once.
//
// # Addresses
//
// An operand is a space, a 40-bit offset in bytes (in the table buffer: tables) and two 32-bit signed steps.
// Spaces are regions of DRAM (weights, input, output, scratch, state), which
// the loader places, and scratchpads (activation, weight, accumulator and
// table buffer). State persists between runs; nobody writes weights or input.
// Accumulators are int32 and aligned to 4 bytes. An instruction may write
// over what it reads only as binary and table do exactly in place (same
// offset, same view) and as convolution and lookup do with their accumulators. A transfer
// writes no byte twice.
//
// # Layouts
//
// Activations are channel-blocked: block b holds channels b*block up to
// (b+1)*block-1 of every pixel, rows of pixels, channels fastest. The pixel
// stride is the same everywhere in a tensor: tensors of at most `block`
// channels have a pixel stride of their channels, others pad the last block.
// In a scratchpad every element is a byte. In DRAM elements of 2 to 8 bits
// are packed at exact width, lowest bits first, each pixel of a block (or
// group of a Transfer) rounded up to a byte; load sign-extends. A Binding
// carries the layout of inputs and outputs. Weights stand in streaming order
// [kernel row][kernel column][input channel][output channel] for each tile,
// followed or preceded by the parameter block where the compiler chooses.
//
// # Types
//
// Activations and weights are int8 (narrower ones occupy part of the range),
// sums and biases int32, intermediate products int64. A tensor of
// activations stands for real = scale*(q - zero).
//
// # Arithmetic
//
// The formulas are functions of package fixed, each with its error bound;
// the engines compute the same values. Requantize: with sum the int32
// accumulator, s = shift + k, 1 <= s <= 62, 0 <= M0 < 2^31 and R = 2^(s-1)
//
//	y = clamp(zero + ((int64(sum)*M0 + R) >> s), low, high)
//
// with the clamp after the zero point; a scale above 1 has s below 31. One M0
// and one shift serve a layer (mode layer), with a 4-bit k for each output
// channel (channel_shift), or each channel has its own (channel_multiplier).
// The rounding mode is a field of the program: half-up-shift is the formula
// above and equals TFLite's single rounding wherever that does not overflow;
// tflite-single, tflite-double and half-even-f32 are reserved names that this
// version does not execute.
//
// Shift equalization: a channel whose weights were scaled by 2^k has its bias
// scaled too, b_q = round(b * 2^k / (s_in*s_w)). The compiler lowers k until
// |b_q| + |z_in * sum q| + the largest sum of products fits int32, so sums
// never overflow. Dead channels take k = 0.
//
// Padding of a convolution holds the zero point of the input (pad_value),
// because -z_in * sum(W) is folded into the bias. Padding never enters a
// maximum; averages count it or not as their mode says.
//
// Shifts that come from data (k nibbles, channel shifts, pool records) cannot
// be verified: a value that leaves 1..62 gives a result that means nothing,
// but no access out of bounds.
//
// # Batch and throughput
//
// One run of a program processes one sample. Weights are read from DRAM again
// on every run. Consecutive runs do not overlap in this version, so
// inferences per second is 1/latency.
//
// # Hashes
//
// MachineHash covers units, scratchpads, alignment and ISA options and is
// checked when a program is loaded, so a program can be timed on other DRAM
// or clocks. ModelHash is the SHA-256 of the ONNX file.
//
// # Container
//
// Little-endian: magic, major and minor version, number of sections, machine
// hash, section table (kind, index, CRC-32C, offset, length), CRC-32C of all
// that, sections back to back in the order of the table. Present sections are
// not empty, sorted and unique; reserved bits are zero; equal programs give
// equal bytes. Refused: another major version, wrong checksums, gaps,
// overlaps, bytes after the end, unknown sections (except sections marked
// optional in a file of a newer minor version, which are skipped), and
// lengths that the file cannot hold. XOR matrices, codes and patches will be
// further sections.
//
// # Not modelled
//
// Several cores, zero skipping, weight-stream formats other than packed
// integers, int16 tensors, exceptions and interrupts, virtual memory, faults
// of memory. Time is no part of the contract: see package npu/cost.
package isa

//go:generate go run ./internal/reference
