// Package page is the view of a report as one HTML file: markup, styles and
// scripts are embedded, figures stand in it as text and as one JSON element, and
// it asks no network for anything. What it says is decided by package reports,
// which fills in a Page; this package only lays it out.
//
// Without scripts the page still shows its figures, tables and words; scripts
// add sorting, the charts and the choice of the theme.
//
// Units: text carries its own; Data is in NPU clock cycles and bytes.
package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"image/color"
	"io"
	"strings"
)

// Page is everything that the file shows.
type Page struct {
	Title    string // of the document
	Heading  string
	Subtitle []string // short facts in a row
	Cards    []Card
	Bound    string    // what most cycles go to
	Losses   []Part    // partition of the cycles
	Findings []Finding // the most telling first
	Units    []Unit
	Columns  []Column // of the layer table
	Rows     []Row
	LeftOut  string // what the layer table does not show; may be empty
	Accuracy []Fact // of the outputs
	NoSQNR   string // why there are no figures by layer; may be empty
	Notes    []string
	Machine  []Fact // hashes and versions
	Settings string // the configuration as TOML
	Colors   []Color
	Data     Data
}

// Card is a figure that the reader sees first.
type Card struct{ Label, Value, Unit, Remark string }

// Fact is a labelled figure with a remark in words, which may be empty.
type Fact struct{ Label, Value, Remark string }

// Part is a share of a bar. Color is a key of Page.Colors.
type Part struct {
	Name, Color string
	Percent     float64
	Text        string // the share as it is written
	Hatch       bool   // drawn hatched, to tell it from a neighbour of the same colour
}

// Finding is a cause of lost time with its evidence.
type Finding struct {
	Title, Color string
	Cause        string // in a few words
	Share        string // of all cycles
	Proof        []string
	Change       string
	Layer        int // index in Data.Layers
}

// Unit is how one unit spends the inference.
type Unit struct {
	Name  string
	Parts []Part
}

// Column heads a column of the layer table.
type Column struct {
	Key, Name, Unit string
	Number          bool
	Help            string // what the figures are
}

// Row is a row of the layer table: a cell a column.
type Row struct {
	Layer int // index in Data.Layers
	Cells []Cell
}

// Cell is a figure or a word. Sort orders the rows; a cell without a value
// comes last.
type Cell struct {
	Text  string
	Sort  float64
	Empty bool
	Parts []Part // drawn as a bar, with Text as its description
	Color string // of a mark before the text; may be empty
}

// Color is what a key stands for in the light and the dark theme.
type Color struct {
	Key         string // letters, digits and dashes
	Light, Dark color.NRGBA
}

// Data is what the charts draw. Its JSON keys are those of page/js.
type Data struct {
	Cycles        int64        `json:"cycles"`
	NSPerCycle    float64      `json:"nsPerCycle"`
	MACsPerCycle  float64      `json:"macsPerCycle"`  // peak of the array; 0 if unknown
	BytesPerCycle float64      `json:"bytesPerCycle"` // peak of the memory; 0 if unknown
	Layers        []Layer      `json:"layers"`
	Traffic       *Traffic     `json:"traffic,omitempty"`
	Tracks        []Track      `json:"tracks,omitempty"`
	Links         []int64      `json:"links,omitempty"` // see Links
	Scratchpads   []Scratchpad `json:"scratchpads,omitempty"`
	Classes       []string     `json:"classes,omitempty"`
	Operations    []string     `json:"operations,omitempty"`
}

// Layer is a layer's window and what the charts by layer need.
type Layer struct {
	Name   string   `json:"name"`
	Op     string   `json:"op"`
	Start  int64    `json:"start"`
	Cycles int64    `json:"cycles"`
	MACs   int64    `json:"macs"`
	Bytes  int64    `json:"bytes"`
	Bound  string   `json:"bound"`
	Color  string   `json:"color"`
	SQNR   *float64 `json:"sqnr,omitempty"` // dB
}

// Traffic is what crosses the DRAM bus in stretches of time.
type Traffic struct {
	Edges []int64   `json:"edges"` // cycles: where stretches begin, and the end of the last
	Names []string  `json:"names"` // classes
	Color []string  `json:"color"` // their keys of Page.Colors
	Bytes [][]int64 `json:"bytes"` // by class and stretch
}

// Track is a unit's time as a flat list of spans, SpanFields numbers each:
//
//	start (from the end of the span before, cycles), length (cycles),
//	layer (-1: none), operation (index in Data.Operations, -1: a wait),
//	detail (of a wait the semaphore; of a transfer the class, index in
//	Data.Classes; else -1), bytes or MACs, cycles of fill, drain, port, DRAM
//	wait and semaphore wait (the rest is busy), spans joined into this one.
type Track struct {
	Unit  string  `json:"unit"`
	Color string  `json:"color,omitempty"` // key of its work; empty: that of what it moves
	Spans []int64 `json:"spans"`
}

// SpanFields is the length of a span in Track.Spans.
const SpanFields = 12

// LinkFields is the length of a link in Data.Links: the signalling track and
// the cycle of the signal, the waiting track, the cycle at which it went on,
// cycles held up, semaphore.
const LinkFields = 6

// Scratchpad is the memory map of a scratchpad.
type Scratchpad struct {
	Name     string  `json:"name"`
	Capacity int64   `json:"capacity"` // bytes
	Levels   []int64 `json:"levels"`   // pairs: cycle, bytes in use from there on
	// Blocks are low address, bytes, first cycle, cycles, layer, class (index in
	// Data.Classes), BlockFields numbers each.
	Blocks  []int64 `json:"blocks"`
	LeftOut int64   `json:"leftOut"` // blocks that are not drawn
}

// BlockFields is the length of a block in Scratchpad.Blocks.
const BlockFields = 6

//go:embed page.html page.css js/*.js
var files embed.FS

// scripts are the parts of the page's script, in the order in which they stand.
var scripts = []string{"base", "theme", "table", "view", "lanes", "panels", "pointer", "timeline", "roofline", "accuracy", "start"}

var layout = template.Must(template.New("page.html").ParseFS(files, "page.html"))

// view is what the template sees.
type view struct {
	*Page
	Style  template.CSS
	Script template.JS
	JSON   template.JS
}

// Write writes the page. Equal pages give equal bytes.
func Write(w io.Writer, p *Page) error {
	style, err := files.ReadFile("page.css")
	if err != nil {
		return err
	}
	// json.Marshal escapes <, > and &, so nothing in a name ends the element.
	data, err := json.Marshal(&p.Data)
	if err != nil {
		return fmt.Errorf("data of the page: %w", err)
	}
	v := view{Page: p, Style: template.CSS(colorStyle(p.Colors) + string(style)), JSON: template.JS(data)}
	var script strings.Builder
	script.WriteString("\"use strict\";\n(() => {\n")
	for _, name := range scripts {
		part, err := files.ReadFile("js/" + name + ".js")
		if err != nil {
			return err
		}
		script.Write(part)
	}
	script.WriteString("})();\n")
	v.Script = template.JS(script.String())
	var b bytes.Buffer
	if err := layout.Execute(&b, &v); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// colorStyle declares the colours as custom properties of both themes.
func colorStyle(colors []Color) string {
	var light, dark strings.Builder
	for _, c := range colors {
		fmt.Fprintf(&light, "--c-%s:#%02x%02x%02x;", c.Key, c.Light.R, c.Light.G, c.Light.B)
		fmt.Fprintf(&dark, "--c-%s:#%02x%02x%02x;", c.Key, c.Dark.R, c.Dark.G, c.Dark.B)
	}
	return fmt.Sprintf(":root{%s}\n@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){%s}}\n@media screen{:root[data-theme=dark]{%s}}\n",
		light.String(), dark.String(), dark.String())
}
