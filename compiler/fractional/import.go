package fractional

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// Imported is a layer that was trained in the fractional code.
type Imported struct {
	Code  *fractionalcode.Code
	Shape []int // of the weight tensor, output channels first
}

// Arrays of an artefact.
const (
	shapeKey    = "shape"
	matricesKey = "matrices"
	alphaKey    = "alpha"
	signsKey    = "signs"
	trainedKey  = "w_e"
	packedKey   = "packed"
	minorKey    = "channel_minor"
)

var importKeys = []string{shapeKey, matricesKey, alphaKey, signsKey, trainedKey, packedKey, minorKey}

// Import reads the artefact of one trained layer: an .npz file, or a folder of
// .npy files of the same names, with the arrays
//
//	shape          [rank], integers: the weight tensor, output channels first
//	matrices       [planes][n_out][n_in], 0 or 1: the XOR networks
//	alpha          [planes][channels], floats; axes of 1 may follow
//
// one of
//
//	signs          [planes][slices][n_in], +1 and -1, or 1 and 0 for them
//	w_e            [planes][slices][n_in], floats whose signs these are, 0 for +1
//	packed         [planes][bytes], uint8: 1 for +1 and 0 for -1, slice after
//	               slice, highest bit of a byte first, the last byte filled up with 0
//
// and, if it is there,
//
//	channel_minor  a number: 1 if weight i of the codes is of channel
//	               i % channels, 0 (as without it) if the codes run through the
//	               tensor as it is stored
//
// with slices = weights / n_out, rounded up. Outputs are the XOR of their inputs
// with 1 for +1, which is the (-1)^(taps-1) * product of training (package
// isa/fractionalcode shows it).
func Import(path string) (*Imported, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return importFolder(path)
	}
	names, arrays, err := dataset.ReadNPZ(path)
	if err != nil {
		return nil, err
	}
	return importArrays(path, func(name string) string { return path + ":" + name }, names, arrays)
}

func importFolder(path string) (*Imported, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	var arrays []*dataset.Array
	for _, e := range entries {
		name, isArray := strings.CutSuffix(e.Name(), ".npy")
		if !isArray {
			continue
		}
		if !slices.Contains(importKeys, name) {
			return nil, unknownArray(filepath.Join(path, e.Name()))
		}
		a, err := dataset.ReadNPY(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, err
		}
		names, arrays = append(names, name), append(arrays, a)
	}
	if len(names) == 0 {
		return nil, &fs.PathError{Op: "import", Path: path, Err: errors.New("no .npy files")}
	}
	return importArrays(path, func(name string) string { return filepath.Join(path, name+".npy") }, names, arrays)
}

func unknownArray(place string) error {
	return fmt.Errorf("%s: not an array of a fractional code: those are %s", place, strings.Join(importKeys, ", "))
}

// importer reads the arrays of one artefact.
type importer struct {
	path   string
	place  func(name string) string
	names  []string
	arrays []*dataset.Array
}

func (r *importer) find(name string) *dataset.Array {
	if i := slices.Index(r.names, name); i >= 0 {
		return r.arrays[i]
	}
	return nil
}

// fail is an error about an array.
func (r *importer) fail(name, format string, arguments ...any) error {
	return fmt.Errorf("%s: %s", r.place(name), fmt.Sprintf(format, arguments...))
}

// need finds an array that must be there.
func (r *importer) need(name string) (*dataset.Array, error) {
	if a := r.find(name); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("%s: array %q is missing", r.path, name)
}

func importArrays(path string, place func(string) string, names []string, arrays []*dataset.Array) (*Imported, error) {
	r := &importer{path: path, place: place, names: names, arrays: arrays}
	for _, name := range names {
		if !slices.Contains(importKeys, name) {
			return nil, unknownArray(place(name))
		}
	}
	shape, weights, err := r.shape()
	if err != nil {
		return nil, err
	}
	c := &fractionalcode.Code{Weights: weights, Channels: shape[0], Order: fractionalcode.ChannelMajor}
	if a := r.find(minorKey); a != nil {
		if a.Elements() != 1 || a.Float64At(0) != 0 && a.Float64At(0) != 1 {
			return nil, r.fail(minorKey, "must be one number, 0 or 1")
		}
		if a.Float64At(0) == 1 {
			c.Order = fractionalcode.ChannelMinor
		}
	}
	if err := r.matrices(c); err != nil {
		return nil, err
	}
	if err := r.alpha(c); err != nil {
		return nil, err
	}
	if err := r.bits(c); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Imported{Code: c, Shape: shape}, nil
}

// shape reads the shape and multiplies it out.
func (r *importer) shape() (shape []int, weights int, err error) {
	a, err := r.need(shapeKey)
	if err != nil {
		return nil, 0, err
	}
	if a.IsFloat() || a.Type == dataset.Bool || len(a.Shape) != 1 || a.Elements() < 1 || a.Elements() > 8 {
		return nil, 0, r.fail(shapeKey, "must be 1 to 8 integers on one axis, has shape %v of %v", a.Shape, a.Type)
	}
	weights = 1
	for i, d := range a.Ints() {
		if d < 1 || d > int64(fractionalcode.MaxWeights/weights) {
			return nil, 0, r.fail(shapeKey, "axis %d is %d: axes must be positive, and the product at most %d", i, d, fractionalcode.MaxWeights)
		}
		weights *= int(d)
		shape = append(shape, int(d))
	}
	return shape, weights, nil
}

func (r *importer) matrices(c *fractionalcode.Code) error {
	a, err := r.need(matricesKey)
	if err != nil {
		return err
	}
	if len(a.Shape) != 3 {
		return r.fail(matricesKey, "has shape %v: must be [planes][n_out][n_in]", a.Shape)
	}
	planes, outputs, inputs := a.Shape[0], a.Shape[1], a.Shape[2]
	if planes < 1 || planes > fractionalcode.MaxPlanes {
		return r.fail(matricesKey, "%d planes: must be 1 to %d", planes, fractionalcode.MaxPlanes)
	}
	if err := xorcode.CheckShape(inputs, outputs); err != nil {
		return r.fail(matricesKey, "%v", err)
	}
	c.Planes = make([]fractionalcode.Plane, planes)
	for p := range c.Planes {
		rows := make([]uint64, outputs)
		for k := range outputs * inputs {
			switch v := a.Float64At(p*outputs*inputs + k); v {
			case 1:
				rows[k/inputs] |= 1 << (k % inputs)
			case 0:
			default:
				return r.fail(matricesKey, "plane %d, row %d, column %d is %g: must be 0 or 1", p, k/inputs, k%inputs, v)
			}
		}
		c.Planes[p].Network.Matrix = &xorcode.Network{Inputs: inputs, Outputs: outputs, Rows: rows}
	}
	return nil
}

func (r *importer) alpha(c *fractionalcode.Code) error {
	a, err := r.need(alphaKey)
	if err != nil {
		return err
	}
	if !a.IsFloat() || len(a.Shape) < 2 || a.Shape[0] != len(c.Planes) || a.Shape[1] != c.Channels || a.Elements() != len(c.Planes)*c.Channels {
		return r.fail(alphaKey, "has shape %v of %v: must be floats [%d planes][%d channels]", a.Shape, a.Type, len(c.Planes), c.Channels)
	}
	values := a.Floats()
	for p := range c.Planes {
		c.Planes[p].Scales = values[p*c.Channels:][:c.Channels:c.Channels]
	}
	return nil
}

// bits reads the encrypted bits in whichever form they are.
func (r *importer) bits(c *fractionalcode.Code) error {
	var found []string
	for _, name := range []string{signsKey, trainedKey, packedKey} {
		if r.find(name) != nil {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%s: one of the arrays %q, %q and %q must be there, found %d", r.path, signsKey, trainedKey, packedKey, len(found))
	}
	name := found[0]
	a := r.find(name)
	want := []int{len(c.Planes), c.Slices(), c.Inputs()}
	if name == packedKey {
		want = []int{len(c.Planes), (c.Slices()*c.Inputs() + 7) / 8}
	}
	if !slices.Equal(a.Shape, want) {
		return r.fail(name, "has shape %v, must be %v for %d weights in slices of %d outputs", a.Shape, want, c.Weights, c.Outputs())
	}
	switch name {
	case packedKey:
		return r.packed(c, a)
	case trainedKey:
		return r.trained(c, a)
	}
	return r.signs(c, a)
}

// element describes element i of an array by slice.
func element(c *fractionalcode.Code, i int) string {
	inputs, slices := c.Inputs(), c.Slices()
	return fmt.Sprintf("plane %d, slice %d, input %d", i/inputs/slices, i/inputs%slices, i%inputs)
}

func (r *importer) signs(c *fractionalcode.Code, a *dataset.Array) error {
	low := 0.0 // what stands for -1
	for i := range a.Elements() {
		if a.Float64At(i) == -1 {
			low = -1
			break
		}
	}
	for i := range a.Elements() {
		v := a.Float64At(i)
		if v != 1 && v != low {
			return r.fail(signsKey, "%s is %g: all must be +1 and -1, or all 1 and 0", element(c, i), v)
		}
		appendBit(c, i, v == 1)
	}
	return nil
}

func (r *importer) trained(c *fractionalcode.Code, a *dataset.Array) error {
	if !a.IsFloat() {
		return r.fail(trainedKey, "has elements of %v: must be floats (signs go by the name %q)", a.Type, signsKey)
	}
	for i := range a.Elements() {
		v := a.Float64At(i)
		if v != v {
			return r.fail(trainedKey, "%s is NaN", element(c, i))
		}
		appendBit(c, i, v >= 0)
	}
	return nil
}

func (r *importer) packed(c *fractionalcode.Code, a *dataset.Array) error {
	if a.Type != dataset.Uint8 {
		return r.fail(packedKey, "has elements of %v: must be uint8", a.Type)
	}
	count := c.Slices() * c.Inputs()
	size := (count + 7) / 8
	for p := range c.Planes {
		data := a.Bytes()[p*size:][:size]
		for i := range count {
			c.Planes[p].Codes.Append(uint64(data[i/8]>>(7-i%8)&1), 1)
		}
		if unused := 8*size - count; data[size-1]&(1<<unused-1) != 0 {
			return r.fail(packedKey, "plane %d: a bit after the last of its %d is set", p, count)
		}
	}
	return nil
}

// appendBit adds element i of [planes][slices][n_in].
func appendBit(c *fractionalcode.Code, i int, plus bool) {
	bit := uint64(0)
	if plus {
		bit = 1
	}
	c.Planes[i/(c.Slices()*c.Inputs())].Codes.Append(bit, 1)
}
