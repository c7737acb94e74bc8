// Command compression prints the tables of coded weights: how far real networks
// can be pruned without retraining, what the XOR codes of their weights save in
// bytes, cycles and energy, and that they change no output.
//
//	go run ./testdata/compression -data DIR
//
// DIR holds the real networks and data sets (default: the environment variable
// NPUSIM_DATA, else ../shared/data); networks whose files are absent are left
// out with one message. The layer shapes of this repository need no DIR. Run it
// from the root of the repository.
//
// Tables go to standard output as Markdown, what is being done to standard
// error. Codes are kept in a folder of the run, so that the times of encoding
// are those of finding every code once; -cache names a folder that stays.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/npusim/npusim/compiler/compress"
)

// tool is what a run of the command was asked for.
type tool struct {
	folder  string   // of the real networks and data sets
	shapes  string   // layer shapes, a .csv file
	only    string   // part of the names of the networks to take
	presets []string // hardware; accuracy is measured on the first
	quick   bool
	workers int
	cache   *compress.Cache
	out     io.Writer // tables
	log     io.Writer // what is being done
}

func main() {
	t := tool{out: os.Stdout, log: os.Stderr}
	flag.StringVar(&t.folder, "data", dataFolder(), "folder of the real networks and data sets")
	flag.StringVar(&t.shapes, "shapes", filepath.Join("testdata", "shapes", "resnet50.csv"), "layer shapes that are timed with random weights")
	flag.StringVar(&t.only, "model", "", "only networks whose name contains this")
	presets := flag.String("presets", "edge,mobile,nvdla-2048", "hardware presets or TOML files, separated by commas")
	flag.BoolVar(&t.quick, "quick", false, "reduced form: small networks, few samples, the first preset, sequential codes at 0.9 of real networks only and without a second register, one random network tried instead of 16")
	flag.IntVar(&t.workers, "workers", 0, "goroutines, 0 for one a core")
	codes := flag.String("cache", "", "folder that keeps codes between runs; times of encoding then say little")
	flag.Parse()
	t.presets = strings.Split(*presets, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := t.withCache(*codes, func() error { return t.run(ctx) })
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compression:", err)
		os.Exit(1)
	}
}

func dataFolder() string {
	if d := os.Getenv("NPUSIM_DATA"); d != "" {
		return d
	}
	return filepath.Join("..", "shared", "data")
}

// withCache calls do with a place for codes: a folder, or one that goes again.
func (t *tool) withCache(folder string, do func() error) (err error) {
	if folder == "" {
		if folder, err = os.MkdirTemp("", "npusim-codes-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	}
	t.cache = &compress.Cache{Folder: folder}
	return do()
}

// network is a row of the tables: a model with its data set, both relative to
// the data folder.
type network struct {
	name, model, data string
	// reconstructs: the output is to be the input again, and the mean squared
	// error stands for accuracy. The data set has no labels.
	reconstructs bool
	slow         bool // left out of the reduced form
}

var networks = []network{
	{name: "ResNet-20", model: "models/resnet20_cifar10.onnx", data: "cifar10/normalized.toml", slow: true},
	{name: "ResNet-8", model: "models/mlperftiny_resnet8_cifar10.onnx", data: "cifar10/raw.toml"},
	{name: "DS-CNN", model: "models/mlperftiny_dscnn_kws.onnx", data: "kws/mfcc.toml"},
	{name: "MobileNetV1-0.75", model: "models/mobilenetv1_0.75_224.onnx", data: "imagenet224/tensorflow.toml", slow: true},
	{name: "autoencoder", model: "models/mlperftiny_autoencoder_ad.onnx", data: "ad/windows.toml", reconstructs: true},
}

// shapesName is the name of the layer shapes for -model.
const shapesName = "ResNet-50 shapes"

// run prints all tables.
func (t *tool) run(ctx context.Context) error {
	start := time.Now()
	if err := t.checkName(); err != nil {
		return err
	}
	if t.quick {
		t.presets = t.presets[:1]
		fmt.Fprintf(t.out, "Reduced form: at most %d samples a network, preset %s, one random network tried for a code; its figures are not those of the whole tables.\n\n", quickSamples, t.presets[0])
	}
	studies, err := t.open()
	if err != nil {
		return err
	}
	if err := t.pruningTable(ctx, studies); err != nil {
		return err
	}
	for _, s := range studies {
		if err := s.codesTable(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for _, s := range studies {
		if s.reconstructs {
			if err := s.bandwidthTable(ctx); err != nil {
				return fmt.Errorf("%s, bound by bandwidth: %w", s.name, err)
			}
		}
	}
	if strings.Contains(shapesName, t.only) {
		if err := t.shapesTable(ctx); err != nil {
			return fmt.Errorf("%s: %w", shapesName, err)
		}
	}
	fmt.Fprintf(t.out, "Total time: %.0f s.\n", time.Since(start).Seconds())
	return nil
}

// checkName refuses a -model that no network has.
func (t *tool) checkName() error {
	names := []string{shapesName}
	for _, n := range networks {
		names = append(names, n.name)
	}
	for _, name := range names {
		if strings.Contains(name, t.only) {
			return nil
		}
	}
	return fmt.Errorf("-model %s: the networks are %s", t.only, strings.Join(names, ", "))
}

// open finds the networks that are there.
func (t *tool) open() ([]*study, error) {
	var studies []*study
	var absent []string
	for _, n := range networks {
		if !strings.Contains(n.name, t.only) || t.quick && n.slow {
			continue
		}
		n.model, n.data = filepath.Join(t.folder, n.model), filepath.Join(t.folder, n.data)
		if missing(n.model) || missing(n.data) {
			absent = append(absent, n.name)
			continue
		}
		s, err := t.study(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
		studies = append(studies, s)
	}
	if len(absent) > 0 {
		fmt.Fprintf(t.log, "compression: left out: %s; their networks and data are not in %s (name another folder with -data or the environment variable NPUSIM_DATA; testdata/DATA.md says where they come from)\n",
			strings.Join(absent, ", "), t.folder)
	}
	return studies, nil
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}

// say tells on the log what is being done.
func (t *tool) say(format string, values ...any) {
	fmt.Fprintf(t.log, "compression: "+format+"\n", values...)
}
