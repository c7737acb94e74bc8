package cnn

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// Maps is a stack of feature maps, Data[channel][sample][row][column].
type Maps struct {
	C, N, H, W int
	Data       []float32
}

func newMaps(c, n, h, w int) *Maps {
	return &Maps{C: c, N: n, H: h, W: w, Data: make([]float32, c*n*h*w)}
}

// like is a zero stack of the same shape.
func (m *Maps) like() *Maps { return newMaps(m.C, m.N, m.H, m.W) }

// channel is all samples of channel c.
func (m *Maps) channel(c int) []float32 {
	n := m.N * m.H * m.W
	return m.Data[c*n : (c+1)*n]
}

// plane is channel c of sample n.
func (m *Maps) plane(c, n int) []float32 {
	size := m.H * m.W
	start := (c*m.N + n) * size
	return m.Data[start : start+size]
}

// Images turns 8-bit pictures of Size*Size bytes each into the network's
// input: (x/255 - Mean)/Deviation.
func Images(pixels []byte) *Maps {
	const scale = float32(1.0 / 255)
	m := newMaps(1, len(pixels)/(Size*Size), Size, Size)
	for i, p := range pixels {
		m.Data[i] = (float32(float32(p)*scale) - Mean) / Deviation
	}
	return m
}

// Mean and Deviation normalize the input.
const (
	Mean      = 0.5
	Deviation = 0.25
)

func matrix(rows, columns int, data []float32) blas32.General {
	return blas32.General{Rows: rows, Cols: columns, Stride: columns, Data: data}
}

// product is the pointwise convolution y[Out][positions] = W x.
func product(weights []float32, out int, x *Maps) *Maps {
	y := newMaps(out, x.N, x.H, x.W)
	positions := x.N * x.H * x.W
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix(out, x.C, weights),
		matrix(x.C, positions, x.Data), 0, matrix(out, positions, y.Data))
	return y
}

// productBackward adds to the gradient of the weights, and returns that of x.
func productBackward(weights, gradient []float32, x, dy *Maps) *Maps {
	positions := x.N * x.H * x.W
	dyMatrix := matrix(dy.C, positions, dy.Data)
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, dyMatrix, matrix(x.C, positions, x.Data),
		1, matrix(dy.C, x.C, gradient))
	dx := x.like()
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, matrix(dy.C, x.C, weights), dyMatrix,
		0, matrix(x.C, positions, dx.Data))
	return dx
}

// patches gathers the nine neighbours of every position of a one-channel
// stack as nine channels, zero outside: a 3x3 convolution becomes a product.
func patches(x *Maps) *Maps {
	p := newMaps(taps, x.N, x.H, x.W)
	for tap := range taps {
		for n := range x.N {
			to, from := p.plane(tap, n), x.plane(0, n)
			for row := range x.H {
				source := row + tap/kernel - 1
				if source < 0 || source >= x.H {
					continue
				}
				low, high, offset := overlap(tap%kernel, 1, x.W, x.W)
				copy(to[row*x.W+low:row*x.W+high], from[source*x.W+low+offset:])
			}
		}
	}
	return p
}

// overlap gives the output columns low <= o < high whose input column
// o*stride+offset of this tap lies inside the picture.
func overlap(tapColumn, stride, width, outWidth int) (low, high, offset int) {
	offset = tapColumn - 1
	if offset < 0 {
		low = 1
	}
	return low, min(outWidth, (width-1-offset)/stride+1), offset
}

// depthwise is a 3x3 convolution of every channel with its own filter,
// padding 1.
func depthwise(weights []float32, stride int, x *Maps) *Maps {
	y := newMaps(x.C, x.N, (x.H-1)/stride+1, (x.W-1)/stride+1)
	eachTap(x, y, stride, func(c, tap int, in, out []float32) {
		w := weights[c*taps+tap]
		if stride == 1 {
			in = in[:len(out)]
			for i, v := range in {
				out[i] += float32(w * v)
			}
			return
		}
		for i := range out {
			out[i] += float32(w * in[i*stride])
		}
	})
	return y
}

// depthwiseBackward adds to the gradient of the weights, and returns that of x.
func depthwiseBackward(weights, gradient []float32, stride int, x, dy *Maps) *Maps {
	dx := x.like()
	eachTap(x, dy, stride, func(c, tap int, in, out []float32) {
		var sum float32
		for i, v := range out {
			sum += float32(v * in[i*stride])
		}
		gradient[c*taps+tap] += sum
	})
	eachTap(dx, dy, stride, func(c, tap int, in, out []float32) {
		w := weights[c*taps+tap]
		for i, v := range out {
			in[i*stride] += float32(w * v)
		}
	})
	return dx
}

// eachTap visits, for each channel, sample, tap and row, the input columns in
// (every stride-th counts) that meet the output columns out.
func eachTap(x, y *Maps, stride int, visit func(c, tap int, in, out []float32)) {
	for c := range x.C {
		for n := range x.N {
			in, out := x.plane(c, n), y.plane(c, n)
			for tap := range taps {
				low, high, offset := overlap(tap%kernel, stride, x.W, y.W)
				for row := range y.H {
					source := row*stride + tap/kernel - 1
					if source < 0 || source >= x.H {
						continue
					}
					visit(c, tap, in[source*x.W+low*stride+offset:(source+1)*x.W], out[row*y.W+low:row*y.W+high])
				}
			}
		}
	}
}

// rectify clamps to [0, limit] in place.
func rectify(x *Maps, limit float32) {
	for i, v := range x.Data {
		x.Data[i] = min(max(v, 0), limit)
	}
}

// average is the mean over each picture, one position a sample.
func average(x *Maps) *Maps {
	y := newMaps(x.C, x.N, 1, 1)
	size := float32(x.H * x.W)
	for i := range y.Data {
		var sum float32
		for _, v := range x.Data[i*x.H*x.W : (i+1)*x.H*x.W] {
			sum += v
		}
		y.Data[i] = sum / size
	}
	return y
}

// addBias adds one number a channel in place.
func addBias(x *Maps, bias []float32) {
	for c := range x.C {
		for i := range x.channel(c) {
			x.channel(c)[i] += bias[c]
		}
	}
}

// add adds b to a in place.
func add(a, b *Maps) {
	for i, v := range b.Data {
		a.Data[i] += v
	}
}
