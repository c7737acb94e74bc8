package explore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/explore"
	"github.com/npusim/npusim/npu/explore/sweep"
)

// dataFile is a file of the folder of real networks; without it the test is
// skipped.
func dataFile(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("NPUSIM_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v: set NPUSIM_DATA to the folder of the networks and data of others, which testdata/DATA.md describes", err)
	}
	return path
}

// TestMobileNetFrontHasShiftEqualization: the shipped sweep with fewer samples
// and machines. One scale a layer collapses; shifts are on the front, for they
// need no multiplier a channel; no point of the front has plain scales.
func TestMobileNetFrontHasShiftEqualization(t *testing.T) {
	if testing.Short() {
		t.Skip("executes a MobileNet: not with -short")
	}
	overrides := sweep.Overrides{Model: dataFile(t, "models/mobilenetv1_0.75_224.onnx"), Data: dataFile(t, "imagenet224/tensorflow.toml")}
	file := "../../configs/sweeps/mobilenetv1.toml"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fewer := strings.NewReplacer("samples = 100", "samples = 8", "values = [8, 6]", "values = [8]", "values = [16, 32]", "values = [32]",
		"powers_of_two = [256, 1024]", "values = [512]", "values = [128, 256]", "values = [128]", "values = [1, 2]", "values = [1]")
	s, err := sweep.Parse(file, []byte(fewer.Replace(string(text))), overrides)
	if err != nil {
		t.Fatal(err)
	}
	if s.SpacePoints != 3 {
		t.Fatalf("%d points: the shipped sweep is another than this test takes it for", s.SpacePoints)
	}
	found, err := explore.Run(t.Context(), s, explore.Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	const top1 = 3 // among the objectives
	perLayer, shifted := &found.Points[0], &found.Points[1]
	if found.Counts.Done != 3 || perLayer.Objectives[top1] > 0.1 || perLayer.OnFront {
		t.Errorf("%+v; one scale a layer: %+v", found.Counts, perLayer)
	}
	if !shifted.OnFront || shifted.Objectives[top1] < 0.6 {
		t.Errorf("shift equalization: %+v", shifted)
	}
}
