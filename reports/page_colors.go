package reports

import (
	"image/color"

	"github.com/npusim/npusim/reports/page"
)

// pagePalette is the palette of the plots for the page: the same colours on
// light ground; on dark ground those that would vanish are lightened.
var pagePalette = []page.Color{
	{Key: "mac", Light: navy, Dark: lightNavy},
	{Key: "lookup", Light: yellow, Dark: yellow},
	{Key: "pipeline", Light: steel, Dark: steel},
	{Key: "vector", Light: sky, Dark: sky},
	{Key: "dram", Light: vermilion, Dark: vermilion},
	{Key: "latency", Light: silver, Dark: silver},
	{Key: "weights", Light: green, Dark: lightGreen},
	{Key: "corrections", Light: vermilion, Dark: vermilion},
	{Key: "masks", Light: paleBlue, Dark: paleBlue},
	{Key: "activations", Light: orange, Dark: orange},
	{Key: "metadata", Light: charcoal, Dark: lightCharcoal},
	{Key: "busy", Light: navy, Dark: lightNavy},
	{Key: "semaphore", Light: silver, Dark: darkSilver},
	{Key: "finished", Light: gridColor, Dark: darkGrid},
	{Key: "sums", Light: purple, Dark: purple},
	{Key: "other", Light: purple, Dark: purple},
}

// Colours of the dark theme.
var (
	lightNavy     = color.NRGBA{0x5c, 0x9c, 0xe0, 0xff}
	lightGreen    = color.NRGBA{0x1f, 0xa5, 0x82, 0xff}
	lightCharcoal = color.NRGBA{0x9d, 0x9d, 0x9d, 0xff}
	darkSilver    = color.NRGBA{0x85, 0x8b, 0x94, 0xff}
	darkGrid      = color.NRGBA{0x2c, 0x31, 0x38, 0xff}
)

func pageColors() []page.Color { return pagePalette }

// pageColor is the key of a bound or class in the palette.
func pageColor(key string) string {
	for i := range pagePalette {
		if pagePalette[i].Key == key {
			return key
		}
	}
	return "other"
}
