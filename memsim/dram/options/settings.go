package options

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/memsim/dram"
)

// setting is a text "key=value" taken apart.
type setting struct {
	source string // for messages
	key    *Key
	value  string
}

// apply changes the values by settings and returns the names of their keys. A
// change of scheduling comes first: it brings the usual values of the keys
// that belong to the new one.
func (v *values) apply(sets []string) (chosen []string, faults strict.Faults) {
	var list []setting
	for _, text := range sets {
		s, fault := parse(text)
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		list = append(list, s)
		chosen = append(chosen, s.key.Name)
	}
	set := func(s setting) {
		if err := s.key.set(v, s.value); err != nil {
			fault := strict.Fault{File: s.source, Rule: err.Error()}
			var value *strict.ValueError
			if errors.As(err, &value) {
				fault.Rule, fault.Nearest = value.Rule, value.Nearest
			}
			faults = append(faults, fault)
		}
	}
	before := v.controller.Scheduling
	for _, s := range list {
		if s.key.Name == "scheduling" {
			set(s)
		}
	}
	if v.controller.Scheduling != before {
		v.adopt(v.controller.Scheduling)
	}
	for _, s := range list {
		if only := s.key.Only; only != 0 && only != v.controller.Scheduling {
			faults = append(faults, strict.Fault{File: s.source, Rule: fmt.Sprintf("belongs to scheduling=%s, the memory has %s", schedulings[only], schedulings[v.controller.Scheduling])})
		} else if s.key.Name != "scheduling" {
			set(s)
		}
	}
	if faults == nil {
		faults = v.relations(chosen)
	}
	return chosen, faults
}

// relations finds what single keys cannot tell.
func (v *values) relations(chosen []string) (faults strict.Faults) {
	c := &v.controller
	timed := slices.Contains(chosen, "row_timeout_clocks")
	switch {
	case c.RowPolicy == dram.TimeoutRow && c.Scheduling != dram.FirstReady:
		faults = append(faults, strict.Fault{File: "--set row_policy=timeout", Rule: "needs scheduling=first-ready"})
	case c.RowPolicy == dram.TimeoutRow && c.RowTimeout == 0:
		faults = append(faults, strict.Fault{File: "--set row_policy=timeout", Rule: "needs row_timeout_clocks=N too"})
	case c.RowPolicy != dram.TimeoutRow && timed:
		faults = append(faults, strict.Fault{File: "--set row_timeout_clocks", Rule: "acts with row_policy=timeout only"})
	}
	if c.Scheduling == dram.FirstReady && c.WriteLow > c.WriteHigh {
		faults = append(faults, strict.Fault{File: "--set write_low, write_high", Rule: fmt.Sprintf("low must not exceed high, but %g > %g", c.WriteLow, c.WriteHigh)})
	}
	return faults
}

// adopt takes the usual values of the keys that belong to a scheduling.
func (v *values) adopt(s dram.Scheduling) {
	reference := referenceOf(s)
	for i := range keys {
		if k := &keys[i]; k.Only == s && k.Name != "row_timeout_clocks" {
			if err := k.set(v, k.text(&reference)); err != nil {
				panic(fmt.Sprintf("options: %s: %v", k.Name, err)) // the table contradicts the controllers
			}
		}
	}
}

// parse takes a setting apart and finds its key.
func parse(text string) (setting, *strict.Fault) {
	source := "--set " + shorten(text)
	name, value, found := strings.Cut(text, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !found || name == "" {
		return setting{}, &strict.Fault{File: source, Rule: "must have the form key=value"}
	}
	all := make([]string, len(keys))
	for i := range keys {
		all[i] = keys[i].Name
		if name == all[i] {
			return setting{source, &keys[i], value}, nil
		}
	}
	fault := &strict.Fault{File: source, Rule: strict.UnknownKey, Nearest: strict.Nearest(name, all)}
	if fault.Nearest == "" {
		fault.Rule += "; see npusim dram --keys. Timings and organization belong to a standard: give --dram a .toml file"
	}
	return setting{}, fault
}

// shorten keeps a message on one line of sensible length.
func shorten(text string) string {
	const most = 60
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}

// set reads a value of the key.
func (k *Key) set(v *values, text string) error {
	switch p := k.field(v).(type) {
	case *int:
		n, err := k.integer(text)
		if err == nil {
			*p = int(n)
		}
		return err
	case *dram.Clock:
		n, err := k.integer(text)
		if err == nil {
			*p = dram.Clock(n)
		}
		return err
	case *float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x >= k.Min && x <= k.Max) { // NaN fails as well
			return fmt.Errorf("must be a number from %s to %s", number(k.Min), number(k.Max))
		}
		*p = x
	case *string:
		if text == "" {
			return errors.New("must not be empty")
		}
		*p = text
	case *bool:
		i, err := k.choice(text)
		if err == nil {
			*p = i == 1
		}
		return err
	case *dram.Scheduling:
		i, err := k.choice(text)
		if err == nil {
			*p = dram.Scheduling(i + 1)
		}
		return err
	case *dram.RowPolicy:
		i, err := k.choice(text)
		if err == nil {
			*p = dram.RowPolicy(i + 1)
		}
		return err
	case *dram.Refresh:
		i, err := k.choice(text)
		if err == nil {
			*p = dram.Refresh(i + 1)
		}
		return err
	default:
		panic("options: key " + k.Name + " has a type that cannot be set")
	}
	return nil
}

// integer reads a whole number within the bounds of the key.
func (k *Key) integer(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < int64(k.Min) || n > int64(k.Max) {
		return 0, fmt.Errorf("must be a whole number from %s to %s", number(k.Min), number(k.Max))
	}
	if k.Name == "channels" && n&(n-1) != 0 {
		return 0, errors.New("must be a power of two")
	}
	return n, nil
}

// choice finds the position of a name among those of the key.
func (k *Key) choice(text string) (int, error) {
	all := k.Choices()
	if i := slices.Index(all, text); i >= 0 {
		return i, nil
	}
	return 0, &strict.ValueError{Rule: "must be one of " + strings.Join(all, ", "), Nearest: strict.Nearest(text, all)}
}
