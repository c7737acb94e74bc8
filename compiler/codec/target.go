package codec

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/npusim/npusim/isa/xorcode"
)

// Target is a bit plane to encode: the decoded plane must equal Bits wherever
// Care is set. Both have the same length.
type Target struct {
	Bits, Care xorcode.Plane
}

// checkTargets checks that there are planes and that they are of one length.
func checkTargets(targets []Target) error {
	if len(targets) < 1 || len(targets) > xorcode.MaxPlanes {
		return fmt.Errorf("%d bit planes: must be 1..%d", len(targets), xorcode.MaxPlanes)
	}
	weights := targets[0].Bits.Len()
	for i, t := range targets {
		if t.Bits.Len() != weights || t.Care.Len() != weights {
			return fmt.Errorf("plane %d has %d bits and %d care flags, plane 0 has %d bits", i, t.Bits.Len(), t.Care.Len(), weights)
		}
	}
	if weights > xorcode.MaxWeights {
		return fmt.Errorf("%d weights: at most %d", weights, xorcode.MaxWeights)
	}
	return nil
}

// CareBits is the number of care bits of all planes: no lossless code for
// random bits can be shorter.
func CareBits(targets []Target) int {
	care := 0
	for _, t := range targets {
		care += t.Care.Count()
	}
	return care
}

// Efficiency is the share of care bits that the network gives without patch or
// correction, 0..1; it is 1 if there are no care bits.
func Efficiency(careBits, errors int) float64 {
	if careBits == 0 {
		return 1
	}
	return 1 - float64(errors)/float64(careBits)
}

// Verify checks that a decoded plane gives every care bit of the target.
func Verify(target Target, decoded xorcode.Plane) error {
	if decoded.Len() != target.Bits.Len() {
		return fmt.Errorf("%d bits decoded, the plane has %d", decoded.Len(), target.Bits.Len())
	}
	for i, care := range target.Care.Words {
		if wrong := (decoded.Words[i] ^ target.Bits.Words[i]) & care; wrong != 0 {
			return fmt.Errorf("care bit %d does not decode", 64*i+bits.TrailingZeros64(wrong))
		}
	}
	return nil
}

// errNoNetwork is what encoders say to a missing network.
var errNoNetwork = errors.New("no network")

// workersOf is the number of goroutines for a number of tasks; 0 wanted means
// as many as there are processors.
func workersOf(wanted, tasks int) int {
	if wanted <= 0 {
		wanted = runtime.GOMAXPROCS(0)
	}
	return max(1, min(wanted, tasks))
}

// inParallel calls task for 0..tasks-1 on several goroutines, each with state
// of its own from start.
func inParallel[S any](workers, tasks int, start func() S, task func(state S, i int)) {
	workers = workersOf(workers, tasks)
	if workers == 1 {
		state := start()
		for i := range tasks {
			task(state, i)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			state := start()
			for i := int(next.Add(1)) - 1; i < tasks; i = int(next.Add(1)) - 1 {
				task(state, i)
			}
		})
	}
	group.Wait()
}
