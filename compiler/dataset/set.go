package dataset

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Metric is how the outputs of a network are judged on a data set.
type Metric uint8

// Metrics. Without a metric key, a set with labels has Top1 and one without
// has None: fidelity to the float network only.
const (
	InvalidMetric Metric = iota
	Top1                 // share of samples whose largest output is the label's
	NextToken            // outputs predict the next token of the input
	Binary               // outputs against a reference file at a threshold
	None
)

var metricNames = [...]string{InvalidMetric: "invalid", Top1: "top1", NextToken: "next-token", Binary: "binary", None: "none"}

// UnmarshalText reads the name of a metric.
func (m *Metric) UnmarshalText(text []byte) error {
	i, err := oneOf(string(text), metricNames[:])
	*m = Metric(i)
	return err
}

func (m Metric) String() string {
	if int(m) < len(metricNames) {
		return metricNames[m]
	}
	return fmt.Sprintf("Metric(%d)", uint8(m))
}

// Supported is nil for the metrics that this version can evaluate. A set with
// another one opens and reads, so its samples still serve calibration.
func (m Metric) Supported() error {
	switch m {
	case Top1, None:
		return nil
	}
	return fmt.Errorf("metric %q is not supported by this version; %q and %q are", m, Top1, None)
}

const (
	maxDescriptionBytes = 1 << 20
	maxLabelBytes       = 256 << 20
)

// Set is an opened data set. Its methods may be called from several
// goroutines; its Readers belong to one each.
type Set struct {
	path                    string
	root                    *os.Root
	inputs                  []input
	samples                 int
	labels                  []int // nil without labels
	metric                  Metric
	threshold               float64
	reference               *Array
	calibration, evaluation []int
}

// input is one input with its data; without array and images it is zeros.
type input struct {
	inputDescription
	array  *Array
	images *imageFolder
}

// describe names the input in errors.
func (in *input) describe() string {
	switch {
	case in.name == "":
		return in.file
	case in.file == "":
		return in.name
	}
	return in.name + " (" + in.file + ")"
}

// errData says what a user who names the data itself has to write.
var errData = errors.New(`a data set is a TOML file that names the samples and says how to read them; see "Your own data" in README.md`)

// isData reports whether a file holds samples or labels by its name.
func isData(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy", ".npz", ".csv", ".jpg", ".jpeg", ".png":
		return true
	}
	return false
}

// Open reads a data set file and the arrays and labels it names; images are
// decoded when they are read. An invalid file gives
// strict.Faults, all at once.
func Open(path string) (*Set, error) {
	if info, err := os.Stat(path); err == nil && (info.IsDir() || isData(path)) {
		return nil, fmt.Errorf("%s: %w", path, errData)
	}
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxDescriptionBytes {
		return nil, fmt.Errorf("%s: %d bytes, above the limit of %d for a data set file", path, size, maxDescriptionBytes)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxDescriptionBytes))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	s := &Set{path: path, root: root}
	if err := s.open(text); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close releases the folders of the set. Readers of images fail afterwards.
func (s *Set) Close() error {
	var errs []error
	for _, in := range s.inputs {
		if in.images != nil {
			errs = append(errs, in.images.root.Close())
		}
	}
	return errors.Join(append(errs, s.root.Close())...)
}

func (s *Set) open(text []byte) error {
	faults := &faultList{path: s.path}
	d := describe(text, faults)
	if faults.document == nil {
		return faults.err()
	}
	s.checkFiles(&d, faults)
	if err := faults.err(); err != nil {
		return err
	}
	s.metric, s.threshold = d.metric, d.threshold
	labels := s.openLabels(&d, faults)
	for _, in := range d.inputs {
		opened := input{inputDescription: in}
		if in.file != "" {
			if err := s.openInput(&opened, &labels, &d); err != nil {
				faults.add(in.fileKey, "%v", err)
			}
		}
		s.inputs = append(s.inputs, opened)
	}
	if d.reference != "" {
		var err error
		if s.reference, err = s.openArray(d.reference, ""); err != nil {
			faults.add("reference", "%v", err)
		}
	}
	if err := faults.err(); err != nil {
		return err
	}
	s.countSamples(faults)
	if d.labels != "" && faults.list == nil {
		s.labels = labels.labels
		if len(s.labels) != s.samples {
			faults.add("labels", "%s has %d labels, the inputs have %d samples", d.labels, len(s.labels), s.samples)
		}
	}
	if err := faults.err(); err != nil {
		return err
	}
	var err error
	if s.calibration, err = d.calibration.indices(s.samples); err != nil {
		faults.add("calibration", "%v", err)
	}
	if s.evaluation, err = d.evaluation.indices(s.samples); err != nil {
		faults.add("evaluation", "%v", err)
	}
	return faults.err()
}

// checkFiles looks for every file that the keys name, so that missing ones are
// listed together with faulty keys.
func (s *Set) checkFiles(d *description, faults *faultList) {
	check := func(key, file string) {
		if !filepath.IsLocal(file) {
			return // absent or already a fault
		}
		info, err := s.root.Stat(file)
		switch {
		case err != nil:
			faults.add(key, "%s: %v", file, pathCause(err))
		case !info.Mode().IsRegular() && !info.IsDir():
			faults.add(key, "%s is neither a file nor a folder", file)
		case info.IsDir() && (key == "labels" || key == "reference"):
			faults.add(key, "%s is a folder; a file is needed", file)
		}
	}
	for _, in := range d.inputs {
		check(in.fileKey, in.file)
	}
	check("labels", d.labels)
	check("reference", d.reference)
}

// openFile opens a regular file of the data set's folder.
func (s *Set) openFile(file string) (*os.File, int64, error) {
	info, err := s.root.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", file, pathCause(err))
	}
	f, err := s.root.Open(file)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", file, pathCause(err))
	}
	return f, info.Size(), nil
}

// openArray reads an .npy file, or one array of an .npz file.
func (s *Set) openArray(file, key string) (*Array, error) {
	f, size, err := s.openFile(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch strings.ToLower(filepath.Ext(file)) {
	case ".npy":
		return DecodeNPY(f, size, file)
	case ".npz":
		return DecodeNPZKey(f, size, file, key)
	}
	return nil, fmt.Errorf("%s: unknown kind of file; .npy and .npz are read", file)
}

func (s *Set) openLabels(d *description, faults *faultList) labelTable {
	var t labelTable
	if d.labels == "" {
		return t
	}
	err := func() error {
		if strings.ToLower(filepath.Ext(d.labels)) != ".csv" {
			a, err := s.openArray(d.labels, d.labelsKey)
			if err != nil {
				return err
			}
			t.labels, err = labelsOf(a)
			return err
		}
		f, size, err := s.openFile(d.labels)
		if err != nil {
			return err
		}
		defer f.Close()
		if size > maxLabelBytes {
			return fmt.Errorf("%d bytes, above the limit of %d for labels", size, maxLabelBytes)
		}
		t, err = parseLabelCSV(io.LimitReader(f, maxLabelBytes))
		if err != nil {
			return fmt.Errorf("%s: %w", d.labels, err)
		}
		return nil
	}()
	if err != nil {
		faults.add("labels", "%v", err)
		return labelTable{}
	}
	return t
}

// openInput reads an array, or finds the files of an image folder.
func (s *Set) openInput(in *input, labels *labelTable, d *description) error {
	info, err := s.root.Stat(in.file)
	if err != nil {
		return fmt.Errorf("%s: %w", in.file, pathCause(err))
	}
	if info.IsDir() {
		return s.openImages(in, labels, d)
	}
	if in.array, err = s.openArray(in.file, in.archiveKey); err != nil {
		return err
	}
	switch {
	case len(in.array.Shape) == 0:
		return fmt.Errorf("%s holds a single number; the first axis must count samples", in.file)
	case in.array.Elements() == 0:
		return fmt.Errorf("%s has shape %s: there are no samples", in.file, shapeString(in.array.Shape))
	}
	return nil
}

// openImages takes the images in the order of the labels CSV, else by name.
func (s *Set) openImages(in *input, labels *labelTable, d *description) error {
	folder, err := s.root.OpenRoot(in.file)
	if err != nil {
		return fmt.Errorf("%s: %w", in.file, pathCause(err))
	}
	in.images = &imageFolder{path: in.file, root: folder, files: labels.files}
	if labels.files == nil {
		if in.images.files, err = listImages(folder); err != nil {
			return fmt.Errorf("%s: %w", in.file, pathCause(err))
		}
		if len(in.images.files) == 0 {
			return fmt.Errorf("%s: the folder has no .jpg, .jpeg or .png file", in.file)
		}
		if labels.lines != nil {
			return fmt.Errorf("%s: a folder of images needs labels with rows file,label, but %s has only labels", in.file, d.labels)
		}
		return nil
	}
	const most = 10 // a wrong folder would otherwise list every image
	var missing []string
	for i, file := range labels.files {
		info, err := folder.Stat(file)
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("not a regular file")
		}
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s line %d: %s: %v", d.labels, labels.lines[i], filepath.Join(in.file, file), pathCause(err)))
		}
		if len(missing) == most {
			missing = append(missing, "... (further images were not looked for)")
			break
		}
	}
	if len(missing) > 0 {
		return errors.New(strings.Join(missing, "; "))
	}
	return nil
}

// countSamples checks that all inputs with data have the same number.
func (s *Set) countSamples(faults *faultList) {
	first := ""
	for _, in := range s.inputs {
		n := 0
		switch {
		case in.images != nil:
			n = len(in.images.files)
		case in.array != nil:
			n = in.array.Shape[0]
		default:
			continue
		}
		if first == "" {
			s.samples, first = n, in.describe()
		} else if n != s.samples {
			faults.add(in.fileKey, "%s has %d samples, %s has %d", in.describe(), n, first, s.samples)
		}
	}
	if first == "" {
		faults.add("input", "no input has a file, so the number of samples is unknown")
	}
}

// Path is the data set file.
func (s *Set) Path() string { return s.path }

// Inputs names the inputs in file order. The input of a set without [[input]]
// tables has the empty name.
func (s *Set) Inputs() []string {
	names := make([]string, len(s.inputs))
	for i := range s.inputs {
		names[i] = s.inputs[i].name
	}
	return names
}

// Len is the number of samples.
func (s *Set) Len() int { return s.samples }

// Evaluation lists the samples to judge a network on, all by default.
func (s *Set) Evaluation() []int { return append([]int(nil), s.evaluation...) }

// Calibration lists the samples that set quantization ranges, all by default.
func (s *Set) Calibration() []int { return append([]int(nil), s.calibration...) }

// Label is the class of sample i, false when the set has no labels.
func (s *Set) Label(i int) (int, bool) {
	if i < 0 || i >= len(s.labels) {
		return 0, false
	}
	return s.labels[i], true
}

// Metric is how outputs are to be judged.
func (s *Set) Metric() Metric { return s.metric }

// Reference gives the expected outputs and the threshold of Metric Binary; the
// array is nil for other metrics.
func (s *Set) Reference() (*Array, float64) { return s.reference, s.threshold }
