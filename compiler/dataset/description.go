package dataset

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

// fileKeys are the keys of a data set file.
type fileKeys struct {
	Inputs string `toml:"inputs"`
	inputKeys
	Input       []namedInputKeys `toml:"input"`
	Labels      string           `toml:"labels"`
	LabelsKey   string           `toml:"labels_key"`
	Calibration span             `toml:"calibration"`
	Evaluation  span             `toml:"evaluation"`
	Metric      Metric           `toml:"metric"`
	Threshold   float64          `toml:"threshold"`
	Reference   string           `toml:"reference"`
}

// namedInputKeys are the keys of one [[input]] table.
type namedInputKeys struct {
	Name  string `toml:"name"`
	File  string `toml:"file"`
	Zeros bool   `toml:"zeros"`
	State bool   `toml:"state"`
	inputKeys
}

// inputKeys describe one input, at the top level or in an [[input]] table.
type inputKeys struct {
	Key    string  `toml:"key"`
	Layout Layout  `toml:"layout"`
	Scale  float64 `toml:"scale"`
	Mean   any     `toml:"mean"` // a number or a list of numbers
	Std    any     `toml:"std"`
}

// description is a data set file after its keys were checked, before any data
// is read.
type description struct {
	inputs                  []inputDescription
	labels, labelsKey       string
	calibration, evaluation span
	metric                  Metric
	threshold               float64
	reference               string
}

// inputDescription is one input with its defaults filled in.
type inputDescription struct {
	name, file, archiveKey string
	fileKey                string // full key that names the file, for faults
	zeros, state           bool
	layout                 Layout
	scale                  float64
	mean, std              []float64
}

// faultList gathers the faults of one data set file.
type faultList struct {
	path     string
	document *strict.Document
	list     strict.Faults
}

func (l *faultList) add(key, format string, arguments ...any) {
	l.list = append(l.list, strict.Fault{
		File: l.path, Line: l.document.Line(key), Key: key, Rule: fmt.Sprintf(format, arguments...),
	})
}

// err is the list in file order, nil when it is empty.
func (l *faultList) err() error {
	slices.SortStableFunc(l.list, func(a, b strict.Fault) int { return cmp.Compare(a.Line, b.Line) })
	return l.list.Err()
}

// describe checks every key of a data set file and gathers all faults.
func describe(text []byte, faults *faultList) description {
	document, syntax := strict.Parse(faults.path, text)
	if syntax != nil {
		faults.list = syntax
		return description{}
	}
	faults.document = document
	keys := fileKeys{Threshold: 0.5, inputKeys: inputKeys{Scale: 1}}
	faults.list = document.Decode(&keys)
	if _, isText := document.String("input"); isText {
		faults.list = slices.DeleteFunc(faults.list, func(f strict.Fault) bool { return f.Key == "input" })
		faults.add("input", "describes inputs by name, in [[input]] tables; the file of a single input is called inputs")
		faults.list[len(faults.list)-1].Nearest = "inputs"
	}

	d := description{
		labels: keys.Labels, labelsKey: keys.LabelsKey,
		calibration: keys.Calibration, evaluation: keys.Evaluation,
		metric: keys.Metric, threshold: keys.Threshold, reference: keys.Reference,
	}
	if document.Has("input") {
		d.inputs = faults.namedInputs(keys.Input)
	} else {
		if !document.Has("inputs") {
			faults.add("inputs", "is missing; it names an .npy or .npz file or a folder of images")
		}
		in := faults.input("", "inputs", keys.Inputs, &keys.inputKeys)
		d.inputs = []inputDescription{in}
	}
	faults.checkPath("labels", d.labels)
	faults.checkArchiveKey("labels", d.labels, "labels_key")
	faults.checkMetric(&d)
	return d
}

// namedInputs checks the [[input]] tables.
func (l *faultList) namedInputs(tables []namedInputKeys) []inputDescription {
	for _, key := range []string{"inputs", "key", "layout", "scale", "mean", "std"} {
		if l.document.Has(key) {
			l.add(key, "must not stand beside [[input]]; describe each input in its own [[input]] table")
		}
	}
	var inputs []inputDescription
	names := map[string]bool{}
	for i := range tables {
		keys := &tables[i]
		prefix := fmt.Sprintf("input[%d]", i)
		switch {
		case keys.Name == "":
			l.add(prefix+".name", "is missing or empty; it names the input of the network")
		case names[keys.Name]:
			l.add(prefix+".name", "%q stands twice", keys.Name)
		}
		names[keys.Name] = true
		in := l.input(prefix, "file", keys.File, &keys.inputKeys)
		in.name, in.zeros, in.state = keys.Name, keys.Zeros, keys.State
		l.checkSource(prefix, &in)
		inputs = append(inputs, in)
	}
	return inputs
}

// checkSource ties an [[input]] to exactly one origin of its values. Carried
// state starts at zero, so state and zeros may stand together.
func (l *faultList) checkSource(prefix string, in *inputDescription) {
	generated := in.zeros || in.state
	switch {
	case l.document.Has(in.fileKey):
		if generated {
			l.add(in.fileKey, "contradicts zeros and state: an input is a file, zeros or carried state")
		}
	case !generated:
		l.add(prefix, "needs one of file, zeros = true or state = true")
	default:
		for _, key := range []string{"layout", "scale", "mean", "std"} {
			if full := prefix + "." + key; l.document.Has(full) {
				l.add(full, "has no meaning for an input without file")
			}
		}
	}
}

// input checks what one input has at the top level and in [[input]] tables.
func (l *faultList) input(prefix, fileKey, file string, keys *inputKeys) inputDescription {
	full := func(key string) string {
		if prefix == "" {
			return key
		}
		return prefix + "." + key
	}
	in := inputDescription{
		file: file, archiveKey: keys.Key, fileKey: full(fileKey),
		layout: keys.Layout, scale: keys.Scale,
		mean: []float64{0}, std: []float64{1},
	}
	if in.layout == InvalidLayout {
		in.layout = NCHW
	}
	switch {
	case !l.document.Has(full("scale")):
		in.scale = 1
	case !isFinite(in.scale) || in.scale == 0:
		l.add(full("scale"), "must be a finite number other than 0")
	}
	if v, ok := l.numbers(full("mean"), keys.Mean); ok {
		in.mean = v
	}
	if v, ok := l.numbers(full("std"), keys.Std); ok {
		in.std = v
		if slices.Min(v) <= 0 {
			l.add(full("std"), "must be above 0, not %v", slices.Min(v))
		}
	}
	if len(in.mean) > 1 && len(in.std) > 1 && len(in.mean) != len(in.std) {
		l.add(full("std"), "has %d entries, mean has %d; both go by channel", len(in.std), len(in.mean))
	}
	l.checkPath(in.fileKey, in.file)
	l.checkArchiveKey(in.fileKey, in.file, full("key"))
	return in
}

// numbers reads a number or a list of at least one.
func (l *faultList) numbers(key string, value any) ([]float64, bool) {
	if value == nil {
		return nil, false
	}
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	out := make([]float64, len(items))
	for i, item := range items {
		switch item := item.(type) {
		case int64:
			out[i] = float64(item)
		case float64:
			out[i] = item
		default:
			l.add(key, "must be a number or a list of numbers, one a channel")
			return nil, false
		}
		if !isFinite(out[i]) {
			l.add(key, "must hold finite numbers, not %v", out[i])
			return nil, false
		}
	}
	if len(out) == 0 {
		l.add(key, "must not be empty; give one number or one a channel")
		return nil, false
	}
	return out, true
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// checkPath refuses paths that leave the folder of the data set file.
func (l *faultList) checkPath(key, path string) {
	switch {
	case path == "":
		if value, isText := l.document.String(key); isText && value == "" {
			l.add(key, "must not be empty")
		}
	case !filepath.IsLocal(path):
		l.add(key, "%q must be a relative path inside the folder of the data set file", path)
	}
}

// checkArchiveKey ties the key that picks an array to .npz files.
func (l *faultList) checkArchiveKey(fileKey, file, key string) {
	archive := strings.EqualFold(filepath.Ext(file), ".npz")
	switch {
	case archive && !l.document.Has(key):
		l.add(fileKey, "names an .npz file, so %s must name an array in it", key)
	case !archive && l.document.Has(key):
		l.add(key, "has a meaning only for an .npz file in %s", fileKey)
	}
}

// checkMetric fills in the metric of a file that names none and looks for
// contradictions around it.
func (l *faultList) checkMetric(d *description) {
	labelled := l.document.Has("labels")
	if d.metric == InvalidMetric {
		d.metric = None
		if l.document.Has("metric") {
			return // misspelt: nothing can be said about the keys around it
		}
		if labelled {
			d.metric = Top1
		}
	}
	switch {
	case d.metric == Top1 && !labelled:
		l.add("metric", `"top1" needs labels`)
	case (d.metric == NextToken || d.metric == Binary) && labelled:
		l.add("metric", "%q does not use labels; remove one of the two", d.metric)
	case d.metric == Binary && !l.document.Has("reference"):
		l.add("metric", `"binary" needs reference, an .npy file of the expected outputs`)
	}
	if !isFinite(d.threshold) {
		l.add("threshold", "must be a finite number")
	}
	l.checkPath("reference", d.reference)
	for _, key := range []string{"threshold", "reference"} {
		if l.document.Has(key) && d.metric != Binary {
			l.add(key, `has a meaning only with metric = "binary"`)
		}
	}
}

// span is a slice "a:b" of samples; the zero value means all.
type span struct {
	begin, end int    // end 0 stands for "to the last"
	text       string // as written
}

// UnmarshalText reads a slice in Python's form, without negative numbers and
// steps.
func (s *span) UnmarshalText(text []byte) error {
	refused := &strict.ValueError{
		Rule: fmt.Sprintf(`must be a slice "a:b" of sample numbers with 0 <= a < b, where a or b may be left out, not %q`, text),
	}
	first, last, found := strings.Cut(string(text), ":")
	read := span{text: string(text)}
	for _, part := range []struct {
		text  string
		value *int
	}{{first, &read.begin}, {last, &read.end}} {
		if part.text == "" {
			continue
		}
		v, err := strconv.ParseUint(part.text, 10, 31)
		if err != nil {
			return refused
		}
		*part.value = int(v)
	}
	if !found || (last != "" && read.end <= read.begin) {
		return refused
	}
	*s = read
	return nil
}

// indices lists the samples of the span, or says why they are not there.
func (s span) indices(samples int) ([]int, error) {
	end := s.end
	if end == 0 {
		end = samples
	}
	if s.begin >= samples || end > samples {
		return nil, fmt.Errorf("slice %q is out of range: 0 <= a < b <= %d, the number of samples", s.text, samples)
	}
	list := make([]int, 0, end-s.begin)
	for i := s.begin; i < end; i++ {
		list = append(list, i)
	}
	return list, nil
}

// oneOf finds a word in a table of names whose first entry is the invalid one.
func oneOf(text string, names []string) (int, error) {
	for i, name := range names[1:] {
		if text == name {
			return i + 1, nil
		}
	}
	return 0, &strict.ValueError{
		Rule:    fmt.Sprintf("must be one of %s, not %q", listOf(names[1:]), text),
		Nearest: strict.Nearest(text, names[1:]),
	}
}
