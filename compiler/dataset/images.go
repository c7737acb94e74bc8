package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// maxImageBytes bounds an image file; the network's input size bounds its
// pixels.
const maxImageBytes = 64 << 20

// imageFolder is a folder of images in sample order. The root keeps every
// access inside the folder.
type imageFolder struct {
	path  string // as the data set names it
	root  *os.Root
	files []string
}

// listImages names the JPEG and PNG files of a folder in alphabetical order.
func listImages(root *os.Root) ([]string, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".jpg", ".jpeg", ".png":
			files = append(files, e.Name())
		}
	}
	sort.Strings(files)
	return files, nil
}

// imageDecoder holds the file bytes of one reader between samples.
type imageDecoder struct{ file bytes.Buffer }

// readImage decodes image i into planes of network values.
func (r *Reader) readImage(i int, dst []float32) error {
	folder := r.input.images
	name := folder.files[i]
	fail := func(err error) error { return fmt.Errorf("%s: %w", filepath.Join(folder.path, name), err) }
	if err := r.images.load(folder.root, name); err != nil {
		return fail(err)
	}
	picture, err := decodeImage(r.images.file.Bytes(), r.shape[3], r.shape[2])
	if err != nil {
		return fail(err)
	}
	if r.channels == 1 {
		r.writeGrey(picture, dst)
	} else {
		r.writeRGB(picture, dst)
	}
	return nil
}

func (d *imageDecoder) load(root *os.Root, name string) error {
	info, err := root.Stat(name)
	switch {
	case err != nil:
		return pathCause(err)
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	case info.Size() > maxImageBytes:
		return fmt.Errorf("%d bytes, above the limit of %d for an image", info.Size(), maxImageBytes)
	}
	f, err := root.Open(name)
	if err != nil {
		return pathCause(err)
	}
	defer f.Close()
	d.file.Reset()
	_, err = d.file.ReadFrom(io.LimitReader(f, maxImageBytes))
	return err
}

// decodeImage decodes a JPEG or PNG file, told apart by their first bytes. The
// size is checked before any pixel is decoded.
func decodeImage(file []byte, width, height int) (image.Image, error) {
	readConfig, decode := png.DecodeConfig, png.Decode
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xd8")):
		readConfig, decode = jpeg.DecodeConfig, jpeg.Decode
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
	default:
		return nil, errors.New("neither a JPEG nor a PNG file")
	}
	config, err := readConfig(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if config.Width != width || config.Height != height {
		return nil, fmt.Errorf("image of %dx%d pixels (width x height), the network input is %dx%d; resize the images beforehand",
			config.Width, config.Height, width, height)
	}
	picture, err := decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if size := picture.Bounds().Size(); size != image.Pt(width, height) {
		return nil, fmt.Errorf("image decodes to %v pixels, its head says %dx%d", size, width, height)
	}
	return picture, nil
}

// writeRGB writes the three planes of a picture, repeating grey levels.
func (r *Reader) writeRGB(picture image.Image, dst []float32) {
	red, green, blue := dst[:r.pixels], dst[r.pixels:2*r.pixels], dst[2*r.pixels:]
	var tables [3]*[256]float32
	for c := range tables {
		tables[c] = &r.tables[min(c, len(r.tables)-1)]
	}
	colour := colourOf(picture)
	box := picture.Bounds()
	p := 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			cr, cg, cb := colour(x, y)
			red[p], green[p], blue[p] = tables[0][cr], tables[1][cg], tables[2][cb]
			p++
		}
	}
}

// writeGrey writes the one plane of a network with a single channel: grey
// levels as they are, colours as their luma (ITU-R BT.601, as JPEG defines Y).
func (r *Reader) writeGrey(picture image.Image, dst []float32) {
	table := &r.tables[0]
	colour := colourOf(picture)
	jpegColours, _ := picture.(*image.YCbCr)
	box := picture.Bounds()
	p := 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			var luma uint8
			if jpegColours != nil {
				luma = jpegColours.Y[jpegColours.YOffset(x, y)]
			} else {
				luma, _, _ = color.RGBToYCbCr(colour(x, y))
			}
			dst[p] = table[luma]
			p++
		}
	}
}

// colourOf gives access to the 8-bit colours of a picture without allocating
// for every pixel. Transparency is dropped, and 16-bit samples keep their
// upper byte.
func colourOf(picture image.Image) func(x, y int) (r, g, b uint8) {
	switch m := picture.(type) {
	case *image.YCbCr:
		return func(x, y int) (r, g, b uint8) {
			chroma := m.COffset(x, y)
			return color.YCbCrToRGB(m.Y[m.YOffset(x, y)], m.Cb[chroma], m.Cr[chroma])
		}
	case *image.Gray:
		return func(x, y int) (r, g, b uint8) {
			level := m.Pix[m.PixOffset(x, y)]
			return level, level, level
		}
	case *image.NRGBA:
		return func(x, y int) (r, g, b uint8) {
			pixel := m.Pix[m.PixOffset(x, y):]
			return pixel[0], pixel[1], pixel[2]
		}
	case *image.NRGBA64:
		return func(x, y int) (r, g, b uint8) {
			pixel := m.Pix[m.PixOffset(x, y):] // big-endian pairs
			return pixel[0], pixel[2], pixel[4]
		}
	case *image.Paletted:
		palette := make([]color.NRGBA, len(m.Palette))
		for i, c := range m.Palette {
			palette[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
		return func(x, y int) (r, g, b uint8) {
			c := palette[m.Pix[m.PixOffset(x, y)]]
			return c.R, c.G, c.B
		}
	case image.RGBA64Image: // the opaque forms: RGBA, RGBA64, Gray16, CMYK
		return func(x, y int) (r, g, b uint8) {
			c := m.RGBA64At(x, y)
			return uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)
		}
	}
	return func(x, y int) (r, g, b uint8) {
		cr, cg, cb, _ := picture.At(x, y).RGBA()
		return uint8(cr >> 8), uint8(cg >> 8), uint8(cb >> 8)
	}
}

// pathCause drops the operation and path that os errors repeat.
func pathCause(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
