package onnx

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dataFolder gives a folder of the real data, which is not in the repository:
// below NPUSIM_DATA, or else below shared/data beside the repository.
func dataFolder(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("NPUSIM_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no data: %s is missing; set NPUSIM_DATA to the folder that has %s, which testdata/DATA.md describes", dir, name)
	}
	return dir
}

// Every published network decodes, its weights convert, and it survives being
// written and read.
func TestDataModels(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(dataFolder(t, "models"), "*.onnx"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			g := &m.Graph
			if m.Opset() != 13 || len(g.Nodes) == 0 || len(g.Initializers) == 0 || len(g.Inputs) == 0 || len(g.Outputs) == 0 {
				t.Errorf("opset %d, %d nodes, %d initializers, %d inputs, %d outputs", m.Opset(), len(g.Nodes), len(g.Initializers), len(g.Inputs), len(g.Outputs))
			}
			weights := 0
			for i := range g.Initializers {
				checkTensor(t, &g.Initializers[i])
				n, err := g.Initializers[i].Elements()
				if err != nil {
					t.Fatal(err)
				}
				weights += n
			}
			var b bytes.Buffer
			if err := WriteModel(&b, m); err != nil {
				t.Fatal(err)
			}
			again, err := Decode(b.Bytes(), path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := sameModel(m, again); diff != "" {
				t.Error(diff)
			}
			t.Logf("%d nodes, %d initializers with %d elements", len(g.Nodes), len(g.Initializers), weights)
		})
	}
}

// Every single-node test case of the ONNX project decodes or gives a clear
// error; models all decode, tensor files all but sequences and optionals.
func TestDataNodes(t *testing.T) {
	models, tensors, sequences := 0, 0, 0
	err := filepath.WalkDir(dataFolder(t, "onnx_node"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".onnx":
			models++
			m, err := Read(path)
			if err != nil {
				t.Error(err)
				return nil
			}
			for i := range m.Graph.Nodes {
				for _, a := range m.Graph.Nodes[i].Attributes {
					if a.T != nil {
						checkTensor(t, a.T)
					}
				}
			}
		case ".pb":
			tensors++
			w, err := ReadTensor(path)
			switch {
			case errors.Is(err, ErrNotTensor):
				sequences++
				if !strings.Contains(path, "sequence") && !strings.Contains(path, "_opt") {
					t.Errorf("not the name of a case with sequences: %v", err)
				}
			case err != nil:
				t.Error(err)
			default:
				checkTensor(t, w)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if models == 0 || tensors == 0 {
		t.Fatalf("%d models and %d tensor files found", models, tensors)
	}
	t.Logf("%d models and %d tensor files decoded, %d files hold a sequence or optional", models, tensors-sequences, sequences)
}
