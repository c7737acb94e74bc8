package sweep

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
)

// saved is what restores a sweep without any of the files it names.
type saved struct {
	Path   string  `json:"path"`
	Source string  `json:"source"` // text of the file
	Base   string  `json:"base"`   // text of the base configuration
	Models []Model `json:"models"`
}

// Save is the sweep as JSON for Restore.
func (s *Sweep) Save() ([]byte, error) {
	return json.Marshal(saved{s.Path, s.Source, s.Base.TOML(), s.Models})
}

// Restore makes a sweep again from what Save gave. Its base configuration and
// models are those of then, whatever has become of the files.
func Restore(data []byte) (*Sweep, error) {
	var from saved
	if err := json.Unmarshal(data, &from); err != nil {
		return nil, fmt.Errorf("saved sweep: %w", err)
	}
	if len(from.Models) == 0 {
		return nil, errors.New("saved sweep: it has no model")
	}
	base, err := configs.Parse("saved base configuration", from.Base)
	if err != nil {
		return nil, err
	}
	l := &loader{path: from.Path, folder: filepath.Dir(from.Path), form: defaultForm(), restored: true}
	var faults strict.Faults
	if l.document, faults = strict.Parse(from.Path, []byte(from.Source)); faults != nil {
		return nil, faults
	}
	l.sweep.Base, l.sweep.Models = base, from.Models
	return l.load(from.Source)
}
