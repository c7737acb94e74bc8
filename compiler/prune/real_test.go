package prune

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
	"github.com/npusim/npusim/isa/weightmask"
)

// TestRealWeights prunes networks that others trained and holds the sizes of
// their masks against each other: what is exact stays exact, run lengths are
// below the raw mask at high sparsity, and the low-rank mask keeps most of the
// magnitude for less than half the bits.
func TestRealWeights(t *testing.T) {
	if reduced() {
		t.Skip("real networks are left out with -short and the race detector")
	}
	folder := os.Getenv("NPUSIM_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	for _, name := range []string{"mlperftiny_autoencoder_ad", "mlperftiny_resnet8_cifar10", "mlperftiny_dscnn_kws"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, "models", name+".onnx")
			if _, err := os.Stat(path); err != nil {
				t.Skipf("%v: set NPUSIM_DATA to the folder of the networks and data of others, which testdata/DATA.md describes", err)
			}
			model, err := onnx.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			g, err := ops.Import(model)
			if err != nil {
				t.Fatal(err)
			}
			layers := Layers(g)
			masks, err := Magnitude(layers, 0.9, PerLayer)
			if err != nil {
				t.Fatal(err)
			}
			weights, raw, runs, lowRank := 0, 0, 0, 0
			kept, best, total := 0.0, 0.0, 0.0
			for i := range layers {
				rows, cols := layers[i].Matrix()
				weights += rows * cols
				raw += weightmask.HeaderBytes + weightmask.RawBytes(rows*cols)
				smaller, err := EncodeSmaller(masks[i], rows, cols)
				if err != nil {
					t.Fatal(err)
				}
				runs += len(smaller)
				stream, err := weightmask.Open(smaller)
				if err != nil {
					t.Fatal(err)
				}
				mask, err := stream.Decode()
				if err != nil {
					t.Fatal(err)
				}
				scores, err := Magnitudes(layers[i].Weights)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := Share(scores, mask), Share(scores, masks[i]); got != want {
					t.Errorf("layer %s: the mask came back with a share of %g, not %g", layers[i].Name, got, want)
				}
				f, err := Factor(scores, rows, cols, 0.9, LowRank{TileRows: 10, TileCols: 11, Rank: 1})
				if err != nil {
					t.Fatal(err)
				}
				lowRank += len(f.Stream)
				sum := 0.0
				for _, s := range scores {
					sum += float64(s)
				}
				kept, best, total = kept+f.KeptShare*sum, best+f.Unstructured*sum, total+sum
			}
			n := float64(weights) / 8
			t.Logf("%d weights, mask bits a weight: raw %.3f, run-length %.3f, low-rank %.3f; magnitude kept %.3f unstructured, %.3f low-rank (%.3f of it)",
				weights, float64(raw)/n, float64(runs)/n, float64(lowRank)/n, best/total, kept/total, kept/best)
			if runs >= raw || lowRank >= runs {
				t.Errorf("masks of %d bytes raw, %d as runs, %d low-rank", raw, runs, lowRank)
			}
			if kept < 0.7*best {
				t.Errorf("the low-rank mask keeps %.3f of the magnitude that unstructured pruning keeps", kept/best)
			}
		})
	}
}
