package glyph

import "math"

// point is a position in the unit square of a glyph: x runs right, y down.
type point struct{ x, y float64 }

// stroke is a polyline drawn with a round pen.
type stroke []point

// line is a stroke through the given x, y pairs.
func line(coordinates ...float64) stroke {
	s := make(stroke, 0, len(coordinates)/2)
	for i := 0; i+1 < len(coordinates); i += 2 {
		s = append(s, point{coordinates[i], coordinates[i+1]})
	}
	return s
}

// arc is a piece of an axis-aligned ellipse. Angles are in degrees, 0 to the
// right, growing clockwise on the screen because y runs down.
func arc(centerX, centerY, radiusX, radiusY, from, to float64) stroke {
	const step = 30.0
	pieces := int(math.Ceil(math.Abs(to-from) / step))
	s := make(stroke, pieces+1)
	for i := range s {
		sin, cos := math.Sincos((from + float64((to-from)*float64(i))/float64(pieces)) * math.Pi / 180)
		s[i] = point{centerX + float64(radiusX*cos), centerY + float64(radiusY*sin)}
	}
	return s
}

// Names holds one character a class, in the order of the labels.
const Names = "0123456789ACEFHKLPTX"

// Classes is the number of glyphs, and so of labels.
const Classes = len(Names)

// shapes are the strokes of every class, indexed by label.
var shapes = [Classes][]stroke{
	/* 0 */ {arc(0.5, 0.5, 0.4, 0.5, 0, 360)},
	/* 1 */ {line(0.25, 0.2, 0.55, 0, 0.55, 1)},
	/* 2 */ {arc(0.5, 0.3, 0.4, 0.3, -170, 45), line(0.78, 0.51, 0.1, 1, 0.92, 1)},
	/* 3 */ {arc(0.45, 0.25, 0.38, 0.25, -150, 90), arc(0.45, 0.75, 0.45, 0.25, -90, 150)},
	/* 4 */ {line(0.7, 1, 0.7, 0, 0.05, 0.68, 0.95, 0.68)},
	/* 5 */ {line(0.88, 0, 0.2, 0, 0.15, 0.45), arc(0.45, 0.68, 0.43, 0.32, -135, 140)},
	/* 6 */ {arc(0.5, 0.7, 0.4, 0.3, 0, 360), line(0.1, 0.7, 0.2, 0.35, 0.45, 0.1, 0.75, 0)},
	/* 7 */ {line(0.08, 0, 0.92, 0, 0.4, 1)},
	/* 8 */ {arc(0.5, 0.25, 0.35, 0.25, 0, 360), arc(0.5, 0.75, 0.42, 0.25, 0, 360)},
	/* 9 */ {arc(0.5, 0.3, 0.4, 0.3, 0, 360), line(0.9, 0.3, 0.8, 0.65, 0.55, 0.9, 0.25, 1)},
	/* A */ {line(0, 1, 0.5, 0, 1, 1), line(0.2, 0.65, 0.8, 0.65)},
	/* C */ {arc(0.55, 0.5, 0.45, 0.5, -45, -315)},
	/* E */ {line(0.9, 0, 0.1, 0, 0.1, 1, 0.9, 1), line(0.1, 0.5, 0.7, 0.5)},
	/* F */ {line(0.9, 0, 0.1, 0, 0.1, 1), line(0.1, 0.5, 0.7, 0.5)},
	/* H */ {line(0.1, 0, 0.1, 1), line(0.9, 0, 0.9, 1), line(0.1, 0.5, 0.9, 0.5)},
	/* K */ {line(0.1, 0, 0.1, 1), line(0.9, 0, 0.1, 0.55), line(0.35, 0.4, 0.9, 1)},
	/* L */ {line(0.15, 0, 0.15, 1, 0.9, 1)},
	/* P */ {line(0.1, 1, 0.1, 0, 0.5, 0), arc(0.5, 0.28, 0.4, 0.28, -90, 90), line(0.5, 0.56, 0.1, 0.56)},
	/* T */ {line(0, 0, 1, 0), line(0.5, 0, 0.5, 1)},
	/* X */ {line(0.05, 0, 0.95, 1), line(0.95, 0, 0.05, 1)},
}
