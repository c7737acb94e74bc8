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

// laterKeys are keys and sections of the file format that belong to units this
// version does not have.
var laterKeys = []struct{ path, what string }{
	{"lut_gemm", "the LUT-GEMM unit"},
}

// reserved rewords the fault of an unknown key that a later version will know.
func reserved(fault strict.Fault) strict.Fault {
	if fault.Rule != strict.UnknownKey && fault.Rule != strict.UnknownSection {
		return fault
	}
	for _, later := range laterKeys {
		if fault.Key == later.path || strings.HasPrefix(fault.Key, later.path+".") {
			fault.Rule += fmt.Sprintf(": reserved for %s, which this version does not have", later.what)
			fault.Nearest = ""
		}
	}
	return fault
}
