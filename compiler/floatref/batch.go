package floatref

import (
	"sync"
	"sync/atomic"
)

// RunBatch calls run for samples 0 to samples-1 from that many workers (at
// least one), each with a state of its own that run may use. Which worker gets
// which sample is not defined, so run must store results by sample. The error
// is that of the lowest failing sample; after a failure samples that have not
// started are skipped.
func (e *Executor) RunBatch(samples, workers int, run func(state *State, sample int) error) error {
	workers = max(1, min(workers, samples))
	errs := make([]error, max(samples, 0))
	var next atomic.Int64
	var failed atomic.Bool
	work := func() {
		state := e.NewState()
		for !failed.Load() {
			sample := int(next.Add(1)) - 1
			if sample >= samples {
				return
			}
			if errs[sample] = run(state, sample); errs[sample] != nil {
				failed.Store(true)
			}
		}
	}
	var group sync.WaitGroup
	for range workers - 1 {
		group.Go(work)
	}
	work()
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
