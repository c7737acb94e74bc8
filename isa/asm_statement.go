package isa

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// statement carries out one line, given as its tokens.
func (a *assembler) statement(tokens []string) error {
	if !a.version {
		if tokens[0] != textHeader || len(tokens) != 2 {
			return fmt.Errorf("the text must start with %s %d.%d", textHeader, MajorVersion, MinorVersion)
		}
		a.version = true
		if major, _, _ := strings.Cut(tokens[1], "."); major != strconv.Itoa(MajorVersion) {
			return fmt.Errorf("version %s is not supported, this program reads version %d", tokens[1], MajorVersion)
		}
		return nil
	}
	if len(tokens) >= 2 && tokens[1] == "=" {
		return a.row(tokens[0], tokens[2:])
	}
	word, arguments := tokens[0], tokens[1:]
	for i := range directives {
		d := &directives[i]
		if d.name != word {
			continue
		}
		if d.once && a.seen[word] {
			return fmt.Errorf("%s stands twice", word)
		}
		a.seen[word] = true
		if d.arguments >= 0 && len(arguments) != d.arguments {
			return fmt.Errorf("%s takes %d arguments, not %d", word, d.arguments, len(arguments))
		}
		return d.run(a, arguments)
	}
	for op := range Instructions {
		if Instructions[op].Name == word && word != "" {
			return a.instruction(Opcode(op), arguments)
		}
	}
	return unknown("instruction or statement", word, statementNames())
}

// statementNames lists every word that may start a line.
func statementNames() []string {
	var names []string
	for op := range Instructions {
		if Instructions[op].Name != "" {
			names = append(names, Instructions[op].Name)
		}
	}
	for i := range directives {
		names = append(names, directives[i].name)
	}
	return names
}

// numbered reads a table row's name such as d12: a letter and the number of
// the row, which must be next.
func numbered(name, letter string, next int) error {
	if name != letter+strconv.Itoa(next) {
		return fmt.Errorf("row is called %q, the next one is %s%d", name, letter, next)
	}
	return nil
}

// row adds a row to one of the tables.
func (a *assembler) row(name string, tokens []string) error {
	if len(tokens) == 0 {
		return fmt.Errorf("%s = stands without a value", name)
	}
	kind, arguments := tokens[0], tokens[1:]
	switch kind {
	case "tensor":
		return a.tensor(name, arguments)
	case "network":
		return a.network(name, arguments)
	case "drawn_network":
		return a.drawnNetwork(name, arguments)
	case "layer":
		return a.layer(name, arguments)
	case "semaphore":
		return a.semaphore(name, arguments)
	}
	for k := range descriptorKindNames {
		if descriptorKindNames[k] == kind && DescriptorKind(k) != NoDescriptor {
			return a.descriptor(name, DescriptorKind(k), arguments)
		}
	}
	return unknown("kind of row", kind, append([]string{"tensor", "layer", "semaphore", "network", "drawn_network"}, descriptorKindNames[1:]...))
}

func (a *assembler) descriptor(name string, kind DescriptorKind, arguments []string) error {
	if err := numbered(name, "d", len(a.p.Descriptors)); err != nil {
		return err
	}
	value := reflect.New(records[kind].goType)
	if err := parseFields(records[kind].fields, value.Elem(), arguments); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	d := value.Interface().(Descriptor)
	if err := d.Validate(); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	a.p.Descriptors = append(a.p.Descriptors, d)
	return nil
}

// parseFields sets fields of a descriptor or view from name=value tokens.
// Fields left out are zero.
func parseFields(fields []field, to reflect.Value, tokens []string) error {
	seen := make([]bool, len(fields))
	for _, token := range tokens {
		name, text, err := cutField(token)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			names := make([]string, len(fields))
			for k := range fields {
				names[k] = fields[k].name
			}
			return unknown("field", name, names)
		}
		if seen[i] {
			return fmt.Errorf("field %s stands twice", name)
		}
		seen[i] = true
		f, v := &fields[i], to.FieldByIndex(fields[i].index)
		if f.count == 0 {
			err = parseValue(f, v, text)
		} else {
			err = parseArray(f, v, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func parseArray(f *field, to reflect.Value, text string) error {
	inner, err := bracketed(f.name, text, "[", "]")
	if err != nil {
		return err
	}
	values := strings.Fields(inner)
	if len(values) != f.count {
		return fmt.Errorf("%s takes %d values, not %d", f.name, f.count, len(values))
	}
	for k, value := range values {
		if err := parseValue(f, to.Index(k), value); err != nil {
			return err
		}
	}
	return nil
}

func parseValue(f *field, to reflect.Value, text string) error {
	switch {
	case f.enum != nil:
		i, err := find(f.name, text, f.enum)
		if err != nil {
			return err
		}
		to.SetUint(uint64(i))
	case f.wire == wireView:
		inner, err := bracketed(f.name, text, "{", "}")
		if err != nil {
			return err
		}
		if err := parseFields(f.view, to, strings.Fields(inner)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	case f.wire == wireBool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%s: %q must be true or false", f.name, text)
		}
		to.SetBool(text == "true")
	case to.CanInt():
		n, err := parseSigned(f.name, text, to.Type().Bits())
		if err != nil {
			return err
		}
		to.SetInt(n)
	default:
		n, err := parseUnsigned(f.name, text, to.Type().Bits())
		if err != nil {
			return err
		}
		to.SetUint(n)
	}
	return nil
}

// bracketed takes the brackets off a value.
func bracketed(name, text, open, close string) (string, error) {
	inner, opened := strings.CutPrefix(text, open)
	inner, closed := strings.CutSuffix(inner, close)
	if !opened || !closed {
		return "", fmt.Errorf("%s: %q must stand between %s and %s", name, text, open, close)
	}
	return inner, nil
}

func (a *assembler) openCode(arguments []string) error {
	u, err := parseUnit(arguments[0])
	if err != nil {
		return err
	}
	if key := "code " + arguments[0]; a.seen[key] {
		return fmt.Errorf("code of %s stands twice", u)
	} else {
		a.seen[key] = true
	}
	a.unit = u
	return nil
}

func parseUnit(name string) (Unit, error) {
	names := unitNames
	names[InvalidUnit] = ""
	i, err := find("unit", name, names[:])
	return Unit(i), err
}

func parseSpace(name string) (Space, error) {
	names := spaceNames
	names[InvalidSpace] = ""
	i, err := find("space", name, names[:])
	return Space(i), err
}

// index reads a reference such as d12.
func index(what, letter, text string) (uint32, error) {
	digits, found := strings.CutPrefix(text, letter)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !found || err != nil {
		return 0, fmt.Errorf("%s: %q must be the letter %s and a number", what, text, letter)
	}
	return uint32(n), nil
}

func (a *assembler) instruction(op Opcode, arguments []string) error {
	if a.unit == InvalidUnit {
		return fmt.Errorf("%s stands before the first code statement", op)
	}
	in := Instruction{Op: op}
	row := &Instructions[op]
	if row.HasCount || row.Descriptor != NoDescriptor {
		if len(arguments) == 0 {
			return fmt.Errorf("%s lacks its count or descriptor", op)
		}
		var err error
		switch first := arguments[0]; {
		case op == Wait || op == Signal:
			in.Count, err = index("semaphore", "s", first)
		case row.HasCount:
			var n uint64
			n, err = parseUnsigned("count", first, 32)
			in.Count = uint32(n)
		default:
			in.Descriptor, err = index("descriptor", "d", first)
		}
		if err != nil {
			return err
		}
		arguments = arguments[1:]
	}
	for _, token := range arguments {
		name, text, err := cutField(token)
		if err != nil {
			return err
		}
		k := slices.IndexFunc(row.Operands, func(o Operand) bool { return o.Name == name })
		if k < 0 {
			names := make([]string, len(row.Operands))
			for i := range row.Operands {
				names[i] = row.Operands[i].Name
			}
			return unknown("operand of "+row.Name, name, names)
		}
		if in.Operands[k].Space != InvalidSpace {
			return fmt.Errorf("operand %s stands twice", name)
		}
		if in.Operands[k], err = parseAddress(text); err != nil {
			return fmt.Errorf("operand %s: %w", name, err)
		}
	}
	if err := checkForm(a.unit, &in); err != nil {
		return err
	}
	a.p.Code[a.unit] = append(a.p.Code[a.unit], in)
	return nil
}

// parseAddress reads space[offset] or space[offset, inner step, outer step].
func parseAddress(text string) (Address, error) {
	var address Address
	name, inner, found := strings.Cut(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !found || !closed {
		return address, fmt.Errorf("%q is not of the form space[offset] or space[offset, inner, outer]", text)
	}
	var err error
	if address.Space, err = parseSpace(name); err != nil {
		return address, err
	}
	parts := strings.Split(inner, ",")
	if len(parts) != 1 && len(parts) != 3 {
		return address, fmt.Errorf("%q needs an offset, or an offset and two steps", text)
	}
	if address.Offset, err = parseUnsigned("offset", strings.TrimSpace(parts[0]), addressBits); err != nil {
		return address, err
	}
	for k, part := range parts[1:] {
		step, err := parseSigned("step", strings.TrimSpace(part), 32)
		if err != nil {
			return address, err
		}
		*[2]*int32{&address.InnerStep, &address.OuterStep}[k] = int32(step)
	}
	return address, nil
}

func parseHash(to *[32]byte, text string) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(to) {
		return fmt.Errorf("a hash is %d hexadecimal digits", 2*len(to))
	}
	copy(to[:], b)
	return nil
}

// unquote reads a text in double quotes.
func unquote(text string) (string, error) {
	if !strings.HasPrefix(text, `"`) {
		return "", fmt.Errorf("%q must stand in double quotes", text)
	}
	s, err := strconv.Unquote(text)
	if err != nil {
		return "", fmt.Errorf("%s is no quoted text", text)
	}
	return s, nil
}
