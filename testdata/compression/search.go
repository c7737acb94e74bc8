package main

// Sparsities are multiples of 1/steps: steps of 0.05.
const steps = 20

func sparsity(step int) float64 { return float64(step) / steps }

// stepFor09 is the sparsity for the record, 0.9.
const stepFor09 = 18

// cost is what a sparsity costs, in the unit of a limit.
type cost func(step int) (float64, error)

// highest finds the highest sparsity that costs at most the limit, in few
// evaluations: bisection on a subset of the samples, as if the cost only grew,
// then all samples, downwards until a sparsity holds and upwards until two in a
// row do not. The cost of step 0 is 0.
func highest(limit float64, few, all cost) (int, error) {
	found, high := 0, steps
	for high-found > 1 {
		middle := (found + high) / 2
		c, err := few(middle)
		if err != nil {
			return 0, err
		}
		if c <= limit {
			found = middle
		} else {
			high = middle
		}
	}
	for ; found > 0; found-- {
		c, err := all(found)
		if err != nil {
			return 0, err
		}
		if c <= limit {
			break
		}
	}
	for next := found + 1; next <= found+2 && next < steps; next++ {
		c, err := all(next)
		if err != nil {
			return 0, err
		}
		if c <= limit {
			found = next
		}
	}
	return found, nil
}
