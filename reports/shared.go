package reports

import (
	"fmt"
	"image/color"
	"reflect"
)

// ExplorationForm is the type that the JSON form of an exploration is written
// from.
func ExplorationForm() reflect.Type { return reflect.TypeFor[explorationForm]() }

// BoundShort is what bounds cycles in a word or two, by its key in a summary;
// the key itself if it is not known.
func BoundShort(key string) string { return boundShort(key) }

// Heading is a heading in the style.
func (s Style) Heading(text string) string { return s.heading(text) }

// Alarm is what is wrong in the style.
func (s Style) Alarm(text string) string { return s.alarm(text) }

// Significant writes x with a number of significant digits, never in exponent
// form and never cutting digits before the point.
func Significant(x float64, digits int) string { return significant(x, digits) }

// Printable replaces what would move the cursor, recolour the terminal or break
// a line by question marks.
func Printable(text string) string { return printable(text) }

// SeriesColor is the colour of one of several runs set side by side, as
// #rrggbb, on light and on dark ground.
type SeriesColor struct{ Light, Dark string }

// SeriesColors are the colours of runs set side by side, those of the
// plots and pages.
func SeriesColors() []SeriesColor {
	light := []color.NRGBA{navy, vermilion, green, orange, purple, sky, charcoal, yellow}
	dark := []color.NRGBA{lightNavy, vermilion, lightGreen, orange, purple, sky, lightCharcoal, yellow}
	list := make([]SeriesColor, len(light))
	for i := range list {
		list[i] = SeriesColor{hexColor(light[i]), hexColor(dark[i])}
	}
	return list
}

func hexColor(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
