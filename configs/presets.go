package configs

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

//go:embed presets/*.toml memory/*.toml
var embeddedFiles embed.FS

// embeddedNames lists the presets of a folder, sorted.
func embeddedNames(folder string) []string {
	entries, err := embeddedFiles.ReadDir(folder)
	if err != nil {
		panic("configs: " + err.Error())
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".toml"))
	}
	slices.Sort(names)
	return names
}

// embedded returns the text of an embedded preset that is known to exist.
func embedded(folder, name string) []byte {
	data, err := embeddedFiles.ReadFile(folder + "/" + name + ".toml")
	if err != nil {
		panic("configs: " + err.Error())
	}
	return data
}

// Preset is an embedded configuration.
type Preset struct {
	Name        string // as Load and inherit know it
	Description string // one line for people
}

// Presets lists the embedded configurations, sorted by name.
func Presets() []Preset {
	var presets []Preset
	for _, name := range embeddedNames("presets") {
		document, faults := strict.Parse("preset "+name, embedded("presets", name))
		if faults != nil {
			panic(fmt.Sprintf("configs: embedded preset: %v", faults))
		}
		description, _ := document.String("description")
		presets = append(presets, Preset{name, description})
	}
	return presets
}

// PresetSource returns the text of an embedded configuration with the sources
// of its values as comments, and whether there is one of that name.
func PresetSource(name string) (string, bool) {
	if !isPreset(name) {
		return "", false
	}
	return string(embedded("presets", name)), true
}

func isPreset(name string) bool { return slices.Contains(embeddedNames("presets"), name) }
