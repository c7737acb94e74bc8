package ops

// depthwise sums windows of a single channel directly, on a copy of the
// channel with its padding, so that no window needs a bounds check. Sums run
// from bias through the taps in row-major order.
func (c convolution) depthwise() Kernel {
	// Only as much padding as windows reach.
	height := (c.rows.out-1)*c.rows.stride + c.rows.span()
	width := (c.columns.out-1)*c.columns.stride + c.columns.span()
	cells, taps := c.rows.out*c.columns.out, c.rows.kernel*c.columns.kernel
	plane := c.rows.in * c.columns.in
	line := depthwiseLine
	if c.rows.kernel == 3 && c.columns.kernel == 3 && c.rows.dilation == 1 && c.columns.dilation == 1 {
		line = depthwiseLine3x3
	}
	return Kernel{Scratch: height * width, Run: func(out, in [][]float32, scratch []float32) {
		x, w, y, bias := in[0], in[1], out[0], operand(in, 2)
		for block := range c.batch * c.groups {
			group := block % c.groups
			c.pad(scratch, x[block*plane:][:plane], height, width)
			for f := range c.filters {
				filter := group*c.filters + f
				weights := w[filter*taps:][:taps]
				start := float32(0)
				if bias != nil {
					start = bias[filter]
				}
				result := y[(block*c.filters+f)*cells:][:cells]
				for oy := range c.rows.out {
					line(&c, result[oy*c.columns.out:][:c.columns.out], scratch[oy*c.rows.stride*width:], width, weights, start)
				}
			}
		}
	}}
}

// pad copies a channel into the middle of its padding.
func (c convolution) pad(padded, x []float32, height, width int) {
	for py := range height {
		line := padded[py*width:][:width]
		iy := py - c.rows.begin
		if iy < 0 || iy >= c.rows.in {
			clear(line)
			continue
		}
		low := min(c.columns.begin, width)
		clear(line[:low])
		copied := copy(line[low:], x[iy*c.columns.in:][:c.columns.in])
		clear(line[low+copied:])
	}
}

// depthwiseLine computes one output line from the padded lines at x.
func depthwiseLine(c *convolution, out, x []float32, width int, weights []float32, start float32) {
	for i := range out {
		out[i] = start
	}
	tap := 0
	for ky := range c.rows.kernel {
		for kx := range c.columns.kernel {
			w := weights[tap]
			tap++
			line := x[ky*c.rows.dilation*width+kx*c.columns.dilation:]
			if c.columns.stride == 1 {
				line = line[:len(out)]
				for i := range out {
					out[i] += float32(w * line[i])
				}
				continue
			}
			position := 0
			for i := range out {
				out[i] += float32(w * line[position])
				position += c.columns.stride
			}
		}
	}
}

// depthwiseLine3x3 is depthwiseLine for the most frequent kernel, with the
// same order of additions.
func depthwiseLine3x3(c *convolution, out, x []float32, width int, weights []float32, start float32) {
	w := (*[9]float32)(weights)
	w0, w1, w2, w3, w4, w5, w6, w7, w8 := w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
	stride := c.columns.stride
	reach := (len(out)-1)*stride + 3
	top, middle, bottom := x[:reach], x[width:][:reach], x[2*width:][:reach]
	for i := range out {
		p := i * stride
		t, m, b := top[p:p+3:p+3], middle[p:p+3:p+3], bottom[p:p+3:p+3]
		sum := start + float32(w0*t[0])
		sum += float32(w1 * t[1])
		sum += float32(w2 * t[2])
		sum += float32(w3 * m[0])
		sum += float32(w4 * m[1])
		sum += float32(w5 * m[2])
		sum += float32(w6 * b[0])
		sum += float32(w7 * b[1])
		sum += float32(w8 * b[2])
		out[i] = sum
	}
}
