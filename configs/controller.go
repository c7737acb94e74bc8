package configs

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of the settings of a memory controller, which has some twenty keys.
const (
	maxControllerSettings = 64
	maxControllerSetting  = 200 // bytes
)

// controllerKey is the form of the name of a setting.
var controllerKey = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// controller checks the form of the settings of the memory controller; the
// memory model knows their names and values.
func (v *validator) controller() {
	const key = "dram.controller"
	if v.broken(key) {
		return
	}
	if n := len(v.spec.DRAM.Controller); n > maxControllerSettings {
		v.refuse(key, "must be at most %d settings, not %d", maxControllerSettings, n)
		return
	}
	for i, text := range v.spec.DRAM.Controller {
		element := fmt.Sprintf("%s[%d]", key, i)
		if v.broken(element) {
			continue
		}
		if wrong := controllerSetting(text); wrong != "" {
			v.refuse(element, "%s", wrong)
		}
	}
}

// controllerSetting says what is wrong with the form of one setting.
func controllerSetting(text string) string {
	if len(text) > maxControllerSetting || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Sprintf("must be one line of at most %d bytes", maxControllerSetting)
	}
	name, value, found := strings.Cut(text, "=")
	if !found || !controllerKey.MatchString(strings.TrimSpace(name)) || strings.TrimSpace(value) == "" {
		return fmt.Sprintf("%q must have the form key=value; npusim dram --keys lists the keys", shorten(text))
	}
	return ""
}
