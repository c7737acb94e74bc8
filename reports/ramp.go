package reports

import "image/color"

// rampStops go from little to much: light to dark in equal steps of lightness
// (CIE L* 97 to 15), so that the order survives grey print and reads the same
// for colour-blind readers; the hue turns from yellow over green to blue.
// Lightness, chroma and hue were set in Oklab.
var rampStops = []color.NRGBA{
	{0xfc, 0xf8, 0xdd, 0xff}, {0xc8, 0xe5, 0xb5, 0xff}, {0x89, 0xd0, 0xa7, 0xff}, {0x46, 0xb8, 0xa5, 0xff}, {0x00, 0x9b, 0xa2, 0xff},
	{0x00, 0x7b, 0x97, 0xff}, {0x1d, 0x5b, 0x80, 0xff}, {0x29, 0x3e, 0x5d, 0xff}, {0x1f, 0x24, 0x45, 0xff},
}

// rampSteps is the number of colours of the ramp, rampPart between two stops: a
// PNG has 256 in all, and the smoothed edges of figures need most of them.
const (
	rampPart  = 8
	rampSteps = rampPart*8 + 1
)

// ramp is the colour of a step, 0 to rampSteps-1.
func ramp(step int) color.NRGBA {
	i := min(step/rampPart, len(rampStops)-2)
	a, b := rampStops[i], rampStops[i+1]
	mix := func(from, to uint8) uint8 {
		return uint8((int(from)*(rampPart*(i+1)-step) + int(to)*(step-rampPart*i) + rampPart/2) / rampPart)
	}
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// rampOf is the step of a share from 0 to 1.
func rampOf(share float64) int { return int(share*(rampSteps-1) + 0.5) }

// inkOn is the colour of text on a step of the ramp.
func inkOn(step int) color.NRGBA {
	if step > rampSteps*9/16 { // where both have the same contrast
		return color.NRGBA{0xff, 0xff, 0xff, 0xff}
	}
	return ink
}

// rampColors are all colours of the ramp.
func rampColors() []color.Color {
	list := make([]color.Color, rampSteps)
	for step := range list {
		list[step] = ramp(step)
	}
	return list
}
