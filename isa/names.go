package isa

import "fmt"

// nameOf is the printed form of an enum value: its row of the table of names,
// or the number where it has none.
func nameOf(names []string, value int, what string) string {
	if value >= 0 && value < len(names) && names[value] != "" {
		return names[value]
	}
	return fmt.Sprintf("%s(%d)", what, value)
}

var descriptorKindNames = [NumDescriptorKinds]string{
	NoDescriptor: "none", TransferKind: "transfer", ConvolutionKind: "convolution_tile", PoolKind: "pool_tile",
	BinaryKind: "binary_tile", ElementwiseKind: "elementwise_tile", CopyKind: "copy_tile", RearrangeKind: "rearrange_tile", EncodedKind: "encoded_weights",
	LookupKind: "lookup_tile", SealedKind: "sealed_keys",
}

func (k DescriptorKind) String() string {
	return nameOf(descriptorKindNames[:], int(k), "descriptor_kind")
}

var multiplierModeNames = [...]string{LayerMultiplier: "layer", ChannelShift: "channel_shift", ChannelMultiplier: "channel_multiplier"}

func (m MultiplierMode) String() string {
	return nameOf(multiplierModeNames[:], int(m), "multiplier_mode")
}

var poolModeNames = [...]string{MaximumPool: "maximum", AveragePool: "average", AveragePoolCounted: "average_counted"}

func (m PoolMode) String() string { return nameOf(poolModeNames[:], int(m), "pool_mode") }

var binaryModeNames = [...]string{AddMode: "add", MultiplyMode: "multiply", DivideMode: "divide"}

func (m BinaryMode) String() string { return nameOf(binaryModeNames[:], int(m), "binary_mode") }

var weightCodecNames = [...]string{BlockCodec: "block", SequentialCodec: "sequential", FractionalCodec: "fractional"}

func (c WeightCodec) String() string { return nameOf(weightCodecNames[:], int(c), "weight_codec") }

var weightRepresentationNames = [...]string{TwosComplement: "twos_complement", SignMagnitude: "sign_magnitude", ScaledSigns: "scaled_signs"}

func (r WeightRepresentation) String() string {
	return nameOf(weightRepresentationNames[:], int(r), "weight_representation")
}

var maskFormatNames = [...]string{NoMask: "none", RawMask: "raw", RunLengthMask: "run_length", LowRankMask: "low_rank"}

var weightOrderNames = [...]string{StreamingOrder: "streaming", ChannelMajorOrder: "channel_major", InputMajorOrder: "input_major"}

func (o WeightOrder) String() string { return nameOf(weightOrderNames[:], int(o), "weight_order") }

func (f MaskFormat) String() string { return nameOf(maskFormatNames[:], int(f), "mask_format") }

var roundingNames = [...]string{
	HalfUpShift: "half-up-shift", TFLiteSingle: "tflite-single", TFLiteDouble: "tflite-double", HalfEvenFloat32: "half-even-f32",
}

func (r Rounding) String() string { return nameOf(roundingNames[:], int(r), "rounding") }

var roleNames = [...]string{Source: "reads", Destination: "writes", SourceAndDestination: "reads and writes"}

func (r OperandRole) String() string { return nameOf(roleNames[:], int(r), "role") }
