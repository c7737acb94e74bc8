package shapes

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
)

// Preset is the configuration that a SCALE-Sim file changes.
const Preset = "scalesim-32x32"

// IsConfig tells whether a path names a SCALE-Sim configuration.
func IsConfig(path string) bool { return strings.EqualFold(filepath.Ext(path), ".cfg") }

// Load reads a configuration: a SCALE-Sim file by its ending .cfg, else what
// configs.Load knows. The sets change it afterwards.
func Load(nameOrPath string, sets []string) (*configs.Spec, error) {
	if !IsConfig(nameOrPath) {
		return configs.Load(nameOrPath, sets)
	}
	preset, own, err := ConfigSettings(nameOrPath)
	if err != nil {
		return nil, err
	}
	return configs.Load(preset, append(own, sets...))
}

// ConfigSettings turns a SCALE-Sim .cfg file into a preset and settings for
// configs.Load. Errors in the file are of type *Error. Taken over are:
//
//   - ArrayHeight and ArrayWidth, with scratchpad ports as wide as they ask for
//   - IfmapSramSzkB, FilterSramSzkB and OfmapSramSzkB as the activation, weight
//     and accumulator buffers; results share the activation buffer, partial
//     sums have 4 bytes
//   - Dataflow ws or os
//   - InterfaceBandwidth USER: Bandwidth words of a byte a cycle for each of
//     SCALE-Sim's three interfaces, so a memory of three times that; CALC:
//     what the edges of the array can move
//   - run_name
//
// Offsets, queue sizes and banks have no counterpart. Sparsity and custom
// layouts are refused if they are switched on.
func ConfigSettings(path string) (preset string, sets []string, err error) {
	data, err := readFile(path)
	if err != nil {
		return "", nil, err
	}
	sets, err = parseConfig(path, data)
	return Preset, sets, err
}

// option is a key of the file.
type option struct {
	section, name string // lower case
	target        string // key of our configuration, for whole numbers
	required      bool
}

// options are the keys that are read. Names compare without case, as they do
// in SCALE-Sim.
var options = []option{
	{section: "general", name: "run_name"},
	{"architecture_presets", "arrayheight", "mac_array.rows", true},
	{"architecture_presets", "arraywidth", "mac_array.columns", true},
	{"architecture_presets", "ifmapsramszkb", "npu.activation_buffer_kib", true},
	{"architecture_presets", "filtersramszkb", "npu.weight_buffer_kib", true},
	{"architecture_presets", "ofmapsramszkb", "npu.accumulator_buffer_kib", true},
	{section: "architecture_presets", name: "dataflow", required: true},
	{section: "architecture_presets", name: "bandwidth"},
	{section: "run_presets", name: "interfacebandwidth"},
	{section: "sparsity", name: "sparsitysupport"},
	{section: "layout", name: "ifmapcustomlayout"},
	{section: "layout", name: "filtercustomlayout"},
}

// olderNames are how earlier versions of SCALE-Sim call a key.
var olderNames = map[string]string{"ifmapsramsz": "ifmapsramszkb", "filtersramsz": "filtersramszkb", "ofmapsramsz": "ofmapsramszkb"}

// unusedPresets are keys beside the options that do not change what is
// modelled here; an unknown key of that section is a fault.
var unusedPresets = []string{"ifmapoffset", "filteroffset", "ofmapoffset", "readrequestbuffer", "writerequestbuffer", "memorybanks"}

// entry is a value of the file.
type entry struct {
	value string
	line  int
	name  string // as written
}

// ini holds the entries of the options, by section and name.
type ini struct {
	file    string
	entries map[[2]string]entry
}

func (c *ini) fail(e entry, format string, arguments ...any) error {
	return &Error{File: c.file, Line: e.line, Field: e.name, Rule: fmt.Sprintf(format, arguments...)}
}

func parseConfig(file string, data []byte) ([]string, error) {
	c, err := readINI(file, data)
	if err != nil {
		return nil, err
	}
	for _, o := range options {
		if _, ok := c.entries[[2]string{o.section, o.name}]; o.required && !ok {
			return nil, &Error{File: file, Rule: fmt.Sprintf("%s is missing in section [%s]", o.name, o.section)}
		}
	}
	var sets []string
	numbers := map[string]int{}
	for _, o := range options {
		if o.target == "" {
			continue
		}
		n, err := c.number(c.entries[[2]string{o.section, o.name}], o.target)
		if err != nil {
			return nil, err
		}
		numbers[o.target] = n
		sets = append(sets, fmt.Sprintf("%s=%d", o.target, n))
	}
	rows, columns := numbers["mac_array.rows"], numbers["mac_array.columns"]
	sets = append(sets,
		fmt.Sprintf("npu.activation_bytes_per_cycle=%d", max(rows, columns)),
		fmt.Sprintf("npu.weight_bytes_per_cycle=%d", columns),
		fmt.Sprintf("npu.accumulator_bytes_per_cycle=%d", 4*columns),
		fmt.Sprintf("npu.channel_block=%d", (columns+7)/8*8))
	for _, step := range []func() (string, error){
		c.dataflow,
		func() (string, error) { return c.bandwidth(rows, columns) },
		c.name,
		c.description,
	} {
		set, err := step()
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, c.switches()
}

// readINI reads sections and keys as Python's configparser does, without
// continued lines.
func readINI(file string, data []byte) (*ini, error) {
	c := &ini{file, map[[2]string]entry{}}
	text := bytes.TrimPrefix(data, []byte("\ufeff"))
	section := ""
	for line := 1; len(text) > 0; line++ {
		var raw []byte
		raw, text, _ = bytes.Cut(text, []byte("\n"))
		s := strings.TrimSpace(string(raw))
		fail := func(format string, arguments ...any) (*ini, error) {
			return nil, &Error{File: file, Line: line, Rule: fmt.Sprintf(format, arguments...)}
		}
		if s == "" || s[0] == '#' || s[0] == ';' {
			continue
		}
		if s[0] == '[' {
			if s[len(s)-1] != ']' || len(s) < 3 {
				return fail("%q is no [section]", shorten(s))
			}
			section = strings.ToLower(s[1 : len(s)-1])
			continue
		}
		at := strings.IndexAny(s, ":=")
		if at < 0 {
			return fail("%q is neither a [section] nor a line \"key = value\"", shorten(s))
		}
		name := strings.TrimSpace(s[:at])
		key := strings.ToLower(name)
		if section == "architecture_presets" && olderNames[key] != "" {
			key = olderNames[key]
		}
		e := entry{strings.TrimSpace(s[at+1:]), line, shorten(name)}
		if !slices.ContainsFunc(options, func(o option) bool { return o.section == section && o.name == key }) {
			if section == "architecture_presets" && !slices.Contains(unusedPresets, key) {
				return nil, c.fail(e, "unknown key of section [architecture_presets]%s", hint(key))
			}
			continue
		}
		if earlier, twice := c.entries[[2]string{section, key}]; twice {
			return nil, c.fail(e, "stands twice, first in line %d", earlier.line)
		}
		c.entries[[2]string{section, key}] = e
	}
	return c, nil
}

func hint(key string) string {
	var names []string
	for _, o := range options {
		if o.section == "architecture_presets" {
			names = append(names, o.name)
		}
	}
	if nearest := strict.Nearest(key, names); nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	return ""
}

// number reads a whole number within the bounds of our key.
func (c *ini) number(e entry, target string) (int, error) {
	for _, key := range configs.Keys() {
		if key.Path != target {
			continue
		}
		n, err := strconv.Atoi(e.value)
		if err != nil || float64(n) < key.Min || float64(n) > key.Max {
			return 0, c.fail(e, "must be a whole number from %.0f to %.0f, not %q", key.Min, key.Max, shorten(e.value))
		}
		return n, nil
	}
	return 0, fmt.Errorf("configuration key %s does not exist", target)
}

func (c *ini) dataflow() (string, error) {
	e := c.entries[[2]string{"architecture_presets", "dataflow"}]
	switch strings.ToLower(e.value) {
	case "ws":
		return "mac_array.dataflow=weight-stationary", nil
	case "os":
		return "mac_array.dataflow=output-stationary", nil
	case "is":
		return "", c.fail(e, "the input-stationary dataflow is not supported; supported: ws (weight-stationary), os (output-stationary)")
	}
	return "", c.fail(e, "%q is no dataflow; supported: ws (weight-stationary), os (output-stationary)", shorten(e.value))
}

// interfaces is how many interfaces of equal bandwidth SCALE-Sim gives an
// array: for inputs, filters and outputs.
const interfaces = 3

func (c *ini) bandwidth(rows, columns int) (string, error) {
	words := rows + 2*columns // a cycle, through the edges of the array
	mode, given := c.entries[[2]string{"run_presets", "interfacebandwidth"}]
	e, has := c.entries[[2]string{"architecture_presets", "bandwidth"}]
	switch {
	case given && strings.EqualFold(mode.value, "calc"):
	case given && !strings.EqualFold(mode.value, "user"):
		return "", c.fail(mode, "must be CALC or USER, not %q", shorten(mode.value))
	case given && !has:
		return "", c.fail(mode, "USER needs bandwidth in section [architecture_presets]")
	case has:
		first, _, _ := strings.Cut(e.value, ",") // SCALE-Sim uses the first of a list for all
		n, err := strconv.Atoi(strings.TrimSpace(first))
		if err != nil || n < 1 || n > 10000 {
			return "", c.fail(e, "must be a whole number of words a cycle from 1 to 10000, not %q", shorten(e.value))
		}
		words = interfaces * n
	}
	return fmt.Sprintf("dram.bandwidth_gb_per_s=%d", words), nil // a word is a byte, the clock 1 GHz
}

// name is the name of the run, or of the file.
func (c *ini) name() (string, error) {
	e, ok := c.entries[[2]string{"general", "run_name"}]
	if !ok || e.value == "" {
		e = entry{value: strings.TrimSuffix(filepath.Base(c.file), filepath.Ext(c.file))}
	}
	value := strings.Trim(e.value, `"'`)
	if rule := nameRule(value); rule != "" {
		return "", c.fail(e, "%s", rule)
	}
	return "name=" + strconv.Quote(value), nil
}

func (c *ini) description() (string, error) {
	return `description="SCALE-Sim configuration on the memory and energy figures of ` + Preset + `"`, nil
}

// switches refuses what is switched on but not modelled.
func (c *ini) switches() error {
	for _, s := range []struct{ section, name, what string }{
		{"sparsity", "sparsitysupport", "sparse weights"},
		{"layout", "ifmapcustomlayout", "custom scratchpad layouts"},
		{"layout", "filtercustomlayout", "custom scratchpad layouts"},
	} {
		if e, ok := c.entries[[2]string{s.section, s.name}]; ok && !strings.EqualFold(e.value, "false") {
			return c.fail(e, "%s are not modelled; set it to False", s.what)
		}
	}
	return nil
}
