package sweep

import (
	"fmt"
	"slices"

	"github.com/npusim/npusim/configs/strict"
)

// form is the file.
type form struct {
	Name        string           `toml:"name"`
	Description string           `toml:"description"`
	Config      string           `toml:"config"`
	Set         []string         `toml:"set"`
	Model       string           `toml:"model"`
	Data        string           `toml:"data"`
	Samples     int              `toml:"samples"`
	Models      []modelForm      `toml:"models"`
	TimingOnly  bool             `toml:"timing_only"`
	Seed        int              `toml:"seed"`
	Strategy    Strategy         `toml:"strategy"`
	Objectives  []string         `toml:"objectives"`
	Axes        []axisForm       `toml:"axis"`
	Constraints []constraintForm `toml:"constraint"`
	Budget      budgetForm       `toml:"budget"`
	NSGA2       nsga2Form        `toml:"nsga2"`
	Halving     halvingForm      `toml:"halving"`
}

// modelForm is one of several networks.
type modelForm struct {
	Name    string `toml:"name"`
	File    string `toml:"file"`
	Data    string `toml:"data"`
	Samples int    `toml:"samples"`
}

// axisForm is a dimension: keys and the values they take.
type axisForm struct {
	Name        string    `toml:"name"`
	Key         string    `toml:"key"`
	Keys        []string  `toml:"keys"`
	Values      []any     `toml:"values"`
	Range       []float64 `toml:"range"`
	Step        float64   `toml:"step"`
	PowersOfTwo []int     `toml:"powers_of_two"`
}

type constraintForm struct {
	Expression string `toml:"expression"`
}

type budgetForm struct {
	Points  int     `toml:"points"`
	Minutes float64 `toml:"minutes"`
}

type nsga2Form struct {
	Population int `toml:"population"`
}

// halvingForm says how points are screened before they are evaluated in full.
type halvingForm struct {
	Keep  float64    `toml:"keep"`
	Rungs []rungForm `toml:"rung"`
}

type rungForm struct {
	Samples    int      `toml:"samples"`
	TimingOnly bool     `toml:"timing_only"`
	Set        []string `toml:"set"`
}

// Strategy is how the space is searched.
type Strategy uint8

// Strategies.
const (
	InvalidStrategy   Strategy = iota
	Grid                       // every point
	Random                     // a Sobol sequence of the seed
	NSGA2                      // evolution
	SuccessiveHalving          // cheap screening first
)

var strategyNames = [...]string{InvalidStrategy: "invalid", Grid: "grid", Random: "random", NSGA2: "nsga2", SuccessiveHalving: "successive-halving"}

func (s Strategy) String() string {
	if int(s) < len(strategyNames) {
		return strategyNames[s]
	}
	return fmt.Sprintf("Strategy(%d)", uint8(s))
}

// UnmarshalText reads the name of a strategy.
func (s *Strategy) UnmarshalText(text []byte) error {
	names := strategyNames[Grid:]
	i := slices.Index(names, string(text))
	if i < 0 {
		return &strict.ValueError{
			Rule:    "must be grid, random, nsga2 or successive-halving",
			Nearest: strict.Nearest(string(text), names),
		}
	}
	*s = Grid + Strategy(i)
	return nil
}
