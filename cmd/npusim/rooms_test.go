// These tests hold the rules that the source tree as a whole keeps: which room
// may import which, how long a file may get, that every package says what it
// is.

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/npusim/npusim/"

// room is a folder with the folders that its packages may import. A package
// belongs to the longest path that holds it; imports within a room are free.
type room struct {
	path string
	may  []string
}

// rooms is the order of the house: data goes one way, from the compiler to the
// machine to its results.
var rooms = []room{
	{"configs", nil},
	{"isa", nil},
	{"compiler", []string{"isa", "configs", "npu/cost"}},
	{"memsim", []string{"configs"}},
	{"npu/cost", []string{"isa", "configs"}},
	{"npu", []string{"isa", "memsim", "configs", "npu/cost"}},
	{"npu/evaluate", []string{"isa", "memsim", "configs", "npu/cost", "npu", "compiler"}},
	{"npu/explore", []string{"isa", "memsim", "configs", "npu/cost", "npu", "compiler", "npu/evaluate"}},
	{"reports", []string{"npu", "memsim", "npu/evaluate", "npu/explore"}},
	{"cmd", []string{"isa", "memsim", "configs", "npu/cost", "npu", "compiler", "npu/evaluate", "npu/explore", "reports"}},
	{"testdata", []string{"isa", "memsim", "configs", "npu/cost", "npu", "compiler", "npu/evaluate", "npu/explore", "reports"}},
}

// roomOf finds the room of a package, by its path in the module.
func roomOf(pkg string) *room {
	var best *room
	for i := range rooms {
		r := &rooms[i]
		if (pkg == r.path || strings.HasPrefix(pkg, r.path+"/")) && (best == nil || len(r.path) > len(best.path)) {
			best = r
		}
	}
	return best
}

// source is a parsed Go file of the module.
type source struct {
	name  string // path in the module, with slashes
	pkg   string // folder
	file  *ast.File
	lines int
	test  bool // name ends in _test.go
	other bool // of a package x_test
	made  bool // generated
}

// sources parses every Go file of the module. Folders with a module of their
// own are not part of it.
func sources(t *testing.T) []source {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
	var list []source
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); name != "." && err == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		slashed := filepath.ToSlash(name)
		list = append(list, source{name: slashed, pkg: path.Dir(slashed), file: file, lines: strings.Count(string(text), "\n"),
			test: strings.HasSuffix(name, "_test.go"), other: strings.HasSuffix(file.Name.Name, "_test"), made: ast.IsGenerated(file)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 100 {
		t.Fatalf("only %d Go files found: the root of the module is not where it should be", len(list))
	}
	return list
}

// TestRooms: packages import only what their room may. Tests of an external
// package may import more.
func TestRooms(t *testing.T) {
	for _, s := range sources(t) {
		if s.other {
			continue
		}
		home := roomOf(s.pkg)
		if home == nil {
			t.Errorf("%s lies in no room: add its folder to the table, with what it may import", s.name)
			continue
		}
		for _, spec := range s.file.Imports {
			imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module)
			if !ours {
				continue
			}
			target := roomOf(imported)
			switch {
			case target == nil:
				t.Errorf("%s imports %s, which lies in no room", s.name, imported)
			case target != home && !slices.Contains(home.may, target.path):
				t.Errorf("%s imports %s: %s may import %s only", s.name, imported, home.path, strings.Join(append([]string{"itself"}, home.may...), ", "))
			}
		}
	}
}

// TestRoomsHaveNoCycle: the table itself goes one way.
func TestRoomsHaveNoCycle(t *testing.T) {
	reached := map[string]bool{}
	var visit func(name string, trail []string)
	visit = func(name string, trail []string) {
		if slices.Contains(trail, name) {
			t.Fatalf("rooms import each other: %s", strings.Join(append(trail, name), " -> "))
		}
		if reached[name] {
			return
		}
		for _, next := range roomOf(name).may {
			visit(next, append(trail, name))
		}
		reached[name] = true
	}
	for i := range rooms {
		visit(rooms[i].path, nil)
	}
}

// maxLines is the longest file that a reader has to take in.
const maxLines = 500

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > maxLines && !s.made {
			t.Errorf("%s has %d lines, the limit is %d: split it by ideas", s.name, s.lines, maxLines)
		}
	}
}

// TestEveryPackageHasAComment of its own, outside test files.
func TestEveryPackageHasAComment(t *testing.T) {
	documented, known := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		known[s.pkg] = true
		if s.file.Doc != nil && strings.TrimSpace(s.file.Doc.Text()) != "" {
			documented[s.pkg] = true
		}
	}
	var silent []string
	for pkg := range known {
		if !documented[pkg] {
			silent = append(silent, pkg)
		}
	}
	slices.Sort(silent)
	for _, pkg := range silent {
		t.Errorf("package %s has no package comment", pkg)
	}
}
