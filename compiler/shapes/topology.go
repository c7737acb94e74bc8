package shapes

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a topology. They keep every product of extents within 63 bits and
// stay within what tensors and descriptors of the machine hold.
const (
	MaxFileBytes = 4 << 20
	MaxLayers    = 1<<16 - 1
	maxExtent    = 1<<15 - 1 // rows, columns
	maxChannels  = 1 << 24
	maxPixels    = 1 << 30 // M of a product
	maxElements  = 1 << 30 // of an input or an output
	maxWeights   = 1 << 40 // of all layers
	maxMACs      = 1 << 62 // of all layers
	maxName      = 200     // bytes
)

// Read reads a topology file. Errors in it are of type *Error.
func Read(path string) (*Topology, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// readFile reads a whole file of acceptable size.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFileBytes {
		return nil, &Error{File: path, Rule: fmt.Sprintf("must be at most %d bytes long", MaxFileBytes)}
	}
	return data, nil
}

// form is what the columns of a topology mean.
type form struct {
	name    string
	columns []string
	extra   string // what may follow, for messages
}

var (
	convolutionForm = form{"convolutions", []string{"layer name", "IFMAP height", "IFMAP width", "filter height", "filter width", "channels", "num filter", "strides"}, "sparsity"}
	productForm     = form{"matrix products", []string{"layer", "M", "N", "K"}, "batch or sparsity"}
)

// Parse reads a topology from its bytes; name stands for the file in errors
// and names the network. All rows have one form, told by the header or by the
// first row: eight columns for convolutions, M, N and K for matrix products.
func Parse(name string, data []byte) (*Topology, error) {
	t := &Topology{SHA256: sha256.Sum256(data), Name: strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))}
	p := parser{file: name}
	text := bytes.TrimPrefix(data, []byte("\ufeff"))
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		p.line++
		fields := split(string(line))
		if len(fields) == 0 {
			continue
		}
		if !p.started && p.header(fields) {
			continue
		}
		layer, err := p.row(fields)
		if err != nil {
			return nil, err
		}
		if len(t.Layers) == MaxLayers {
			return nil, p.fail(0, "", "more than %d layers", MaxLayers)
		}
		t.Layers = append(t.Layers, *layer)
	}
	if len(t.Layers) == 0 {
		return nil, &Error{File: name, Rule: "there is no layer in it"}
	}
	return t, nil
}

// split cuts a line into fields without blanks around them; commas at its end
// add none.
func split(line string) []string {
	fields := strings.Split(line, ",")
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	for len(fields) > 0 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	return fields
}

// parser is the state of reading a topology.
type parser struct {
	file          string
	line          int
	started       bool // the header, if any, is behind
	form          *form
	columns       []string // of the header, nil if there is none
	weights, macs int64
}

func (p *parser) fail(column int, field, format string, arguments ...any) error {
	return &Error{p.file, p.line, column, field, fmt.Sprintf(format, arguments...)}
}

// header takes a line without any number in it for the header. Its wording
// varies between files, so only M, N and K are told by their names.
func (p *parser) header(fields []string) bool {
	p.started = true
	for _, field := range fields[1:] {
		if strings.ContainsAny(field, "0123456789") {
			return false
		}
	}
	p.columns = fields
	p.form = &convolutionForm
	if len(fields) > 1 && strings.EqualFold(fields[1], "M") {
		p.form = &productForm
	}
	return true
}

// ignored are columns of other simulators that time here does not depend on
// (mNPUsim: the kind of a layer, addresses).
var ignored = []string{"type", "ifmap base addr", "filter base addr", "ofmap base addr"}

// row reads a layer.
func (p *parser) row(fields []string) (*Layer, error) {
	if p.form == nil {
		p.form = &convolutionForm
		if len(fields) < len(convolutionForm.columns)-1 {
			p.form = &productForm
		}
	}
	columns := p.form.columns
	if len(fields) < len(columns) {
		return nil, p.fail(0, "", "a row of %s has %d columns (%s), this one has %d", p.form.name, len(columns), strings.Join(columns, ", "), len(fields))
	}
	l := &Layer{Name: fields[0], Line: p.line}
	if rule := nameRule(l.Name); rule != "" {
		return nil, p.fail(1, columns[0], "%s", rule)
	}
	number := func(column, limit int) (int, error) {
		n, err := strconv.Atoi(fields[column])
		if err != nil || n < 1 || n > limit {
			return 0, p.fail(column+1, columns[column], "must be a whole number from 1 to %d, not %q", limit, shorten(fields[column]))
		}
		return n, nil
	}
	var err error
	if p.form == &productForm {
		err = p.product(l, number)
	} else {
		err = p.convolution(l, number)
	}
	if err != nil {
		return nil, err
	}
	for i := len(columns); i < len(fields); i++ {
		if err := p.extra(i, fields[i]); err != nil {
			return nil, err
		}
	}
	return l, p.bounds(l)
}

func (p *parser) convolution(l *Layer, number func(column, limit int) (int, error)) error {
	var err error
	for i, to := range []struct {
		value *int
		limit int
	}{
		{&l.Rows, maxExtent}, {&l.Columns, maxExtent}, {&l.KernelRows, maxExtent}, {&l.KernelColumns, maxExtent},
		{&l.Channels, maxChannels}, {&l.Filters, maxChannels}, {&l.Stride, maxExtent},
	} {
		if *to.value, err = number(i+1, to.limit); err != nil {
			return err
		}
	}
	if l.KernelRows > l.Rows {
		return p.fail(4, p.form.columns[3], "the filter of %d rows is larger than the input of %d; SCALE-Sim layers have no padding", l.KernelRows, l.Rows)
	}
	if l.KernelColumns > l.Columns {
		return p.fail(5, p.form.columns[4], "the filter of %d columns is larger than the input of %d; SCALE-Sim layers have no padding", l.KernelColumns, l.Columns)
	}
	l.Depthwise = strings.Contains(l.Name, "DP")
	if l.Depthwise && l.Filters > maxChannels/l.Channels {
		return p.fail(7, p.form.columns[6], "%d filters for each of %d channels: the output may have %d channels", l.Filters, l.Channels, maxChannels)
	}
	return nil
}

func (p *parser) product(l *Layer, number func(column, limit int) (int, error)) error {
	l.Product = true
	l.KernelRows, l.KernelColumns, l.Stride = 1, 1, 1
	pixels, err := number(1, maxPixels)
	if err != nil {
		return err
	}
	if l.Filters, err = number(2, maxChannels); err != nil {
		return err
	}
	if l.Channels, err = number(3, maxChannels); err != nil {
		return err
	}
	for l.Columns = 1; l.Columns <= maxExtent; l.Columns++ {
		if pixels%l.Columns == 0 && pixels/l.Columns <= maxExtent {
			l.Rows = pixels / l.Columns
			return nil
		}
	}
	return p.fail(2, p.form.columns[1], "%d is no product of two numbers up to %d, the largest extents of a tensor: round it up", pixels, maxExtent)
}

// extra checks a field beyond the columns of the form.
func (p *parser) extra(i int, field string) error {
	if i < len(p.columns) {
		for _, name := range ignored {
			if strings.EqualFold(p.columns[i], name) {
				return nil
			}
		}
	}
	kept, of, ratio := strings.Cut(field, ":")
	switch {
	case field == "":
		return nil
	case ratio && isCount(kept) && isCount(of):
		if strings.TrimSpace(kept) != strings.TrimSpace(of) {
			return p.fail(i+1, "sparsity", "%s: sparse weights are not modelled; give the layer its dense shape", shorten(field))
		}
		return nil
	case p.form == &productForm && isCount(field):
		if field != "1" {
			return p.fail(i+1, "batch", "%s: batched products are not modelled; repeat the row", shorten(field))
		}
		return nil
	}
	return p.fail(i+1, "", "%q: only %s may follow the %d columns of %s", shorten(field), p.form.extra, len(p.form.columns), p.form.name)
}

func isCount(text string) bool {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return err == nil && n > 0
}

// bounds checks what is too large although every extent by itself is not.
func (p *parser) bounds(l *Layer) error {
	rows, rowPad := output(l.Rows, l.KernelRows, l.Stride)
	columns, columnPad := output(l.Columns, l.KernelColumns, l.Stride)
	if n := int64(l.Rows+rowPad) * int64(l.Columns+columnPad) * int64(l.Channels); n > maxElements {
		return p.fail(0, "", "the input has %d elements with its padding: at most %d are possible", n, maxElements)
	}
	if n := int64(rows) * int64(columns) * int64(l.OutputChannels()); n > maxElements {
		return p.fail(0, "", "the output has %d elements: at most %d are possible", n, maxElements)
	}
	weights := l.Weights() // at most 2^30 taps for each of 2^24 channels
	if p.weights += weights; p.weights > maxWeights {
		return p.fail(0, "", "the layers up to here have more than %d weights", int64(maxWeights))
	}
	macs := l.MACs() // at most 2^30 taps for each of 2^30 elements
	if macs > maxMACs-p.macs {
		return p.fail(0, "", "the layers up to here have more than %d multiply-accumulates", int64(maxMACs))
	}
	p.macs += macs
	return nil
}

// nameRule is the rule that a name breaks, or nothing.
func nameRule(name string) string {
	switch {
	case name == "":
		return "the name is missing"
	case len(name) > maxName:
		return fmt.Sprintf("the name is longer than %d bytes", maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "the name must be UTF-8 text without control characters"
	case strings.Contains(name, `"`):
		return "quotation marks have no meaning here: a name may not contain any"
	}
	return ""
}

// shorten bounds text that goes into a message.
func shorten(s string) string {
	const longest = 40
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "..."
}
