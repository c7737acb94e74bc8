package reports

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/npusim/npusim/npu/evaluate"
)

// The largest map of banks that is drawn; dram_banks.csv has all banks.
const (
	mapRows    = 64 // a rank of a channel each
	mapColumns = 64 // banks of a rank
)

// rankAddress names a row of the map, bankAddress a column.
type (
	rankAddress struct{ channel, rank int }
	bankAddress struct{ group, bank int }
)

// bankMap plots what each bank did: a row a rank, a column a bank.
type bankMap struct {
	head
	rows    []rankAddress
	columns []bankAddress
	ranks   bool // some channel has several
	groups  bool // some rank has several bank groups
	cells   []bankCell
}

// bankCell is a bank in the map.
type bankCell struct {
	row, column       int
	activates, bursts float64
}

// DRAMBanks plots the bursts and the row hit rate of every bank as heat maps.
func DRAMBanks(r *evaluate.Result) *Plot {
	m := &bankMap{head: head{title: chartTitle("DRAM banks", r)}}
	banks := r.DRAM.Banks
	m.subtitle = changedConfig(r)
	if r.DRAM.Standard != "" {
		m.subtitle += printable(r.DRAM.Standard) + ": "
	}
	if len(banks) == 0 {
		m.subtitle += "no banks in this result"
		return &Plot{m}
	}
	sums := sumBanks(banks)
	m.subtitle += fmt.Sprintf("%s, %s bursts", counted(int64(len(banks)), "bank"), quantityCount(sums.bursts))
	if sums.bursts > 0 {
		m.subtitle += fmt.Sprintf("; the busiest has %s times the mean", decimal(sums.imbalance(banks), 2))
	}
	for i := range banks {
		m.rows = append(m.rows, rankAddress{banks[i].Channel, banks[i].Rank})
		m.columns = append(m.columns, bankAddress{banks[i].BankGroup, banks[i].Bank})
		m.ranks = m.ranks || banks[i].Rank > 0
		m.groups = m.groups || banks[i].BankGroup > 0
	}
	byRank := func(a, b rankAddress) int {
		return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.rank, b.rank))
	}
	byBank := func(a, b bankAddress) int { return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.bank, b.bank)) }
	slices.SortFunc(m.rows, byRank)
	slices.SortFunc(m.columns, byBank)
	m.rows, m.columns = slices.Compact(m.rows), slices.Compact(m.columns)
	if len(m.rows) > mapRows || len(m.columns) > mapColumns {
		m.subtitle += "; not all are drawn"
	}
	m.rows, m.columns = m.rows[:min(len(m.rows), mapRows)], m.columns[:min(len(m.columns), mapColumns)]
	for i := range banks {
		b := &banks[i]
		row, drawn := slices.BinarySearchFunc(m.rows, rankAddress{b.Channel, b.Rank}, byRank)
		column, alsoDrawn := slices.BinarySearchFunc(m.columns, bankAddress{b.BankGroup, b.Bank}, byBank)
		if drawn && alsoDrawn {
			m.cells = append(m.cells, bankCell{row, column, float64(b.Activates), float64(b.Bursts)})
		}
	}
	return &Plot{m}
}

// quantityCount writes a count whole up to a million, else with a prefix.
func quantityCount(x float64) string {
	if x < 1e6 {
		return decimal(x, 0)
	}
	return shortCount(x) // no unit follows the prefix
}

// shortCount writes a count in at most five characters: 46.3k.
func shortCount(x float64) string {
	if x < 1000 {
		return decimal(x, 0)
	}
	index := prefixOf(x)
	if x/prefixes[index].factor >= 999.5 && index+1 < len(prefixes) {
		index++
	}
	return significant(x/prefixes[index].factor, 3) + prefixes[index].symbol
}

// Measures in points.
const (
	mapLeft     = 70 // names of rows
	mapHead     = 34 // caption and colour bar of a map
	mapFoot     = 34 // names of banks and groups
	barWidth    = 170
	barHeight   = 9
	groupGap    = 3
	smallFigure = 7.5
)

// flatColors are those of the colour bar.
func (m *bankMap) flatColors() []color.Color { return rampColors() }

// rowPoints is the height of a row.
func (m *bankMap) rowPoints() float64 {
	switch n := len(m.rows); {
	case n <= 4:
		return 26
	case n <= 16:
		return 17
	case n <= 32:
		return 11
	}
	return 7
}

func (m *bankMap) panelPoints() float64 {
	return mapHead + math.Max(1, float64(len(m.rows)))*m.rowPoints() + mapFoot
}

func (m *bankMap) size() (w, h vg.Length) {
	return vg.Points(chartWidth), vg.Points(m.headPoints() + 2*(panelGap+m.panelPoints()) + chartMargin)
}

func (m *bankMap) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	m.drawHead(dc)
	if len(m.cells) == 0 {
		return
	}
	top := m.headPoints() + panelGap
	most := 0.0
	least := 100.0
	for i := range m.cells {
		most = math.Max(most, m.cells[i].bursts)
		if share, ok := rowHits(m.cells[i].activates, m.cells[i].bursts); ok {
			least = math.Min(least, 100*share)
		}
	}
	if most == 0 {
		most = 1
	}
	m.drawMap(dc, top, "Bursts read and written", scale{high: most}, shortCount,
		func(c *bankCell) (float64, bool) { return c.bursts, true })
	low := percentFloor(least)
	caption := "Row hits (% of bursts)"
	if slices.ContainsFunc(m.cells, func(c bankCell) bool { return c.bursts == 0 }) {
		caption = "Row hits (% of bursts; struck out: no bursts)"
	}
	m.drawMap(dc, top+m.panelPoints()+panelGap, caption, scale{low: low, high: 100},
		func(x float64) string { return significant(x, 3) },
		func(c *bankCell) (float64, bool) {
			share, ok := rowHits(c.activates, c.bursts)
			return 100 * share, ok
		})
}

// drawMap draws one heat map with its caption and colour bar.
func (m *bankMap) drawMap(dc draw.Canvas, top float64, caption string, values scale, write func(float64) string, value func(*bankCell) (float64, bool)) {
	p := panelAt(dc, top+mapHead, float64(len(m.rows))*m.rowPoints(), scale{high: 1}, scale{high: 1})
	p.Min.X = dc.Min.X + vg.Points(chartMargin+mapLeft)
	p.Max.X = dc.Max.X - vg.Points(chartMargin+4)
	upper := dc.Max.Y - vg.Points(top)
	dc.FillText(sans(labelSize, true, ink), vg.Point{X: dc.Min.X + vg.Points(chartMargin), Y: upper - vg.Points(18)}, caption)
	drawColourBar(dc, p.Max.X-vg.Points(barWidth), upper-vg.Points(18), values, write)

	edges := m.columnEdges(p)
	height := vg.Points(m.rowPoints())
	figure := sans(smallFigure, false, ink)
	figure.XAlign, figure.YAlign = draw.XCenter, draw.YCenter
	figures := height >= vg.Points(smallFigure+2)
	texts := make([]string, len(m.cells))
	for i := range m.cells {
		if x, ok := value(&m.cells[i]); ok {
			texts[i] = write(x)
			figures = figures && figure.Width(texts[i])+vg.Points(3) <= edges[m.cells[i].column].end-edges[m.cells[i].column].start
		}
	}
	for i := range m.cells {
		c := &m.cells[i]
		x0, x1 := edges[c.column].start, edges[c.column].end
		y1 := p.Max.Y - height*vg.Length(c.row)
		y0 := y1 - height
		x, ok := value(c)
		if !ok {
			fillRectangle(dc, gridColor, x0, y0, x1, y1)
			fillRectangle(dc, color.White, x0+vg.Points(0.6), y0+vg.Points(0.6), x1-vg.Points(0.6), y1-vg.Points(0.6))
			dc.StrokeLine2(gridLine, x0, y0, x1, y1)
			continue
		}
		step := rampOf(values.at(x))
		fillRectangle(dc, ramp(step), x0, y0+vg.Points(0.4), x1, y1-vg.Points(0.4))
		if figures {
			figure.Color = inkOn(step)
			dc.FillText(figure, vg.Point{X: (x0 + x1) / 2, Y: (y0+y1)/2 + figure.FontExtents().Descent}, texts[i])
		}
	}
	m.nameRows(dc, p, height)
	m.nameColumns(dc, p, edges)
}

// span is the extent of a column.
type span struct{ start, end vg.Length }

// columnEdges divides the width, with a gap between bank groups.
func (m *bankMap) columnEdges(p *panel) []span {
	gaps := 0
	for i := 1; i < len(m.columns); i++ {
		if m.columns[i].group != m.columns[i-1].group {
			gaps++
		}
	}
	gap := vg.Points(groupGap)
	if gaps > 16 {
		gap = vg.Points(1)
	}
	width := (p.Max.X - p.Min.X - gap*vg.Length(gaps)) / vg.Length(len(m.columns))
	width = min(width, vg.Points(90))
	edges := make([]span, len(m.columns))
	x := p.Min.X
	for i := range m.columns {
		if i > 0 && m.columns[i].group != m.columns[i-1].group {
			x += gap
		}
		edges[i] = span{x, x + width - vg.Points(0.8)}
		x += width
	}
	return edges
}

// nameRows names channels and ranks, as many as have room.
func (m *bankMap) nameRows(dc draw.Canvas, p *panel, height vg.Length) {
	style := sans(8, false, ink)
	style.XAlign, style.YAlign = draw.XRight, draw.YCenter
	every := 1
	for height*vg.Length(every) < vg.Points(9) {
		every *= 2
	}
	for i := 0; i < len(m.rows); i += every {
		name := fmt.Sprintf("channel %d", m.rows[i].channel)
		if m.ranks {
			name = fmt.Sprintf("ch. %d, rank %d", m.rows[i].channel, m.rows[i].rank)
		}
		y := p.Max.Y - height*(vg.Length(i)+0.5)
		dc.FillText(style, vg.Point{X: p.Min.X - vg.Points(5), Y: y + style.FontExtents().Descent}, fit(style, name, vg.Points(mapLeft-5)))
	}
}

// nameColumns numbers the banks, as many as have room, and the groups below.
func (m *bankMap) nameColumns(dc draw.Canvas, p *panel, edges []span) {
	style := sans(8, false, faintInk)
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	y := p.Min.Y - vg.Points(3)
	widest := vg.Length(0)
	for _, c := range m.columns {
		widest = max(widest, style.Width(fmt.Sprint(c.bank)))
	}
	every := 1
	for vg.Length(every)*(edges[0].end-edges[0].start) < widest+vg.Points(2) && every < len(m.columns) {
		every *= 2
	}
	groupStart := 0
	for i, c := range m.columns {
		if i > 0 && c.group != m.columns[i-1].group {
			groupStart = i
		}
		if (i-groupStart)%every == 0 {
			dc.FillText(style, vg.Point{X: (edges[i].start + edges[i].end) / 2, Y: y}, fmt.Sprint(c.bank))
		}
	}
	y -= vg.Points(11)
	style.Color = ink
	if !m.groups {
		dc.FillText(style, vg.Point{X: (edges[0].start + edges[len(edges)-1].end) / 2, Y: y}, "bank")
		return
	}
	side := style
	side.XAlign = draw.XRight
	dc.FillText(side, vg.Point{X: p.Min.X - vg.Points(5), Y: y}, "bank group")
	dc.FillText(side, vg.Point{X: p.Min.X - vg.Points(5), Y: y + vg.Points(11)}, "bank")
	for from := 0; from < len(m.columns); {
		to := from
		for to < len(m.columns) && m.columns[to].group == m.columns[from].group {
			to++
		}
		name := fmt.Sprint(m.columns[from].group)
		if style.Width(name) <= edges[to-1].end-edges[from].start {
			dc.FillText(style, vg.Point{X: (edges[from].start + edges[to-1].end) / 2, Y: y}, name)
		}
		from = to
	}
}

// drawColourBar draws the ramp from a lower left corner, with ticks above it.
func drawColourBar(dc draw.Canvas, x, y vg.Length, values scale, write func(float64) string) {
	width := vg.Points(barWidth)
	at := func(share float64) vg.Length { return x + width*vg.Length(share) }
	for step := range rampSteps {
		// Each reaches to the end, so that no seam shows.
		fillRectangle(dc, ramp(step), at(float64(step)/rampSteps), y, x+width, y+vg.Points(barHeight))
	}
	label := sans(8, false, faintInk)
	for _, tick := range []struct{ value, align float64 }{{values.low, 0}, {(values.low + values.high) / 2, -0.5}, {values.high, -1}} {
		if values.high <= 1 && tick.value > values.low && tick.value < values.high {
			continue // counts have no half
		}
		label.XAlign = text.XAlignment(tick.align)
		dc.FillText(label, vg.Point{X: at(values.at(tick.value)), Y: y + vg.Points(barHeight+2)}, write(tick.value))
	}
}
