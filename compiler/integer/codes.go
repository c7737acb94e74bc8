package integer

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/npusim/npusim/isa/binarycode"
)

// validateCodes is validate for a convolution with binary codes; geometry and
// groups are checked already.
func (a *ConvolutionAttributes) validateCodes(in, out *Tensor, shapeOnly bool) error {
	outputs := out.Shape.Channels
	columns := in.Shape.Channels * a.Kernel[0] * a.Kernel[1]
	shape := &a.Codes.Shape
	switch {
	case a.Groups != 1:
		return fmt.Errorf("binary codes with %d groups: must be 1", a.Groups)
	case len(a.Weights) > 0:
		return errors.New("weights stand beside binary codes")
	case shape.Rows != outputs || shape.Columns != columns:
		return fmt.Errorf("binary codes of %d x %d weights instead of %d x %d", shape.Rows, shape.Columns, outputs, columns)
	}
	if err := shape.Validate(); err != nil {
		return err
	}
	for i := range shape.Ranges {
		if shape.Ranges[i].Shared {
			return errors.New("binary codes: all outputs must have scales of their own")
		}
	}
	if int(a.WeightBits) != shape.MostPlanes() {
		return fmt.Errorf("%d weight bits of %d planes", a.WeightBits, shape.MostPlanes())
	}
	if a.Sealed != nil && len(shape.Ranges) > 1 {
		return errors.New("sealed keys: all outputs must have the same number of planes")
	}
	if err := validateClamp(a.Low, a.High, out); err != nil {
		return err
	}
	if shapeOnly {
		if len(a.Codes.Bits)+len(a.Codes.Scales)+len(a.Bias) > 0 {
			return errors.New("a network of layer shapes alone has codes or biases")
		}
		return nil
	}
	if err := a.Codes.Validate(); err != nil {
		return err
	}
	if a.Codes.Format != binarycode.FixedScales {
		return fmt.Errorf("scales are stored as %s, must be fixed-point", a.Codes.Format)
	}
	if len(a.Bias) != outputs {
		return fmt.Errorf("%d biases instead of %d", len(a.Bias), outputs)
	}
	if err := a.Requantizer.validate(outputs); err != nil {
		return err
	}
	if a.Sealed != nil {
		if err := a.Sealed.Check(a.Codes); err != nil {
			return err
		}
	}
	if a.Requantizer.PerChannel != nil || !slices.Equal(a.Requantizer.ChannelShift, a.Codes.Shifts) {
		return errors.New("the requantizer must have the shifts of the codes")
	}
	return a.Codes.CheckSums(a.Bias, binarycode.InputBound(in.Zero))
}

// codedWeights are the integer weights that codes stand for, row by row.
func codedWeights(m *binarycode.Matrix) ([]int32, error) {
	p, err := binarycode.NewProduct(m)
	if err != nil {
		return nil, err
	}
	columns := m.Shape.Columns
	weights := make([]int32, m.Shape.Rows*columns)
	for r := range m.Shape.Rows {
		p.Weights(weights[r*columns:(r+1)*columns], r)
	}
	return weights, nil
}

// coded is convolution with binary codes: a direct product with their integer
// weights, without tables. Its padded input is in place.
func (r *Reference) coded(n *Node) {
	a := n.Convolution
	source, target := &r.graph.Tensors[n.Inputs[0]], &r.graph.Tensors[n.Output]
	out, weights := r.tensors[n.Output], r.codes[n]
	rows, columns := a.paddedExtents(source.Shape)
	taps := a.Codes.Shape.Columns
	patch := r.patch[:taps]
	pixels := target.Shape.Rows * target.Shape.Columns
	for pixel := range pixels {
		origin := pixel/target.Shape.Columns*a.Stride[0]*columns + pixel%target.Shape.Columns*a.Stride[1]
		r.gather(patch, origin, rows*columns, columns, source.Shape.Channels, &a.Geometry)
		for i := range patch {
			patch[i] -= int32(source.Zero)
		}
		for m := range target.Shape.Channels {
			var sum int32
			for i, w := range weights[m*taps : (m+1)*taps] {
				sum += w * patch[i]
			}
			a.finish(out[m*pixels+pixel:], m, sum, target.Zero)
		}
	}
}

// codesText is the text form of codes: shape, exponent and checksums.
func codesText(m *binarycode.Matrix) string {
	s := &m.Shape
	bits := crc32.NewIEEE()
	for _, word := range m.Bits {
		fmt.Fprintf(bits, "%016x", word)
	}
	planes := ""
	for _, r := range s.Ranges {
		planes += fmt.Sprintf(" %d:%d", r.Rows, r.Planes)
	}
	return fmt.Sprintf("%dx%d planes%s group %d exponent %d signs %08x scales %v", s.Rows, s.Columns, planes, s.Group, m.Exponent, bits.Sum32(), short(m.Scales))
}
