package explore

import (
	"fmt"
	"os"
	"time"

	"github.com/npusim/npusim/npu/evaluate"
)

// stamps tell whether files are still those that were hashed, by size and time
// of the last change.
type stamps []stamp

type stamp struct {
	path     string
	size     int64
	modified time.Time
}

// stampOf is the stamp of a file; one that cannot be looked at has size -1.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{path: path, size: -1}
	}
	return stamp{path, info.Size(), info.ModTime()}
}

func (s *stamps) add(paths ...string) {
	for _, path := range paths {
		*s = append(*s, stampOf(path))
	}
}

// check returns an error that names a file which has changed.
func (s stamps) check() error {
	for i := range s {
		if now := stampOf(s[i].path); now.size != s[i].size || !now.modified.Equal(s[i].modified) {
			return fmt.Errorf("%s has changed since the exploration began; the same command goes on with the file as it is now", s[i].path)
		}
	}
	return nil
}

// check tells whether files that a point has read are still those that its
// results will be recorded for.
func (ids *identities) check(model int, reuse *evaluate.Reuse) error {
	made := func(stages ...evaluate.Stage) bool {
		for _, stage := range stages {
			if reuse.Origins[stage] == evaluate.Made {
				return true
			}
		}
		return false
	}
	if made(evaluate.CalibrationStage, evaluate.AccuracyStage) {
		if err := ids.models[model].files.check(); err != nil {
			return err
		}
	}
	if !made(evaluate.CalibrationStage, evaluate.QuantizationStage, evaluate.CodeStage, evaluate.ProgramStage, evaluate.AccuracyStage) {
		return nil
	}
	ids.mutex.Lock()
	defer ids.mutex.Unlock()
	return ids.stamped.check()
}
