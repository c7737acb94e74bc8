package evaluate

import (
	"fmt"
	"strings"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
)

// lookupNote says how the LUT-GEMM unit is modelled.
const lookupNote = "Binary codes: tables of few pixels are built once, stay while all output channels query them, and the next ones are built meanwhile. " +
	"Otherwise the LUT-GEMM unit builds the tables of each tile as it goes, the next while it queries those that it has; the first ones of each tile are waited for. " +
	"Patches of convolutions are lowered on the fly at the width of the activation port. Tables are memory of their own, lut_gemm.tables of them twice. " +
	"Of tilings that it estimates about as fast, the compiler takes the one that builds the fewest tables, so that more tables, lanes or ports may cost some percent."

// codeNotes are what a reader must know of layers with binary codes, and of
// those that were to have them.
func (j *job) codeNotes() []string {
	var notes []string
	if len(j.program.Code[isa.LookupGEMM]) > 0 {
		notes = append(notes, fmt.Sprintf("%s Those of this machine take %d bytes.", lookupNote, j.spec.LUTGEMM.TableBufferBytes()))
	}
	if pruned := j.prunedCodes(); len(pruned) > 0 {
		notes = append(notes, fmt.Sprintf("Pruning and binary codes do not go together: no sum of signs is zero, so the weights pruned before are coded like all others, and it saves nothing in %s.", strings.Join(pruned, ", ")))
	}
	notes = append(notes, j.uncoded...)
	if c := j.compilation; c != nil && c.Report != nil {
		for i := range c.Report.Layers {
			if w := c.Report.Layers[i].Weights; w != nil && w.Uncoded != "" {
				notes = append(notes, uncodedNote(c.Report.Layers[i].Name, int(w.Bits), w.Uncoded))
			}
		}
	}
	return notes
}

// prunedCodes are the layers with binary codes that the configuration prunes.
func (j *job) prunedCodes() (names []string) {
	if j.compilation == nil || j.compilation.Quantized == nil {
		return nil
	}
	for i := range j.compilation.Quantized.Nodes {
		n := &j.compilation.Quantized.Nodes[i]
		c := &j.spec.Compression
		if n.Kind == integer.Convolution && n.Convolution.Codes != nil && (c.For(n.Name).Sparsity > 0 || c.Mask != "") {
			names = append(names, n.Name)
		}
	}
	return names
}

func uncodedNote(layer string, bits int, reason string) string {
	return fmt.Sprintf("Layer %s has integer weights of %d bits on the MAC array instead of binary codes: %s.", layer, bits, reason)
}

// uncodedShapes gives layer shapes integer weights that are to have them where
// those are faster, and notes each layer without the codes that it was to have.
func uncodedShapes(g *integer.Graph, spec *configs.Spec) []string {
	var notes []string
	target := lower.NewTarget(spec)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		rule := spec.Quantization.ForLayer(n.Name)
		if rule.Weights != configs.BinaryCoding {
			continue
		}
		if n.Convolution.Codes == nil {
			notes = append(notes, uncodedNote(n.Name, rule.WeightBits, "it has groups, or too many inputs an output, for which the LUT-GEMM unit has no form"))
			continue
		}
		if spec.LUTGEMM.Use != configs.FasterLookup {
			continue
		}
		dense, a := *n, *n.Convolution
		a.Codes, a.WeightBits = nil, uint8(rule.WeightBits)
		dense.Convolution = &a
		if array, lookup := lower.CompareLookup(g, &dense, target, n.Convolution.Codes.Shape.Ranges, spec.Quantization.Group); array <= lookup {
			*n = dense
			notes = append(notes, uncodedNote(n.Name, rule.WeightBits, fmt.Sprintf("about %d cycles on the MAC array, %d on the LUT-GEMM unit", array, lookup)))
		}
	}
	return notes
}
