package integer

import "github.com/npusim/npusim/isa/fixed"

// convolution gathers the receptive field of one output pixel at a time and
// multiplies it by the filters of each group. The sums cannot overflow:
// Validate proves it.
func (r *Reference) convolution(n *Node) {
	a := n.Convolution
	source, target := &r.graph.Tensors[n.Inputs[0]], &r.graph.Tensors[n.Output]
	out := r.tensors[n.Output]
	rows, columns := a.paddedExtents(source.Shape)
	r.pad(r.tensors[n.Inputs[0]], source, &a.Geometry, rows, columns)

	if a.Codes != nil {
		r.coded(n)
		return
	}
	groupInputs := source.Shape.Channels / a.Groups
	groupOutputs := target.Shape.Channels / a.Groups
	taps := groupInputs * a.Kernel[0] * a.Kernel[1]
	patch := r.patch[:taps]
	pixels := target.Shape.Rows * target.Shape.Columns
	for oy := 0; oy < target.Shape.Rows; oy++ {
		for ox := 0; ox < target.Shape.Columns; ox++ {
			origin := oy*a.Stride[0]*columns + ox*a.Stride[1]
			pixel := oy*target.Shape.Columns + ox
			for group := 0; group < a.Groups; group++ {
				r.gather(patch, origin+group*groupInputs*rows*columns, rows*columns, columns, groupInputs, &a.Geometry)
				m, end := group*groupOutputs, (group+1)*groupOutputs
				for ; m+4 <= end; m += 4 {
					s0, s1, s2, s3 := dot4(patch, a.Weights[m*taps:(m+4)*taps])
					a.finish(out[m*pixels+pixel:], m, s0, target.Zero)
					a.finish(out[(m+1)*pixels+pixel:], m+1, s1, target.Zero)
					a.finish(out[(m+2)*pixels+pixel:], m+2, s2, target.Zero)
					a.finish(out[(m+3)*pixels+pixel:], m+3, s3, target.Zero)
				}
				for ; m < end; m++ {
					a.finish(out[m*pixels+pixel:], m, dot(patch, a.Weights[m*taps:(m+1)*taps]), target.Zero)
				}
			}
		}
	}
}

// finish adds the bias of output channel m to its sum and requantizes.
func (a *ConvolutionAttributes) finish(out []int8, m int, sum int32, zero int8) {
	multiplier := a.Requantizer.ChannelMultiplier(m)
	out[0] = fixed.Requantize(sum+a.Bias[m], multiplier.M0, multiplier.Shift, zero, a.Low, a.High)
}

// pad copies an image into r.padded, surrounded by its zero point.
func (r *Reference) pad(in []int8, t *Tensor, g *Geometry, rows, columns int) {
	padded := r.padded[:t.Shape.Channels*rows*columns]
	for i := range padded {
		padded[i] = t.Zero
	}
	for c := 0; c < t.Shape.Channels; c++ {
		for h := 0; h < t.Shape.Rows; h++ {
			row := in[(c*t.Shape.Rows+h)*t.Shape.Columns:][:t.Shape.Columns]
			copy(padded[(c*rows+h+g.PadBegin[0])*columns+g.PadBegin[1]:], row)
		}
	}
}

// gather reads the receptive field at origin in weight order: channel, kernel
// row, kernel column.
func (r *Reference) gather(patch []int32, origin, planeStride, rowStride, channels int, g *Geometry) {
	next := 0
	for c := 0; c < channels; c++ {
		for ky := 0; ky < g.Kernel[0]; ky++ {
			i := origin + c*planeStride + ky*g.Dilation[0]*rowStride
			for kx := 0; kx < g.Kernel[1]; kx++ {
				patch[next] = int32(r.padded[i])
				next++
				i += g.Dilation[1]
			}
		}
	}
}

func dot(x []int32, w []int8) (sum int32) {
	w = w[:len(x)]
	for i, v := range x {
		sum += v * int32(w[i])
	}
	return sum
}

// dot4 is dot for four filters at once, which reads x a quarter as often.
func dot4(x []int32, w []int8) (s0, s1, s2, s3 int32) {
	w0, w1, w2, w3 := w[:len(x)], w[len(x):][:len(x)], w[2*len(x):][:len(x)], w[3*len(x):][:len(x)]
	for i, v := range x {
		s0 += v * int32(w0[i])
		s1 += v * int32(w1[i])
		s2 += v * int32(w2[i])
		s3 += v * int32(w3[i])
	}
	return s0, s1, s2, s3
}
