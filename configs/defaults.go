package configs

import (
	"fmt"
	"strings"
	"sync"

	"github.com/npusim/npusim/configs/strict"
)

// defaults is a Spec with every default of the key table; required keys are
// zero.
var defaults = sync.OnceValue(func() Spec {
	var text strings.Builder
	for i := range keys {
		key := &keys[i]
		if key.index == nil || key.inRow() || key.Required() || key.Type == tableList {
			continue
		}
		fmt.Fprintf(&text, "%s = %s\n", key.Path, key.Default)
	}
	var spec Spec
	if faults := strict.Decode("defaults", []byte(text.String()), &spec); faults != nil {
		panic(fmt.Sprintf("configs: key table: %v", faults))
	}
	spec.DRAM.Controller = nil // as where no file gives it
	return spec
})
