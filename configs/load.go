package configs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

// maxInherit bounds a chain of inheriting files.
const maxInherit = 8

// Load reads a configuration: a preset by name, or a file. Each of sets is a
// "section.key=value" that changes one key afterwards; the value is TOML, and
// a bare word counts as a string. A name that is a preset means the preset
// even if a file is called so; write ./name for the file.
//
// A file may say inherit = "PRESET" or name another file in its own folder or
// below; it then gives only what differs. Without inherit, keys that have no
// default are required. A file or the sets that name a dram.preset replace
// what earlier sources said about the keys it supplies; explicit keys of the
// same source win over it. A dram.standard replaces them too, and an earlier
// dram.preset. It names a file, whose text is taken over: in the folder of the
// file that says so or below; in a setting, from the working directory. A
// compression.mask and compression.trained name folders in the same way; their
// paths are taken over.
//
// Errors are of type strict.Faults and list everything that is wrong.
func Load(nameOrPath string, sets []string) (*Spec, error) {
	l := newLoader()
	if isPreset(nameOrPath) {
		l.preset(nameOrPath)
	} else {
		l.topFile(nameOrPath)
	}
	return l.finish(sets)
}

// With returns a copy of the Spec with some "section.key=value" settings
// changed, as Load does it.
func (s *Spec) With(sets ...string) (*Spec, error) {
	l := newLoader()
	l.parse(cmp.Or(s.Name, "configuration"), []byte(s.TOML()), nil)
	return l.finish(sets)
}

// Parse reads a configuration from its text, such as the one that a program
// carries. It stands alone: it may not inherit. Name is what faults call it.
func Parse(name, text string) (*Spec, error) {
	l := newLoader()
	if document, faults := strict.Parse(name, []byte(text)); faults == nil && document.Has("inherit") {
		l.fail(name, document.Line("inherit"), "inherit", "", "a configuration that a program carries stands alone")
	} else {
		l.parse(name, []byte(text), nil)
	}
	return l.finish(nil)
}

// origin is where the value of a key comes from.
type origin struct {
	file string
	line int
	rank int // later sources have higher ranks
}

// loader applies one source after the other to a Spec.
type loader struct {
	spec    Spec
	origins map[string]origin // by full key; absent means the default
	broken  map[string]bool   // keys whose value could not be taken over
	rank    int
	source  string // the outermost source, blamed for what is missing
	faults  strict.Faults
	ranks   []int // of faults, in step
	failed  bool  // some source could not be read: values are missing for no fault of their own
}

func newLoader() *loader {
	l := &loader{origins: map[string]origin{}, broken: map[string]bool{}}
	l.spec = defaults()
	return l
}

// report adds faults of the source being read.
func (l *loader) report(faults ...strict.Fault) {
	for _, fault := range faults {
		l.faults = append(l.faults, fault)
		l.ranks = append(l.ranks, l.rank)
		if fault.Key != "" {
			l.broken[fault.Key] = true
		}
	}
}

// fail reports a source that cannot be read at all.
func (l *loader) fail(file string, line int, key, nearest, format string, arguments ...any) {
	l.failed = true
	l.report(strict.Fault{File: file, Line: line, Key: key, Rule: fmt.Sprintf(format, arguments...), Nearest: nearest})
}

// preset applies an embedded preset.
func (l *loader) preset(name string) {
	l.parse("preset "+name, embedded("presets", name), nil)
	l.spec.Name = name
}

// topFile applies the file that the user named.
func (l *loader) topFile(path string) {
	l.source = cmp.Or(path, `""`)
	data, err := readFile(os.Open(path))
	if err != nil {
		nearest := strict.Nearest(path, embeddedNames("presets"))
		reason := reason(err)
		if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(path, `./\`) {
			reason = "is neither a preset nor a file; presets are " + strings.Join(embeddedNames("presets"), ", ")
			if slices.Contains(embeddedNames("memory"), path) {
				nearest, reason = "", "is a memory preset, no configuration; use it with dram.preset"
			}
		}
		l.fail(l.source, 0, "", nearest, "%s", reason)
		return
	}
	l.parse(path, data, []string{path})
}

// readFile reads a whole opened file of acceptable size.
func readFile(file *os.File, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, strict.MaxBytes+1))
}

// reason is the cause of a file error, without the path.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "no such file"
	}
	return fmt.Sprintf("cannot be read: %v", err)
}

// parse applies one file, after the one that it inherits from. The chain holds
// the files being read, this one last; presets have none.
func (l *loader) parse(file string, data []byte, chain []string) {
	document, faults := strict.Parse(file, data)
	if faults != nil {
		l.failed = true
		l.report(faults...)
		return
	}
	if base, ok := document.String("inherit"); ok {
		l.inherit(base, file, document.Line("inherit"), chain)
	} else if document.Has("inherit") {
		l.failed = true // of a wrong type, as decoding will say
	}
	l.rank++
	l.source = file
	l.spec.Name, l.spec.Description = strings.TrimSuffix(filepath.Base(file), ".toml"), ""
	l.memoryPreset(document, nil)
	l.replaceMemory(document)
	l.apply(document, nil)
	l.standard(document, nil, func(name string) ([]byte, error) {
		switch {
		case len(chain) == 0:
			return nil, errAlone
		case !filepath.IsLocal(name):
			return nil, errOutside
		}
		return readBelow(filepath.Dir(file), name)
	})
	if len(chain) > 0 {
		l.folders(document, nil, filepath.Dir(file))
	}
}

// inherit applies the source that a file inherits from.
func (l *loader) inherit(base, file string, line int, chain []string) {
	fault := func(nearest, format string, arguments ...any) {
		l.fail(file, line, "inherit", nearest, format, arguments...)
	}
	if isPreset(base) {
		l.preset(base)
		return
	}
	if !strings.Contains(base, "/") && !strings.HasSuffix(base, ".toml") || len(chain) == 0 {
		names := embeddedNames("presets")
		fault(strict.Nearest(base, names), "%q is no preset; there are %s", shorten(base), strings.Join(names, ", "))
		return
	}
	if !filepath.IsLocal(base) {
		fault("", "must be a preset or a relative path that stays in the folder of this file")
		return
	}
	path := filepath.Join(filepath.Dir(file), base)
	for _, earlier := range chain {
		if filepath.Clean(earlier) == path {
			fault("", "inherits from itself: %s", strings.Join(append(chain, path), " -> "))
			return
		}
	}
	if len(chain) >= maxInherit {
		fault("", "inherits through more than %d files", maxInherit)
		return
	}
	data, err := readBelow(filepath.Dir(file), base)
	if err != nil {
		fault("", "%q: %s", base, reason(err))
		return
	}
	l.parse(path, data, append(chain, path))
}

// readBelow reads a regular file that lies in a folder, symbolic links
// included.
func readBelow(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return readFile(root.Open(name))
}

// folderBelow checks that a folder lies in another, symbolic links included.
func folderBelow(folder, name string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return isFolder(root.Stat(name))
}

// isFolder judges what a name has been found to be.
func isFolder(info fs.FileInfo, err error) error {
	if err == nil && !info.IsDir() {
		err = errors.New("not a folder")
	}
	return err
}

// readRegular reads a regular file of any place.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return readFile(os.Open(name))
}

// document is the form of a file: a Spec and where it starts from.
type document struct {
	Inherit string `toml:"inherit"`
	Spec
}

// apply stores the keys of a document. All come from one place if given.
func (l *loader) apply(source *strict.Document, at *origin) {
	form := document{Spec: l.spec}
	faults := source.Decode(&form)
	l.spec = form.Spec
	l.replaceLists(source)
	for key := range source.Lines() {
		l.origins[key] = l.place(source, key, at)
		delete(l.broken, key)
	}
	if at != nil {
		for i := range faults {
			faults[i].Line = at.line
		}
	}
	l.report(faults...)
}

// replaceLists forgets where the elements of lists came from that a document
// gives anew; a list it empties is as one never given.
func (l *loader) replaceLists(source *strict.Document) {
	root := reflect.ValueOf(&l.spec).Elem()
	for i := range keys {
		key := &keys[i]
		if key.Type != tableList && key.Type != stringList || !source.Has(key.Path) {
			continue
		}
		maps.DeleteFunc(l.origins, func(given string, _ origin) bool { return strings.HasPrefix(given, key.Path+"[") })
		if field := root.FieldByIndex(key.index); field.Len() == 0 {
			field.SetZero()
		}
	}
}

// place is the origin of a key of a document.
func (l *loader) place(source *strict.Document, key string, at *origin) origin {
	if at != nil {
		return *at
	}
	return origin{l.source, source.Line(key), l.rank}
}

// finish applies the settings, validates, and returns the result.
func (l *loader) finish(sets []string) (*Spec, error) {
	l.rank++
	l.settings(sets)
	if l.spec.Name == "" {
		l.spec.Name = "configuration"
	}
	v := validator{spec: &l.spec, loader: l}
	v.run()
	if len(l.faults) == 0 {
		spec := l.spec
		return &spec, nil
	}
	order := make([]int, len(l.faults))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(l.ranks[a], l.ranks[b]), cmp.Compare(l.faults[a].Line, l.faults[b].Line))
	})
	sorted := make(strict.Faults, len(order))
	for i, from := range order {
		sorted[i] = l.faults[from]
	}
	return nil, sorted
}
