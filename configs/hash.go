package configs

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
)

// hashForm names the text that hashes are taken of; it changes when that text
// would mean something else.
const hashForm = "npusim configuration 1\n"

// MachineHash identifies what a compiled program depends on: units,
// scratchpads, alignment, array and layout. Clock, bandwidths, latencies,
// memory and energy are left out, so a program can be timed again on others.
// Quantization is left out too: it is settled inside the program.
func (s *Spec) MachineHash() [32]byte { return s.hash(MachineScope) }

// ConfigHash identifies everything that can change a result. Only the labels
// (name, description) are left out.
func (s *Spec) ConfigHash() [32]byte { return s.hash(RunScope) }

func (s *Spec) hash(scope Scope) [32]byte {
	var text strings.Builder
	text.WriteString(hashForm)
	value := reflect.ValueOf(s).Elem()
	for i := range keys {
		key := &keys[i]
		if key.Scope < scope || key.inRow() || key.Type == tableList {
			continue
		}
		fmt.Fprintf(&text, "%s = %s\n", key.Path, formatValue(value.FieldByIndex(key.index)))
	}
	if scope == RunScope {
		for _, list := range lists {
			for i, row := range s.rows(list.path) {
				forEachGiven(list.path, row, func(key *Key, value reflect.Value) {
					fmt.Fprintf(&text, "%d %s = %s\n", i, key.Path, formatValue(value))
				})
			}
		}
	}
	return sha256.Sum256([]byte(text.String()))
}
