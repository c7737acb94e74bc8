package sweep

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs"
)

const shipped = "../../../configs/sweeps"

// TestShippedSweeps: every sweep of the repository is in order, given a network
// and data where it names none, and none is taken for a preset.
func TestShippedSweeps(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shipped, "*.toml"))
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(filepath.Join(shipped, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var overrides Overrides
		if base := filepath.Base(file); base == "resnet20.toml" || base == "mobilenetv1.toml" {
			overrides = Overrides{Model: "../../../testdata/glyphs/glyphs.onnx", Data: "../../../testdata/glyphs/glyphs.toml"}
		}
		s, err := Load(file, overrides)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		if s.Name != name || !strings.Contains(string(text), "`"+name+".toml`") {
			t.Errorf("%s is called %s, or not listed in README.md", file, s.Name)
		}
		if slices.ContainsFunc(configs.Presets(), func(p configs.Preset) bool { return p.Name == name }) {
			t.Errorf("%s is a preset", name)
		}
		if name == "glyphs" && (len(s.Axes) < 4 || s.SpacePoints < 500) {
			t.Errorf("%s has %d axes and %d points", name, len(s.Axes), s.SpacePoints)
		}
	}
}

// TestReferenceIsComplete: README.md beside the sweeps names every key.
func TestReferenceIsComplete(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(shipped, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var visit func(kind reflect.Type)
	visit = func(kind reflect.Type) {
		for i := range kind.NumField() {
			field := kind.Field(i)
			key := field.Tag.Get("toml")
			if !strings.Contains(string(text), "`"+key+"`") && !strings.Contains(string(text), "[["+key+"]]") && !strings.Contains(string(text), "."+key+"]]") {
				t.Errorf("key %s is not explained", key)
			}
			inner := field.Type
			if inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				visit(inner)
			}
		}
	}
	visit(reflect.TypeFor[form]())
}
