package lower

import "github.com/npusim/npusim/compiler/integer"

// Estimates are what the search expects of each step of a network, for
// comparison with the timing engine.
func Estimates(g *integer.Graph, target *Target, options Options) (cycles, bytes []int64, err error) {
	l := &lowering{graph: g, target: target, options: options}
	if l.steps, err = fuse(g); err != nil {
		return nil, nil, err
	}
	l.lifetimes()
	if err := l.plan(); err != nil {
		return nil, nil, err
	}
	for _, c := range l.choices {
		cycles = append(cycles, c.estimate.cycles)
		bytes = append(bytes, c.estimate.bytes)
	}
	return cycles, bytes, nil
}
