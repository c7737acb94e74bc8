package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
)

// defaultConfig is the configuration of a model that is given none.
const defaultConfig = "edge"

// specification holds the flags that choose a configuration.
type specification struct {
	config string
	sets   []string
}

func (s *specification) register(cmd *cobra.Command, otherwise string) {
	cmd.Flags().StringVarP(&s.config, "config", "c", "", "configuration: preset, TOML or SCALE-Sim .cfg `file` (default: "+otherwise+")")
	cmd.Flags().StringArrayVarP(&s.sets, "set", "s", nil, "change one `key=value` of the configuration; may be repeated")
	complete(cmd, "config", presetNames)
	complete(cmd, "set", settings)
}

// load reads the configuration for a model. It is nil for a program that runs
// with the configuration it was compiled with.
func (s *specification) load(model string) (*configs.Spec, error) {
	config := s.config
	if strings.EqualFold(filepath.Ext(model), ".npu") && config == "" {
		if len(s.sets) == 0 {
			return nil, nil
		}
		return s.change(model)
	}
	if config == "" {
		config = defaultConfig
	}
	spec, err := shapes.Load(config, s.sets)
	return spec, usage(err)
}

// change applies the settings to the configuration that a program carries.
func (s *specification) change(program string) (*configs.Spec, error) {
	p, err := isa.ReadFile(program)
	if err != nil {
		return nil, usage(err)
	}
	spec, err := configs.Parse(program+" (its configuration)", p.Config)
	if err != nil {
		return nil, usage(err)
	}
	spec, err = spec.With(s.sets...)
	return spec, usage(err)
}
