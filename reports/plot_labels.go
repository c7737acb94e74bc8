package reports

import (
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// box is an area that labels keep away from.
type box struct{ x0, y0, x1, y1 vg.Length }

func (a *box) overlaps(b *box) bool { return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1 }

// placer writes labels beside points so that they cover neither one another nor
// what it was told of, and stay in an area. A label that has no place is left out.
type placer struct {
	area  box
	taken []box
	style text.Style
}

// avoid keeps labels away from a disc.
func (p *placer) avoid(center vg.Point, radius vg.Length) {
	p.taken = append(p.taken, box{center.X - radius, center.Y - radius, center.X + radius, center.Y + radius})
}

// avoidLine keeps labels away from a straight line.
func (p *placer) avoidLine(from, to vg.Point) {
	const step = 4 // points
	length := max(to.X-from.X, from.X-to.X) + max(to.Y-from.Y, from.Y-to.Y)
	n := int(length/step) + 1
	for i := range n + 1 {
		t := vg.Length(i) / vg.Length(n)
		p.avoid(vg.Point{X: from.X + t*(to.X-from.X), Y: from.Y + t*(to.Y-from.Y)}, 1.5)
	}
}

// place writes a label beside a disc, if there is room on any side, and tells
// whether it did.
func (p *placer) place(dc draw.Canvas, center vg.Point, radius vg.Length, label string) bool {
	const gap = 2.5
	w, h := p.style.Width(label), p.style.Font.Size
	r := radius + gap
	near := r * 0.7
	for _, corner := range []vg.Point{ // of the label, lower left, relative to the centre
		{X: r, Y: -h / 2}, {X: -r - w, Y: -h / 2}, {X: -w / 2, Y: r}, {X: -w / 2, Y: -r - h},
		{X: near, Y: near}, {X: -near - w, Y: near}, {X: near, Y: -near - h}, {X: -near - w, Y: -near - h},
		{X: r + 3, Y: -r - h - 1}, {X: -r - 3 - w, Y: r + 1}, // clear of a slanted line through the disc
	} {
		b := box{center.X + corner.X, center.Y + corner.Y, center.X + corner.X + w, center.Y + corner.Y + h}
		if p.free(&b) {
			p.taken = append(p.taken, box{b.x0 - gap, b.y0, b.x1 + gap, b.y1})
			dc.FillText(p.style, vg.Point{X: b.x0, Y: b.y0 + h*0.15}, label)
			return true
		}
	}
	return false
}

func (p *placer) free(b *box) bool {
	if b.x0 < p.area.x0 || b.x1 > p.area.x1 || b.y0 < p.area.y0 || b.y1 > p.area.y1 {
		return false
	}
	for i := range p.taken {
		if p.taken[i].overlaps(b) {
			return false
		}
	}
	return true
}
