package reports

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// paletted returns the image with 256 colours, those to keep and then the most
// frequent, every other colour replaced by the nearest of them. Charts have a few flat colours and
// the shades of smoothed edges: the loss is invisible and the PNG several times
// smaller.
func paletted(img image.Image, keep []color.Color) *image.Paletted {
	bounds := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	if rgba, ok := img.(*image.RGBA); ok {
		at = rgba.RGBAAt
	}
	counts := map[color.RGBA]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	colors := make([]color.RGBA, 0, len(counts))
	for c := range counts { // sorted below
		colors = append(colors, c)
	}
	slices.SortFunc(colors, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B), cmp.Compare(a.A, b.A))
	})
	palette := make(color.Palette, 0, 256)
	for _, c := range keep {
		if kept := color.RGBAModel.Convert(c).(color.RGBA); counts[kept] > 0 && !slices.Contains(palette, color.Color(kept)) {
			palette = append(palette, kept)
		}
	}
	kept := palette
	for _, c := range colors {
		if len(palette) == cap(palette) {
			break
		}
		if !slices.Contains(kept, color.Color(c)) {
			palette = append(palette, c)
		}
	}
	index := make(map[color.RGBA]uint8, len(colors))
	for _, c := range colors {
		index[c] = uint8(palette.Index(c))
	}
	result := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			result.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	return result
}
