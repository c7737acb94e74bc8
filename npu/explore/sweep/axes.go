package sweep

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/search"
)

// axes reads the dimensions of the space.
func (l *loader) axes() {
	f, s := &l.form, &l.sweep
	if len(f.Axes) > maxAxes {
		l.fault("axis", "", "must have at most %d tables, not %d", maxAxes, len(f.Axes))
		return
	}
	seen := map[string]int{}
	for i := range f.Axes {
		prefix := fmt.Sprintf("axis[%d]", i)
		axis := l.axis(prefix, &f.Axes[i])
		for _, key := range axis.Keys {
			if first, ok := seen[key]; ok {
				l.fault(prefix, "", "%s is on axis %d already", key, first+1)
			}
			seen[key] = i
		}
		s.Axes = append(s.Axes, axis)
		s.Space = append(s.Space, search.Axis{Size: max(1, len(axis.Values)), Ordered: axis.Ordered})
	}
}

// axis reads one dimension.
func (l *loader) axis(prefix string, f *axisForm) Axis {
	var axis Axis
	keys, at := f.Keys, prefix+".keys"
	switch {
	case l.document.Has(prefix+".key") && l.document.Has(at):
		l.fault(at, "", "key and keys exclude each other")
	case l.document.Has(prefix + ".key"):
		keys, at = []string{f.Key}, prefix+".key"
	case len(keys) == 0:
		l.fault(prefix, "", "has no key, or keys that move together")
	}
	if len(keys) > 64 {
		l.fault(at, "", "must be at most 64 keys, not %d", len(keys))
		keys = nil
	}
	valid := len(keys) > 0
	for i, name := range keys {
		key, nearest, rule := findKey(name)
		if rule != "" {
			place := at
			if at == prefix+".keys" {
				place = fmt.Sprintf("%s[%d]", at, i)
			}
			l.fault(place, nearest, "%s", rule)
			valid = false
			continue
		}
		axis.Keys, axis.keys = append(axis.Keys, name), append(axis.keys, *key)
	}
	axis.Name = cmp.Or(f.Name, strings.Join(keys, "+"))
	l.label(prefix+".name", axis.Name)
	rows, ok := l.rows(prefix, f, max(1, len(keys)))
	if !valid || !ok {
		axis.Keys, axis.keys = nil, nil
		return axis
	}
	for i, row := range rows {
		place := prefix + "." + row.form
		if row.form == "values" {
			place = fmt.Sprintf("%s[%d]", place, i)
		}
		var values []expression.Value
		for k := range axis.keys {
			value, nearest, rule := axis.keys[k].convert(row.values[k])
			if rule != "" {
				l.fault(place, nearest, "%s %s", axis.keys[k].path, rule)
				break
			}
			values = append(values, value)
		}
		if len(values) < len(axis.keys) {
			continue
		}
		if j := slices.IndexFunc(axis.Values, func(other []expression.Value) bool { return slices.Equal(other, values) }); j >= 0 {
			l.fault(place, "", "stands twice on the axis")
			continue
		}
		axis.Values = append(axis.Values, values)
	}
	axis.Ordered = isOrdered(axis.Values)
	return axis
}

// isOrdered tells whether some number grows and none falls along the axis.
func isOrdered(values [][]expression.Value) bool {
	grows := false
	for i := 1; i < len(values); i++ {
		for k, v := range values[i] {
			before := values[i-1][k]
			if v.Kind == expression.Number && v.Number < before.Number || v.Kind == expression.Text && v != before {
				return false
			}
			grows = grows || v.Kind == expression.Number && v.Number > before.Number
		}
	}
	return grows
}

// valueRow is one value of an axis, of each of its keys.
type valueRow struct {
	form   string // key of the file that it comes from
	values []any
}

// rows lists the values of an axis of some keys.
func (l *loader) rows(prefix string, f *axisForm, keys int) ([]valueRow, bool) {
	var given []string
	for _, form := range []string{"values", "range", "powers_of_two"} {
		if l.document.Has(prefix + "." + form) {
			given = append(given, form)
		}
	}
	if len(given) != 1 {
		l.fault(prefix, "", "must have one of values, range (with step) and powers_of_two")
		return nil, false
	}
	form := prefix + "." + given[0]
	if l.broken(form) {
		return nil, false
	}
	if given[0] != "range" && l.document.Has(prefix+".step") {
		l.fault(prefix+".step", "", "goes with range")
	}
	var rows []valueRow
	same := func(value any) {
		row := valueRow{form: given[0]}
		for range keys {
			row.values = append(row.values, value)
		}
		rows = append(rows, row)
	}
	switch given[0] {
	case "values":
		for i, value := range f.Values {
			list, ok := value.([]any)
			switch {
			case !ok:
				same(value)
			case len(list) != keys:
				l.fault(fmt.Sprintf("%s[%d]", form, i), "", "must be a value for each of the %d keys, not %d", keys, len(list))
				return nil, false
			default:
				rows = append(rows, valueRow{given[0], list})
			}
		}
	case "range":
		step := f.Step
		if !l.document.Has(prefix + ".step") {
			step = 1
		}
		if len(f.Range) != 2 || !(f.Range[0] <= f.Range[1]) || math.IsInf(f.Range[1]-f.Range[0], 0) {
			l.fault(form, "", "must be two numbers, the first not above the second")
			return nil, false
		}
		if !(step > 0) || (f.Range[1]-f.Range[0])/step >= maxValues {
			l.fault(prefix+".step", "", "must be above 0 and leave at most %d values", maxValues)
			return nil, false
		}
		// Rounded to 12 digits, so that 0.1 after 0.7 is 0.8; the end is meant to be reached.
		for i := 0; ; i++ {
			value := round(f.Range[0] + float64(i)*step)
			if value > f.Range[1]+step*1e-9 {
				break
			}
			same(value)
		}
	case "powers_of_two":
		p := f.PowersOfTwo
		if len(p) != 2 || p[0] < 1 || p[0] > p[1] || p[0]&(p[0]-1) != 0 || p[1]&(p[1]-1) != 0 {
			l.fault(form, "", "must be two powers of two, the first not above the second")
			return nil, false
		}
		for value := p[0]; value > 0 && value <= p[1]; value *= 2 {
			same(int64(value))
		}
	}
	if len(rows) == 0 || len(rows) > maxValues {
		l.fault(form, "", "must have 1 to %d values, not %d", maxValues, len(rows))
		return nil, false
	}
	return rows, true
}

// round cuts off what adding steps adds in the last digits.
func round(x float64) float64 {
	if x == 0 {
		return 0
	}
	scale := math.Pow(10, 11-math.Floor(math.Log10(math.Abs(x))))
	if y := math.Round(x*scale) / scale; !math.IsInf(y, 0) && !math.IsNaN(y) {
		return y
	}
	return x
}

// layerKey is the form of a key in rules for layers.
var layerKey = regexp.MustCompile(`^(quantization|compression)\.layer\[(.+)\]\.([a-z0-9_]+)$`)

// findKey looks up the configuration key that a name means; rule says why
// there is none.
func findKey(name string) (key *axisKey, nearest, rule string) {
	found := axisKey{path: name}
	documented := name
	if parts := layerKey.FindStringSubmatch(name); parts != nil {
		found.list, found.match, found.name = parts[1]+".layer", parts[2], parts[3]
		documented = found.list + "[]." + found.name
		if _, err := path.Match(found.match, ""); err != nil || strings.ContainsFunc(found.match, isControl) {
			return nil, "", fmt.Sprintf("%q is no pattern of layer names", shorten(found.match))
		}
	}
	keys := configs.Keys()
	i := slices.IndexFunc(keys, func(k configs.Key) bool { return k.Path == documented })
	switch {
	case i < 0:
		var names []string
		for _, k := range keys {
			last, inRule := strings.CutPrefix(k.Path, found.list+"[].")
			switch {
			case found.list != "" && inRule && last != "match":
				names = append(names, found.list+"["+found.match+"]."+last)
			case found.list == "" && k.Scope != configs.LabelScope && !strings.Contains(k.Path, "[]"):
				names = append(names, k.Path)
			}
		}
		return nil, nearestKey(name, names), fmt.Sprintf("%q is no key of a configuration", shorten(name))
	case keys[i].Scope == configs.LabelScope:
		return nil, "", fmt.Sprintf("%s is a label; it changes no result", name)
	case found.list == "" && strings.Contains(name, "[]") || keys[i].Type == "table list":
		return nil, "", fmt.Sprintf("%s is a list of tables; an axis moves one key of a rule, such as quantization.layer[conv*].weight_bits", name)
	case found.name == "match":
		return nil, "", "an axis cannot move the pattern of a rule"
	}
	found.settle(&keys[i])
	return &found, "", ""
}

// nearestKey finds the key that was meant, by its whole path or, where the
// section is missing or wrong, by its last name.
func nearestKey(name string, keys []string) string {
	if nearest := strict.Nearest(name, keys); nearest != "" {
		return nearest
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, key := range keys {
		if key[strings.LastIndexByte(key, '.')+1:] == last {
			return key
		}
	}
	return ""
}

// settle takes over the type of a documented key.
func (k *axisKey) settle(key *configs.Key) {
	switch key.Type {
	case "integer":
		k.kind, k.whole = expression.Number, true
	case "number":
		k.kind = expression.Number
	case "boolean":
		k.kind = expression.Truth
	case "string", "string list":
		k.kind, k.text = expression.Text, true
	default:
		k.kind = expression.Text
	}
	k.documented = key
}

// convert makes a value of the file one of the key; rule says what is wrong
// with it.
func (k *axisKey) convert(value any) (v expression.Value, nearest, rule string) {
	switch x := value.(type) {
	case int64:
		v = expression.NumberOf(float64(x))
	case float64:
		v = expression.NumberOf(x)
	case bool:
		v = expression.TruthOf(x)
	case string:
		v = expression.TextOf(x)
	}
	documented := k.documented
	switch {
	case v.Kind != k.kind:
		return v, "", fmt.Sprintf("takes %s", k.kind)
	case v.Kind == expression.Number && k.whole && v.Number != math.Trunc(v.Number):
		return v, "", fmt.Sprintf("takes whole numbers, not %g", v.Number)
	case v.Kind == expression.Number && !(v.Number >= documented.Min && v.Number <= documented.Max):
		return v, "", fmt.Sprintf("must be %g to %g, not %g", documented.Min, documented.Max, v.Number)
	case v.Kind == expression.Text && strings.ContainsFunc(v.Text, isControl):
		return v, "", "takes a text of one line"
	case v.Kind == expression.Text && !k.text:
		var names []string
		for i, part := range strings.Split(documented.Type, `"`) {
			if i%2 == 1 { // between quotes
				names = append(names, part)
			}
		}
		if !slices.Contains(names, v.Text) {
			return v, strict.Nearest(v.Text, names), fmt.Sprintf("must be %s, not %q", strings.Join(names, ", "), shorten(v.Text))
		}
	}
	return v, "", ""
}
