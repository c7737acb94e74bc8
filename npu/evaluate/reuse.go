package evaluate

import (
	"fmt"
	"strings"
)

// Origin is where the outcome of a stage came from.
type Origin uint8

// Origins.
const (
	NotNeeded Origin = iota // the point has no such stage
	Made                    // by this point
	Shared                  // made by another point of the session, before or at the same time
	originEnd
)

var originNames = [originEnd]string{NotNeeded: "not needed", Made: "made", Shared: "shared"}

func (o Origin) String() string { return originNames[o] }

// Stage is a part of the work on a point that others may share.
type Stage uint8

// Stages, in their order.
const (
	InvalidStage      Stage = iota
	CalibrationStage        // pruned network and ranges of activations
	QuantizationStage       // integer network
	CodeStage               // how weights are coded
	PlanStage               // candidate programs, for any memory
	ProgramStage            // the program with coded weights
	AccuracyStage           // execution of the samples
	stageEnd
)

// NumStages bounds tables indexed by Stage.
const NumStages = int(stageEnd)

var stageNames = [NumStages]string{CalibrationStage: "calibration", QuantizationStage: "quantization", CodeStage: "codes",
	PlanStage: "plans", ProgramStage: "program", AccuracyStage: "accuracy"}

func (s Stage) String() string { return stageNames[s] }

// Reuse says what of a point was shared with others of its session. Import and
// float outputs always are; timing never is.
type Reuse struct {
	Origins [NumStages]Origin // by Stage
	// ExecutedOn is the machine hash of the program that was executed for the
	// accuracy, in hexadecimal; empty if none was. With AccuracyStage shared, it
	// was another point's: the integer network is the same, and every program of
	// it gives the same tensors, but bit_exact was observed there, not here.
	ExecutedOn string
}

// String lists the stages that the point needed.
func (r Reuse) String() string {
	var parts []string
	for s := CalibrationStage; s < stageEnd; s++ {
		if o := r.Origins[s]; o != NotNeeded {
			parts = append(parts, fmt.Sprintf("%s %s", s, o))
		}
	}
	return strings.Join(parts, ", ")
}
