package glyph

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
)

func TestSamplesAreReproducible(t *testing.T) {
	const count = 64
	pixels, labels := Samples(7, Evaluation, count)
	var wait sync.WaitGroup
	for i := count - 1; i >= 0; i-- {
		wait.Go(func() {
			var again [Pixels]byte
			label := Sample(7, Evaluation, i, again[:])
			if label != labels[i] || !bytes.Equal(again[:], pixels[i*Pixels:(i+1)*Pixels]) {
				t.Errorf("sample %d differs when it is drawn alone", i)
			}
		})
	}
	wait.Wait()
}

// Whoever changes the drawing must make the committed files anew.
func TestDrawingIsUnchanged(t *testing.T) {
	pixels, labels := Samples(1, Training, 32)
	const want = "a86612e5b66bd0c593e4ebd2ecac05065ae7b895f191057ba7351c27e775c157"
	if got := fmt.Sprintf("%x", sha256.Sum256(append(pixels, fmt.Sprint(labels)...))); got != want {
		t.Errorf("checksum %s, want %s", got, want)
	}
}

func TestSetsAndSeedsDiffer(t *testing.T) {
	base, _ := Samples(1, Training, 4)
	other, _ := Samples(1, Evaluation, 4)
	seeded, _ := Samples(2, Training, 4)
	if bytes.Equal(base, other) || bytes.Equal(base, seeded) || bytes.Equal(other, seeded) {
		t.Error("different sets or seeds give equal samples")
	}
}

// All classes come up about equally often, and no picture is blank.
func TestSamplesAreBalanced(t *testing.T) {
	const count = 2000
	pixels, labels := Samples(3, Training, count)
	var seen [Classes]int
	for i, label := range labels {
		seen[label]++
		picture := pixels[i*Pixels : (i+1)*Pixels]
		low, high := byte(255), byte(0)
		for _, p := range picture {
			low, high = min(low, p), max(high, p)
		}
		if high-low < 40 {
			t.Errorf("sample %d spans only %d grey levels", i, high-low)
		}
	}
	const expected = count / Classes
	for label, n := range seen {
		if n < expected*6/10 || n > expected*14/10 {
			t.Errorf("%c comes up %d times of %d", Names[label], n, count)
		}
	}
}

// Undistorted glyphs of different classes must not be mistakable for each
// other: they differ in much ink.
func TestGlyphsAreDistinct(t *testing.T) {
	place := placement{xx: width, yy: height, x0: (Size - 1) / 2.0, y0: (Size - 1) / 2.0}
	var drawn [Classes][Pixels]float64
	for label, strokes := range shapes {
		for _, s := range strokes {
			for i := 0; i+1 < len(s); i++ {
				coverSegment(&drawn[label], place.apply(s[i]), place.apply(s[i+1]), 1)
			}
		}
	}
	for a := range drawn {
		for b := range a {
			var difference float64
			for i := range drawn[a] {
				difference += max(drawn[a][i]-drawn[b][i], drawn[b][i]-drawn[a][i])
			}
			if difference < 10 {
				t.Errorf("%c and %c differ by %.1f pixels of ink only", Names[a], Names[b], difference)
			}
		}
	}
}
