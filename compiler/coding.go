package compiler

import (
	"context"
	"fmt"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/quantize"
	"github.com/npusim/npusim/configs"
)

// prepareCodes gathers what binary coding needs from the network with integer
// weights: the moments that weigh its errors, and which layers are faster as
// they are.
func prepareCodes(ctx context.Context, c *Compilation, coding *quantize.Coding) error {
	spec := c.Options.Spec
	g, _, err := quantize.Quantize(c.Pruned, c.Calibration, quantize.Dense(&spec.Quantization))
	if err != nil {
		return err
	}
	found, err := inputMoments(ctx, c, g)
	if err != nil {
		return err
	}
	coding.Moments = make(map[string]quantize.Moments, len(found))
	for name, m := range found { // each on its own
		coding.Moments[name] = quantize.Moments(m)
	}
	if spec.LUTGEMM.Use == configs.AlwaysLookup {
		return nil
	}
	target := lower.NewTarget(spec)
	coding.Dense = map[string]string{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind != integer.Convolution || n.Convolution.Groups > 1 {
			continue
		}
		array, lookup := lower.CompareLookup(g, n, target, spec.Quantization.ForLayer(n.Name).Planes, spec.Quantization.Group)
		if array <= lookup {
			coding.Dense[n.Name] = fmt.Sprintf("about %d cycles on the MAC array, %d on the LUT-GEMM unit", array, lookup)
		}
	}
	return nil
}
