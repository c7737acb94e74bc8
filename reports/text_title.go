package reports

import (
	"fmt"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
)

// title names network, machine and program.
func (t *textWriter) title(r *evaluate.Result) {
	heading := fmt.Sprintf("%s on %s", r.Model.Name, r.Config.Name)
	if len(r.Config.Changes) > 0 {
		heading += ", changed: " + strings.Join(r.Config.Changes, ", ")
	}
	for i, line := range Wrap(printable(heading), textColumns) {
		if i > 0 {
			line = indent + line
		}
		t.b.WriteString(t.style.heading(line) + "\n")
	}
	program := fmt.Sprintf("%s instructions (%s with loops unrolled), code %s, constants %s",
		Count(r.Program.Instructions), Count(r.Program.DynamicInstructions), Bytes(r.Program.CodeBytes), Bytes(r.Program.WeightBytes))
	facts := []fact{
		{"Model", fmt.Sprintf("%s parameters, %s MACs an inference", Count(r.Model.Parameters), Count(r.Model.MACs)), ""},
		{"Program", program, ""},
	}
	if r.Program.WeightBitsPerWeight > 0 {
		facts = append(facts, fact{"Weights", fmt.Sprintf("%s bits each, parameters and tables included", decimal(r.Program.WeightBitsPerWeight, 2)), ""})
	}
	if hashes := shortHashes(r); hashes != "" {
		facts = append(facts, fact{"Hashes", hashes + " (first 12 digits)", ""})
	}
	t.facts(facts)
}

// shortHashes tells what was run by the first digits of the hashes; the whole
// ones are in the JSON form.
func shortHashes(r *evaluate.Result) string {
	const digits = 12 // as title says
	var list []string
	for _, h := range []struct{ of, hash string }{
		{"model file", r.Model.SHA256}, {"machine", r.Config.MachineHash}, {"configuration", r.Config.ConfigHash},
	} {
		if h.hash == "" {
			continue
		}
		if len(h.hash) > digits {
			h.hash = h.hash[:digits]
		}
		list = append(list, h.of+" "+h.hash)
	}
	return strings.Join(list, ", ")
}

// changedKeys is the number of keys that the run changed in the configuration.
func changedKeys(c *evaluate.Config) int {
	seen := map[string]bool{}
	for _, setting := range c.Changes {
		key, _, _ := strings.Cut(setting, "=")
		seen[strings.TrimSpace(key)] = true
	}
	return len(seen)
}
