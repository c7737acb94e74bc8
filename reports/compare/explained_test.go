package compare

import (
	"reflect"
	"testing"

	"github.com/npusim/npusim/reports/explain"
)

// TestEveryKeyIsExplained, of the JSON form.
func TestEveryKeyIsExplained(t *testing.T) {
	for _, fault := range explain.Faults(reflect.TypeFor[jsonForm](), formKeys) {
		t.Error(fault)
	}
	if n := len(Explained().Entries); n != len(formKeys) {
		t.Errorf("%d keys are explained, the table has %d", n, len(formKeys))
	}
}
