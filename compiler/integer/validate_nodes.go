package integer

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/npusim/npusim/isa/fixed"
)

func (a *ConvolutionAttributes) validate(in, out *Tensor, shapeOnly bool) error {
	if err := a.Geometry.validate(in.Shape, out.Shape); err != nil {
		return err
	}
	outputs := out.Shape.Channels
	if a.Groups < 1 || in.Shape.Channels%a.Groups != 0 || outputs%a.Groups != 0 {
		return fmt.Errorf("%d groups must divide %d input and %d output channels", a.Groups, in.Shape.Channels, outputs)
	}
	taps := in.Shape.Channels / a.Groups * a.Kernel[0] * a.Kernel[1]
	if a.Codes != nil {
		return a.validateCodes(in, out, shapeOnly)
	}
	if a.WeightBits < 2 || a.WeightBits > 8 {
		return fmt.Errorf("%d weight bits: must be 2 to 8", a.WeightBits)
	}
	if err := validateClamp(a.Low, a.High, out); err != nil {
		return err
	}
	if shapeOnly {
		if len(a.Weights)+len(a.Bias)+len(a.Requantizer.ChannelShift)+len(a.Requantizer.PerChannel) > 0 {
			return errors.New("a network of layer shapes alone has weights or biases")
		}
		return nil
	}
	if len(a.Weights) != outputs*taps || len(a.Bias) != outputs {
		return fmt.Errorf("%d weights and %d biases instead of %d and %d", len(a.Weights), len(a.Bias), outputs*taps, outputs)
	}
	if n := len(a.WeightScale); n != 1 && n != outputs {
		return fmt.Errorf("%d weight scales: must be 1 or %d", n, outputs)
	}
	if err := a.Requantizer.validate(outputs); err != nil {
		return err
	}
	low, high := fixed.Range(a.WeightBits)
	for m := range outputs {
		var weight int64
		for i, w := range a.Weights[m*taps : (m+1)*taps] {
			if w < low || w > high {
				return fmt.Errorf("weight %d of channel %d is %d: must be within [%d, %d]", i, m, w, low, high)
			}
			weight += magnitude(w)
		}
		if bound := SumBound(int64(a.Bias[m]), weight, in.Bits); bound > math.MaxInt32 {
			return fmt.Errorf("channel %d: the sum can reach %d, beyond 32 bits", m, bound)
		}
	}
	return nil
}

func magnitude(w int8) int64 { return max(int64(w), -int64(w)) }

// SumBound bounds the magnitude of every partial sum of a convolution, in any
// order of accumulation: bias is its folded bias, weights the sum of the
// weights' magnitudes, and inputs have bits bits.
func SumBound(bias, weights int64, bits uint8) int64 {
	return max(bias, -bias) + weights<<(bits-1)
}

func (r *Requantizer) validate(channels int) error {
	switch {
	case r.PerChannel != nil:
		if r.ChannelShift != nil || r.PerLayer != (fixed.Multiplier{}) {
			return fmt.Errorf("channel multipliers exclude a layer multiplier and channel shifts")
		}
		if len(r.PerChannel) != channels {
			return fmt.Errorf("%d channel multipliers instead of %d", len(r.PerChannel), channels)
		}
		for c, m := range r.PerChannel {
			if err := validateMultiplier(m, 0); err != nil {
				return fmt.Errorf("channel %d: %w", c, err)
			}
		}
		return nil
	case r.ChannelShift != nil:
		if len(r.ChannelShift) != channels {
			return fmt.Errorf("%d channel shifts instead of %d", len(r.ChannelShift), channels)
		}
		for c, k := range r.ChannelShift {
			if k > MaxChannelShift {
				return fmt.Errorf("channel %d: shift %d exceeds %d", c, k, MaxChannelShift)
			}
			if err := validateMultiplier(r.PerLayer, k); err != nil {
				return fmt.Errorf("channel %d: %w", c, err)
			}
		}
		return nil
	}
	return validateMultiplier(r.PerLayer, 0)
}

func (a *PoolAttributes) validate(in, out *Tensor) error {
	if err := a.Geometry.validate(in.Shape, out.Shape); err != nil {
		return err
	}
	if in.Shape.Channels != out.Shape.Channels {
		return fmt.Errorf("%d channels become %d", in.Shape.Channels, out.Shape.Channels)
	}
	cells := a.Kernel[0] * a.Kernel[1]
	if !a.Average {
		if len(a.Multipliers) != 0 {
			return fmt.Errorf("a maximum has no multipliers")
		}
		if err := sameValues(in, out); err != nil {
			return err
		}
	} else {
		if n := len(a.Multipliers); n != 1 && n != cells {
			return fmt.Errorf("%d multipliers: must be 1 or %d", n, cells)
		}
		for i, m := range a.Multipliers {
			if err := validateMultiplier(m, 0); err != nil {
				return fmt.Errorf("multiplier of count %d: %w", i+1, err)
			}
		}
		if bound := int64(cells) * 255; bound > math.MaxInt32 {
			return fmt.Errorf("a window of %d cells can sum to %d, beyond 32 bits", cells, bound)
		}
	}
	if !a.Average || len(a.Multipliers) > 1 {
		for axis, extents := range [2][2]int{{in.Shape.Rows, out.Shape.Rows}, {in.Shape.Columns, out.Shape.Columns}} {
			for o := range extents[1] {
				if first, end := windowRange(o, axis, &a.Geometry, extents[0]); first >= end {
					return fmt.Errorf("window %d of axis %d lies wholly in the padding", o, axis)
				}
			}
		}
	}
	return nil
}

func (a *BinaryAttributes) validate(x, y, out *Tensor) error {
	first, second, result := x.Shape.Extents(), y.Shape.Extents(), out.Shape.Extents()
	for axis := range result {
		if max(first[axis], second[axis]) != result[axis] || first[axis] != result[axis] && first[axis] != 1 || second[axis] != result[axis] && second[axis] != 1 {
			return fmt.Errorf("shapes %v and %v do not broadcast to %v", x.Shape, y.Shape, out.Shape)
		}
	}
	if err := validateClamp(a.Low, a.High, out); err != nil {
		return err
	}
	switch a.Mode {
	case Add:
		if s := a.Factors.Shift; s < fixed.MinShift || s > fixed.MaxShift {
			return fmt.Errorf("shift %d: must be within [%d, %d]", s, fixed.MinShift, fixed.MaxShift)
		}
		return nil
	case Multiply, Divide:
		return validateMultiplier(a.Multiplier, 0)
	}
	return fmt.Errorf("binary mode %d does not exist", a.Mode)
}

func (a *SoftmaxAttributes) validate(in, out *Tensor) error {
	if in.Shape != out.Shape {
		return fmt.Errorf("shapes %v and %v differ", in.Shape, out.Shape)
	}
	if a.Exponentials[0] != 1<<fixed.ExponentialBits {
		return fmt.Errorf("the exponential of 0 is %d instead of 2^%d", a.Exponentials[0], fixed.ExponentialBits)
	}
	for d := 1; d < len(a.Exponentials); d++ {
		if a.Exponentials[d] > a.Exponentials[d-1] {
			return fmt.Errorf("the exponential of -%d exceeds that of -%d", d, d-1)
		}
	}
	if a.OutputShift > 30 {
		return fmt.Errorf("output shift %d: must be at most 30", a.OutputShift)
	}
	if out.Scale != math.Ldexp(1, -int(a.OutputShift)) {
		return fmt.Errorf("output scale %g is not 2^-%d", out.Scale, a.OutputShift)
	}
	return nil
}

func (g *Graph) validateConcat(n *Node) error {
	a, out := n.Concat, &g.Tensors[n.Output]
	if a.Axis < 0 || a.Axis > 2 {
		return fmt.Errorf("axis %d: must be 0, 1 or 2", a.Axis)
	}
	if len(a.Tables) != len(n.Inputs) {
		return fmt.Errorf("%d tables for %d inputs", len(a.Tables), len(n.Inputs))
	}
	total := 0
	for i, id := range n.Inputs {
		in := &g.Tensors[id]
		extents, want := in.Shape.Extents(), out.Shape.Extents()
		total += extents[a.Axis]
		extents[a.Axis] = want[a.Axis]
		if extents != want {
			return fmt.Errorf("input %d of shape %v does not fit %v", i, in.Shape, out.Shape)
		}
		var err error
		if a.Tables[i] != nil {
			err = validateTable(a.Tables[i], in, out)
		} else {
			err = sameValues(in, out)
		}
		if err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	if want := out.Shape.Extents()[a.Axis]; total != want {
		return fmt.Errorf("the inputs have %d elements along axis %d, the output has %d", total, a.Axis, want)
	}
	return nil
}

func (a *WindowAttributes) validate(in, out *Tensor) error {
	for axis, extent := range out.Shape.Extents() {
		const limit = 1 << 30
		if max(a.Start[axis], -a.Start[axis]) > limit || max(a.Step[axis], -a.Step[axis]) > limit || a.Step[axis] == 0 && extent > 1 {
			return fmt.Errorf("start %v, step %v: must be within 2^30, steps not zero", a.Start, a.Step)
		}
	}
	if low, high := fixed.Range(out.Bits); a.Fill < low || a.Fill > high {
		return fmt.Errorf("fill %d: must be within [%d, %d]", a.Fill, low, high)
	}
	if a.Table != nil {
		return validateTable(a.Table, in, out)
	}
	return sameValues(in, out)
}

// validate checks that the loop nest is a permutation of the whole tensor:
// sorted by stride, each stride is the product of the extents below it.
func (a *RearrangeAttributes) validate(in, out *Tensor) error {
	if n := len(a.Dims); n < 1 || n > MaxRearrangeDims || len(a.InputStrides) != n {
		return fmt.Errorf("%d dimensions and %d strides: must be as many, 1 to %d", n, len(a.InputStrides), MaxRearrangeDims)
	}
	order := make([]int, 0, len(a.Dims))
	elements := 1
	for d, extent := range a.Dims {
		if extent < 1 || extent > MaxElements/elements {
			return fmt.Errorf("dimensions %v: must be positive with at most %d elements", a.Dims, MaxElements)
		}
		elements *= extent
		if extent > 1 {
			order = append(order, d)
		}
	}
	if elements != in.Shape.Elements() || elements != out.Shape.Elements() {
		return fmt.Errorf("dimensions %v do not cover input %v and output %v", a.Dims, in.Shape, out.Shape)
	}
	slices.SortFunc(order, func(x, y int) int { return a.InputStrides[x] - a.InputStrides[y] })
	stride := 1
	for _, d := range order {
		if a.InputStrides[d] != stride {
			return fmt.Errorf("dimensions %v with strides %v are no permutation", a.Dims, a.InputStrides)
		}
		stride *= a.Dims[d]
	}
	return sameValues(in, out)
}
