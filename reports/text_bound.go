package reports

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
)

// bound says in words where most cycles go, with the layer that shows it best.
func (t *textWriter) bound(r *evaluate.Result) {
	name, sentences := boundSentences(r)
	if len(sentences) == 0 {
		return
	}
	t.section("Bound by: " + name)
	for _, sentence := range sentences {
		t.paragraph("", sentence)
	}
}

// boundSentences returns the name of the bound of most cycles and the evidence;
// nothing for a result without cycles.
func boundSentences(r *evaluate.Result) (name string, sentences []string) {
	sums := map[string]int64{}
	var total int64
	for i := range r.Layers {
		for bound, cycles := range cyclesByBound(&r.Layers[i]) { // sums do not depend on the order
			sums[bound] += cycles
			total += cycles
		}
	}
	if total <= 0 {
		return "", nil
	}
	names := keys(boundKeys(), sums)
	best := names[0]
	for _, name := range names {
		if sums[name] > sums[best] {
			best = name
		}
	}
	worst := 0
	for i := range r.Layers {
		if cyclesByBound(&r.Layers[i])[best] > cyclesByBound(&r.Layers[worst])[best] {
			worst = i
		}
	}
	l := &r.Layers[worst]
	evidence := fmt.Sprintf("%s of its %s cycles", Count(cyclesByBound(l)[best]), Count(l.Cycles))
	switch best {
	case "dram":
		evidence += fmt.Sprintf(", %s moved", Bytes(l.DRAMReadBytes+l.DRAMWriteBytes))
	case "mac", "pipeline":
		evidence += fmt.Sprintf(", %s MACs, array %s %% used", Count(l.MACs), decimal(100*l.Utilization, 1))
	}
	name, phrase, cause := boundName(best), boundPhrase(best), ""
	switch best {
	case "pipeline":
		if cause = pipelineCause(r); !onArray(l) {
			name, cause = "LUT-GEMM unit", ""
			phrase = "with the MAC array or the LUT-GEMM unit filling, building tables or waiting for a scratchpad port"
		}
	case "dram":
		if cause = decodingCause(r, sums[best]); cause != "" {
			name = DecodeWaits.String()
		}
	}
	sentences = []string{fmt.Sprintf("%s spends %s %% of its cycles %s%s; the largest such layer is %s (%s): %s.",
		r.Model.Name, percent(float64(sums[best]), float64(total)), phrase, cause, l.Name, shortOperator(l.Op), evidence)}

	rest := ""
	for _, name := range names {
		if name == best || sums[name] == 0 {
			continue
		}
		if rest != "" {
			rest += ", "
		}
		rest += fmt.Sprintf("%s %s %%", boundName(name), percent(float64(sums[name]), float64(total)))
	}
	if rest != "" {
		sentences = append(sentences, "The other cycles: "+rest+".")
	}
	if r.Model.MACs > 0 {
		sentences = append(sentences, fmt.Sprintf("Over all cycles the array does %s %% of the MACs it could.", decimal(100*r.Timing.MACUtilization, 1)))
	}
	return name, sentences
}

// pipelineCause says what the array mostly does when it only fills, drains or
// waits for a scratchpad port, by its own cycles.
func pipelineCause(r *evaluate.Result) string {
	s, ok := r.Stalls["mac"]
	switch {
	case !ok || s.Fill+s.Drain+s.Bank == 0:
		return ""
	case s.Bank > s.Fill+s.Drain:
		return ", mostly waiting for a port (too few bytes a cycle?)"
	}
	array := "the array"
	if rows, columns, ok := arrayShape(r.Config.TOML); ok {
		array = fmt.Sprintf("a %dx%d array", rows, columns)
	}
	return ", mostly filling and draining (tiles too small for " + array + "?)"
}

// decodingCause says so where most of the waits for DRAM are for codes that
// have arrived and are being decoded.
func decodingCause(r *evaluate.Result, waits int64) string {
	m := machineOf(r)
	decoding := int64(0)
	for i := range r.Layers {
		decoding += lossesOf(&r.Layers[i], &m)[DecodeWaits]
	}
	if 2*decoding <= waits {
		return ""
	}
	return ", mostly while coded weights are decoded"
}

// arrayShape finds rows and columns of the MAC array in a configuration in its
// canonical form.
func arrayShape(toml string) (rows, columns int, ok bool) {
	rows, _ = strconv.Atoi(setting(toml, "mac_array", "rows"))
	columns, _ = strconv.Atoi(setting(toml, "mac_array", "columns"))
	return rows, columns, rows > 0 && columns > 0
}

// setting finds the value of a key in a configuration in its canonical form:
// one key a line, sections without quotes. It is empty where there is none.
func setting(toml, section, key string) string {
	in := ""
	for line := range strings.Lines(toml) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			in = line
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		if in == "["+section+"]" && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
