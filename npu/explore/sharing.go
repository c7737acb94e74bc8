package explore

import (
	"fmt"

	"github.com/npusim/npusim/npu/evaluate"
)

// sharing counts what evaluations had in common.
type sharing struct {
	evaluations  int
	stored       int // evaluations found in the store, of other sweeps or points
	made, shared [evaluate.NumStages]int
}

func (s *sharing) add(r evaluate.Reuse) {
	s.evaluations++
	for stage, origin := range r.Origins {
		switch origin {
		case evaluate.Made:
			s.made[stage]++
		case evaluate.Shared:
			s.shared[stage]++
		}
	}
}

// lines says what was done how often, a stage a line; nothing if nothing was
// evaluated.
func (s *sharing) lines() []string {
	if s.evaluations == 0 && s.stored == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("evaluated %d times, with the network imported once", s.evaluations)}
	if s.stored > 0 {
		lines = append(lines, fmt.Sprintf("figures of %d evaluations taken from the store", s.stored))
	}
	for stage := evaluate.CalibrationStage; int(stage) < evaluate.NumStages; stage++ {
		if s.made[stage]+s.shared[stage] > 0 {
			lines = append(lines, fmt.Sprintf("%s: made %d times, shared %d times", stage, s.made[stage], s.shared[stage]))
		}
	}
	return lines
}
