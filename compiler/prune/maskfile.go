package prune

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/isa/xorcode"
)

// maskSuffix ends the name of a mask file.
const maskSuffix = ".npy"

// FileName is the name of the mask file of a layer: the name of the layer and
// ".npy". Characters that file names do not take everywhere, which are / \ % :
// * ? " < > | and control characters, and a dot at the beginning, become % and
// two hexadecimal digits, so "block1/conv" is "block1%2Fconv.npy".
func FileName(layer string) string {
	var b strings.Builder
	for i := range len(layer) {
		c := layer[i]
		if c < 0x20 || c == 0x7f || strings.IndexByte(`/\%:*?"<>|`, c) >= 0 || i == 0 && c == '.' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + maskSuffix
}

// ReadMask reads the keep mask of a tensor of a shape. The array is bool, uint8
// or floating-point, 0 for a pruned weight and anything else for a kept one; it
// has the shape of the tensor, or that shape as a matrix, the first axis by
// everything else.
func ReadMask(path string, shape []int) (xorcode.Plane, error) {
	a, err := dataset.ReadNPY(path)
	if err != nil {
		return xorcode.Plane{}, err
	}
	if a.Type != dataset.Bool && a.Type != dataset.Uint8 && !a.IsFloat() {
		return xorcode.Plane{}, fmt.Errorf("%s: a mask of %v; masks are bool, uint8 or floating-point", path, a.Type)
	}
	if !slices.Equal(a.Shape, shape) && !slices.Equal(a.Shape, asMatrix(shape)) {
		return xorcode.Plane{}, fmt.Errorf("%s: a mask of shape %v for weights of shape %v", path, a.Shape, shape)
	}
	mask := xorcode.NewPlane(a.Elements())
	for i := range a.Elements() {
		v := a.Float64At(i)
		if v != v {
			return xorcode.Plane{}, fmt.Errorf("%s: element %d is not a number; 0 is pruned, any other number kept", path, i)
		}
		if v != 0 {
			mask.Set(i, true)
		}
	}
	return mask, nil
}

func asMatrix(shape []int) []int {
	if len(shape) == 0 {
		return nil
	}
	cols := 1
	for _, d := range shape[1:] {
		cols *= d
	}
	return []int{shape[0], cols}
}

// ReadMasks reads the masks of layers from the files [FileName] in a folder.
// The result has an entry for each layer, nil where the folder has no file for
// it. An .npy file that belongs to no layer is an error; other files are left
// alone.
func ReadMasks(folder string, layers []Layer) ([]*xorcode.Plane, error) {
	byFile := make(map[string]string, len(layers))
	for i := range layers {
		name := FileName(layers[i].Name)
		if _, twice := byFile[name]; twice {
			return nil, fmt.Errorf("%s: two layers are named %q", folder, layers[i].Name)
		}
		byFile[name] = layers[i].Name
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, known := byFile[e.Name()]; !known && strings.HasSuffix(e.Name(), maskSuffix) {
			return nil, fmt.Errorf("%s: no layer has this mask; the mask of layer L is L%s, with %% and two hexadecimal digits for / and other special characters%s",
				filepath.Join(folder, e.Name()), maskSuffix, exampleName(layers))
		}
	}
	masks := make([]*xorcode.Plane, len(layers))
	for i := range layers {
		mask, err := ReadMask(filepath.Join(folder, FileName(layers[i].Name)), layers[i].Shape)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("mask of layer %s: %w", layers[i].Name, err)
		}
		masks[i] = &mask
	}
	return masks, nil
}

func exampleName(layers []Layer) string {
	if len(layers) == 0 {
		return ""
	}
	return fmt.Sprintf(": %s for layer %s", FileName(layers[0].Name), layers[0].Name)
}

// WriteMask writes a mask as a bool array of a shape, for [ReadMask].
func WriteMask(path string, mask xorcode.Plane, shape []int) error {
	data := make([]byte, mask.Len())
	for i := range data {
		if mask.Get(i) {
			data[i] = 1
		}
	}
	a, err := dataset.FromBytes(shape, dataset.Bool, data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return dataset.WriteNPY(path, a)
}
