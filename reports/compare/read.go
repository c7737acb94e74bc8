package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
	"github.com/npusim/npusim/reports/explain"
)

// summaryFile is the file of a report directory that holds the whole result.
const summaryFile = "summary.json"

// essential are the keys without which there is nothing to compare.
var essential = []string{"model.name", "model.macs", "config.name", "config.machine_hash", "config.config_hash",
	"timing.cycles", "dram.read_bytes", "dram.write_bytes", "energy_uj.total", "layers[].name", "layers[].cycles"}

// Read reads a report directory or the file of a summary. The report has no
// label. Errors name file and key.
func Read(path string, suggest Suggest) (*Report, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, summaryFile)
	}
	var present map[string]bool
	result, err := reports.ReadSummary(path, func(data []byte) (err error) {
		present, err = inspect(data, suggest)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Report{Path: path, Result: result, present: present}, nil
}

// inspect goes through a summary that is valid JSON of the right types and
// refuses what decoding lets pass: unknown and repeated keys, null for a value,
// and keys that are there in some elements of a list only. It returns the keys
// that the summary has. A key that stands nowhere is one that the version that
// wrote the summary did not know.
func inspect(data []byte, suggest Suggest) (present map[string]bool, err error) {
	in := inspector{decoder: json.NewDecoder(bytes.NewReader(data)), suggest: suggest, seen: map[string]int{}, forms: map[reflect.Type]*form{}}
	in.decoder.UseNumber()
	if err := in.value(reflect.TypeFor[evaluate.Result](), ""); err != nil {
		return nil, err
	}
	present = make(map[string]bool, len(in.seen))
	for _, f := range explain.Fields(reflect.TypeFor[evaluate.Result]()) {
		n := in.seen[f.Path]
		present[f.Path] = n > 0
		every := !f.Optional && !strings.HasSuffix(f.Path, explain.AnyName) // object has it, or none
		if parent := parentOf(f.Path); every && n > 0 && parent != "" && n < in.seen[parent+objects] {
			return nil, fmt.Errorf("key %q is missing in %d of %d places", f.Path, in.seen[parent+objects]-n, in.seen[parent+objects])
		}
	}
	for _, key := range essential {
		if !present[key] {
			return nil, fmt.Errorf("key %q is missing: without it there is nothing to compare", key)
		}
	}
	return present, nil
}

// objects marks the count of the objects that a key stands for.
const objects = "{}"

// parentOf is the path of the object that a key stands in.
func parentOf(path string) string {
	if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
		return path[:dot]
	}
	return ""
}

// form is the keys of a struct.
type form struct {
	names  []string
	fields map[string]reflect.Type
}

type inspector struct {
	decoder *json.Decoder
	suggest Suggest
	place   []string       // names on the way to the value, with indexes
	seen    map[string]int // by path of the type: keys, and objects
	forms   map[reflect.Type]*form
}

// at is the place of the value as a key.
func (in *inspector) at() string { return strings.TrimPrefix(strings.Join(in.place, ""), ".") }

func (in *inspector) form(t reflect.Type) *form {
	f := in.forms[t]
	if f == nil {
		f = &form{fields: map[string]reflect.Type{}}
		for i := range t.NumField() {
			if name, _, ok := explain.JSONName(t.Field(i)); ok {
				f.names = append(f.names, name)
				f.fields[name] = explain.Plain(t.Field(i).Type)
			}
		}
		in.forms[t] = f
	}
	return f
}

// value reads one value of a type.
func (in *inspector) value(t reflect.Type, path string) error {
	token, err := in.decoder.Token()
	if err != nil {
		return err
	}
	if token == nil && t.Kind() != reflect.Map && t.Kind() != reflect.Slice { // those are null where they are empty
		return fmt.Errorf("key %q is null: keys that do not apply are left out", in.at())
	}
	switch token {
	case json.Delim('['):
		for i := 0; in.decoder.More(); i++ {
			in.place = append(in.place, "["+strconv.Itoa(i)+"]")
			if err := in.value(explain.Plain(t.Elem()), path+"[]"); err != nil {
				return err
			}
			in.place = in.place[:len(in.place)-1]
		}
	case json.Delim('{'):
		in.seen[path+objects]++
		if err := in.object(t, path); err != nil {
			return err
		}
	default:
		return nil
	}
	_, err = in.decoder.Token() // the end
	return err
}

// object reads the members of an object.
func (in *inspector) object(t reflect.Type, path string) error {
	given := map[string]bool{}
	for in.decoder.More() {
		token, err := in.decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		in.place = append(in.place, "."+name)
		if given[name] {
			return fmt.Errorf("key %q stands there twice", in.at())
		}
		given[name] = true
		below, member := path+"."+name, reflect.Type(nil)
		if t.Kind() == reflect.Map {
			below, member = path+"."+explain.AnyName, explain.Plain(t.Elem())
		} else {
			f := in.form(t)
			if member = f.fields[name]; member == nil {
				return fmt.Errorf("unknown key %q%s", in.at(), hint(in.suggest(name, f.names)))
			}
		}
		below = strings.TrimPrefix(below, ".")
		in.seen[below]++
		if err := in.value(member, below); err != nil {
			return err
		}
		in.place = in.place[:len(in.place)-1]
	}
	return nil
}

// hint is the end of a message that suggests a name, if there is one.
func hint(nearest string) string {
	if nearest == "" {
		return ""
	}
	return "; did you mean " + nearest + "?"
}
