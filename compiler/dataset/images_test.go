package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

func pngBytes(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func jpegBytes(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// paint draws a picture of 3x2 pixels whose pixel (x,y) is (10x+1, 20y+2, 3).
func paint[T interface {
	image.Image
	Set(x, y int, c color.Color)
}](m T) T {
	for y := range 2 {
		for x := range 3 {
			m.Set(x, y, color.NRGBA{uint8(10*x + 1), uint8(20*y + 2), 3, 255})
		}
	}
	return m
}

func TestImagesOfEveryForm(t *testing.T) {
	box := image.Rect(0, 0, 3, 2)
	colours := []float32{1, 11, 21, 1, 11, 21, 2, 2, 2, 22, 22, 22, 3, 3, 3, 3, 3, 3}
	var palette color.Palette
	for y := range 2 {
		for x := range 3 {
			palette = append(palette, color.NRGBA{uint8(10*x + 1), uint8(20*y + 2), 3, 255})
		}
	}
	// PNG with transparency: the colours count, not their blend with black.
	clear := image.NewNRGBA(box)
	clear16 := image.NewNRGBA64(box)
	for y := range 2 {
		for x := range 3 {
			c := color.NRGBA{uint8(10*x + 1), uint8(20*y + 2), 3, 7}
			clear.SetNRGBA(x, y, c)
			clear16.SetNRGBA64(x, y, color.NRGBA64{uint16(c.R)<<8 | 0x80, uint16(c.G) << 8, uint16(c.B) << 8, 0x700})
		}
	}
	for name, m := range map[string]image.Image{
		"opaque":                paint(image.NewNRGBA(box)),
		"opaque, 16 bits":       paint(image.NewNRGBA64(box)),
		"palette":               paint(image.NewPaletted(box, palette)),
		"transparency":          clear,
		"transparency, 16 bits": clear16,
	} {
		set := mustOpen(t, `inputs = "pics"`, map[string]any{"pics/a.png": pngBytes(t, m)})
		if got := mustRead(t, set, []int{1, 3, 2, 3}, 0); !slices.Equal(got, colours) {
			t.Errorf("%s: %v, want %v", name, got, colours)
		}
		got := mustRead(t, set, []int{1, 1, 2, 3}, 0)
		for i, v := range got {
			r, g, b := colours[i], colours[6+i], colours[12+i]
			if luma := 0.299*r + 0.587*g + 0.114*b; math.Abs(float64(v-luma)) > 1 {
				t.Errorf("%s: luma of pixel %d is %v, want about %v", name, i, v, luma)
			}
		}
	}
}

func TestGreyImages(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 3, 2))
	grey16 := image.NewGray16(grey.Rect)
	for i := range grey.Pix {
		grey.Pix[i] = uint8(40 * i)
		grey16.SetGray16(i%3, i/3, color.Gray16{uint16(40*i)<<8 | 0x33})
	}
	plane := []float32{0, 40, 80, 120, 160, 200}
	flat := image.NewGray(image.Rect(0, 0, 3, 2)) // one level, which JPEG keeps exactly
	for i := range flat.Pix {
		flat.Pix[i] = 90
	}
	for _, c := range []struct {
		name string
		file []byte
		want []float32
	}{
		{"a.png", pngBytes(t, grey), plane},
		{"b.png", pngBytes(t, grey16), plane},
		{"c.jpeg", jpegBytes(t, flat), []float32{90, 90, 90, 90, 90, 90}},
	} {
		set := mustOpen(t, `inputs = "pics"`, map[string]any{"pics/" + c.name: c.file})
		if got := mustRead(t, set, []int{1, 1, 2, 3}, 0); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got, want := mustRead(t, set, []int{1, 3, 2, 3}, 0), slices.Concat(c.want, c.want, c.want); !slices.Equal(got, want) {
			t.Errorf("%s as colours: %v, want %v", c.name, got, want)
		}
	}
}

// testPicture is smooth, so that JPEG keeps it within a few levels.
func testPicture(size int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			m.SetNRGBA(x, y, color.NRGBA{uint8(60 + 80*x/size), uint8(60 + 80*y/size), 100, 255})
		}
	}
	return m
}

func TestImageFolderFollowsLabels(t *testing.T) {
	picture := testPicture(32)
	set := mustOpen(t, `
		inputs = "pics"
		labels = "labels.csv"
		scale = 0.00392156862745098
		mean = [0.5, 0.4, 0.3]
		std = [0.2, 0.3, 0.4]`,
		map[string]any{
			"labels.csv":     "file,label\nz.png,7\nsub/a.jpg,3\n",
			"pics/z.png":     pngBytes(t, image.NewNRGBA(picture.Rect)),
			"pics/b.png":     "never read",
			"pics/notes":     "never read",
			"pics/sub/a.jpg": jpegBytes(t, picture),
		})
	if label, _ := set.Label(0); set.Len() != 2 || label != 7 {
		t.Fatalf("%d samples, first label %d", set.Len(), label)
	}
	shape := []int{1, 3, 32, 32}
	means, stds := []float64{0.5, 0.4, 0.3}, []float64{0.2, 0.3, 0.4}
	black := mustRead(t, set, shape, 0)
	for c := range 3 {
		if want := float32(-means[c] / stds[c]); black[1024*c] != want {
			t.Errorf("black in channel %d is %v, want %v", c, black[1024*c], want)
		}
	}
	got := mustRead(t, set, shape, 1)
	for i, v := range got {
		c, p := i/1024, i%1024
		level := []uint8{picture.Pix[4*p], picture.Pix[4*p+1], picture.Pix[4*p+2]}[c]
		if read := (float64(v)*stds[c] + means[c]) * 255; math.Abs(read-float64(level)) > 6 {
			t.Fatalf("channel %d, pixel %d reads %.2f, painted %d", c, p, read, level)
		}
	}
}

func TestImagesWithoutLabelsGoByName(t *testing.T) {
	level := func(v uint8) []byte {
		m := image.NewGray(image.Rect(0, 0, 1, 1))
		m.Pix[0] = v
		return pngBytes(t, m)
	}
	set := mustOpen(t, `inputs = "pics"`, map[string]any{
		"pics/c.PNG": level(3), "pics/a.png": level(1), "pics/b.png": level(2), "pics/readme.md": ""})
	if set.Len() != 3 {
		t.Fatalf("%d samples, want 3", set.Len())
	}
	for i := range 3 {
		if got := mustRead(t, set, []int{1, 1, 1, 1}, i); got[0] != float32(i+1) {
			t.Errorf("sample %d is %v, want %d", i, got[0], i+1)
		}
	}
}

func TestBadImages(t *testing.T) {
	good := jpegBytes(t, testPicture(16))
	// A PNG head that claims 100,000 x 100,000 pixels.
	bomb := pngBytes(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(bomb[16:], 100000)
	binary.BigEndian.PutUint32(bomb[20:], 100000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"other size": {jpegBytes(t, testPicture(8)), "image of 8x8 pixels (width x height), the network input is 16x16"},
		"huge":       {bomb, "image of 100000x100000 pixels"},
		"cut":        {good[:len(good)/2], "unexpected EOF"},
		"empty":      {nil, "neither a JPEG nor a PNG file"},
		"text":       {[]byte("hello"), "neither a JPEG nor a PNG file"},
		"only magic": {[]byte("\xff\xd8"), "EOF"},
	} {
		set := mustOpen(t, `inputs = "pics"`, map[string]any{"pics/a.jpg": c.file})
		r, err := set.Reader([]int{1, 3, 16, 16})
		if err != nil {
			t.Fatal(err)
		}
		err = r.Read(0, make([]float32, r.Elements()))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "pics/a.jpg") {
			t.Errorf("%s: error %v, want one with %q and the file", name, err, c.want)
		}
	}
	set := mustOpen(t, "inputs = \"pics\"\nmean = [1, 2]", map[string]any{"pics/a.jpg": good})
	for _, shape := range [][]int{{1, 2, 16, 16}, {2, 3, 16, 16}, {1, 768}, {3, 16, 16}} {
		if _, err := set.Reader(shape); err == nil || !strings.Contains(err.Error(), "images do not fit a network input of shape "+shapeString(shape)) {
			t.Errorf("shape %v: error %v", shape, err)
		}
	}
	if _, err := set.Reader([]int{1, 3, 16, 16}); err == nil || !strings.Contains(err.Error(), "mean has 2 entries") {
		t.Errorf("two means for three channels: error %v", err)
	}
}

func TestReadersWorkInParallel(t *testing.T) {
	files := map[string]any{}
	for i := range 8 {
		picture := testPicture(16)
		picture.Pix[0] = uint8(i)
		files["pics/"+string(rune('a'+i))+".png"] = pngBytes(t, picture)
	}
	set := mustOpen(t, `inputs = "pics"`, files)
	first, err := set.Reader([]int{1, 3, 16, 16})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		r := first.Clone()
		group.Go(func() {
			dst := make([]float32, r.Elements())
			for i := range r.Len() {
				if err := r.Read(i, dst); err != nil || dst[0] != float32(i) {
					t.Errorf("sample %d starts with %v: %v", i, dst[0], err)
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkImage decodes and normalizes one 224x224 JPEG an iteration. The
// picture is synthetic; BenchmarkRealImages takes photographs.
func BenchmarkImage(b *testing.B) {
	set := mustOpen(b, "inputs = \"pics\"\nscale = 0.0078125\nmean = 1", map[string]any{"pics/a.jpg": jpegBytes(b, testPicture(224))})
	benchmarkReader(b, set, []int{1, 3, 224, 224})
}

func benchmarkReader(b *testing.B, set *Set, shape []int) {
	b.Helper()
	r, err := set.Reader(shape)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, r.Elements())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := r.Read(i%r.Len(), dst); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
