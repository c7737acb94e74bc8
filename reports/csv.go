package reports

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
)

// WriteLayersCSV writes one row a layer in the order of the network, with full
// names, whole counts and shares as fractions of 1. Cells that do not apply are
// empty. Cycles by bound have a column a bound, cycles_mac and so on.
func WriteLayersCSV(w io.Writer, r *evaluate.Result) error {
	splits := make([]map[string]int64, len(r.Layers))
	for i := range r.Layers {
		splits[i] = cyclesByBound(&r.Layers[i])
	}
	always := map[string]int64{}
	for _, key := range boundKeys() {
		if key != "lookup" { // of a unit that few machines have
			always[key] = 0
		}
	}
	boundColumns := keys(boundKeys(), append(splits, always)...)
	header := []string{"index", "name", "op", "bound", "cycles"}
	for _, bound := range boundColumns {
		header = append(header, "cycles_"+bound)
	}
	header = append(header, "macs", "utilization_fraction", "dram_read_bytes", "dram_write_bytes", "energy_uj", "weight_bits", "sqnr_db")
	records := [][]string{header}
	for i := range r.Layers {
		l := &r.Layers[i]
		record := []string{strconv.Itoa(i + 1), l.Name, l.Op, l.Bound, strconv.FormatInt(l.Cycles, 10)}
		for _, bound := range boundColumns {
			record = append(record, strconv.FormatInt(cyclesByBound(l)[bound], 10))
		}
		record = append(record, strconv.FormatInt(l.MACs, 10), exact(l.Utilization), strconv.FormatInt(l.DRAMReadBytes, 10),
			strconv.FormatInt(l.DRAMWriteBytes, 10), exact(l.EnergyUJ))
		bits, sqnr := "", ""
		if l.WeightBits > 0 {
			bits = strconv.Itoa(l.WeightBits)
		}
		if l.SQNRDB != nil {
			sqnr = exact(*l.SQNRDB)
		}
		records = append(records, append(record, bits, sqnr))
	}
	return writeRecords(w, "layers", records)
}

// WriteDRAMCSV writes the DRAM traffic by layer and class, one row for each
// pair, in the order of the network.
func WriteDRAMCSV(w io.Writer, r *evaluate.Result) error {
	records := [][]string{{"index", "name", "class", "dram_bytes"}}
	classes := withoutCodes(keysAlways(trafficClasses, layerClasses(r)), func(class string) bool {
		return slices.ContainsFunc(r.Layers, func(l evaluate.Layer) bool { return l.BytesByClass[class] > 0 })
	})
	for i := range r.Layers {
		l := &r.Layers[i]
		for _, class := range classes {
			records = append(records, []string{strconv.Itoa(i + 1), l.Name, class, strconv.FormatInt(l.BytesByClass[class], 10)})
		}
	}
	return writeRecords(w, "DRAM", records)
}

// layerClasses are the bytes by class of every layer.
func layerClasses(r *evaluate.Result) []map[string]int64 {
	splits := make([]map[string]int64, len(r.Layers))
	for i := range r.Layers {
		splits[i] = r.Layers[i].BytesByClass
	}
	return splits
}

// keysAlways is keys with every known key, present or not, so that files of
// different runs have the same columns.
func keysAlways(order []string, maps []map[string]int64) []string {
	known := make(map[string]int64, len(order))
	for _, key := range order {
		known[key] = 0
	}
	return keys(order, append([]map[string]int64{known}, maps...)...)
}

// exact writes a float with as many digits as tell it apart from all others.
func exact(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func writeRecords(w io.Writer, what string, records [][]string) error {
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	if err := c.WriteAll(records); err != nil {
		return fmt.Errorf("CSV of %s: %w", what, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
