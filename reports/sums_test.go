package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
)

// TestReadJSONRefusesTampered: whichever part of a sum is changed, reading
// names the file and the key.
func TestReadJSONRefusesTampered(t *testing.T) {
	for _, c := range []struct {
		tamper func(*evaluate.Result)
		want   string
	}{
		{func(r *evaluate.Result) { r.Timing.Cycles-- }, `"timing.cycles"`},
		{func(r *evaluate.Result) { r.Layers[3].Cycles++ }, `"layers[3].cycles_by_bound"`},
		{func(r *evaluate.Result) { r.Layers[3].Cycles++; r.Layers[3].CyclesByBound["dram"]++ }, `"layers[].cycles"`},
		{func(r *evaluate.Result) { r.Layers[2].CyclesByBound["mac"]-- }, `"layers[2].cycles_by_bound"`},
		{func(r *evaluate.Result) { r.Layers[2].BytesByClass["weights"] += 64 }, `"layers[2].bytes_by_class"`},
		{func(r *evaluate.Result) {
			r.Layers[2].BytesByClass["weights"] += 64
			r.Layers[2].BytesByClass["activations"] -= 64
		}, `"layers[].bytes_by_class.weights"`},
		{func(r *evaluate.Result) { r.Layers[1].DRAMReadBytes--; r.Layers[1].BytesByClass["weights"]-- }, `"layers[].dram_read_bytes"`},
		{func(r *evaluate.Result) { r.DRAM.ReadBytes++ }, `"dram.read_bytes"`},
		{func(r *evaluate.Result) { r.DRAM.WriteBytes++ }, `"dram.write_bytes"`},
		{func(r *evaluate.Result) { r.DRAM.BytesByClass["weights"]-- }, `"dram.bytes_by_class.weights"`},
		{func(r *evaluate.Result) { r.DRAM.BytesByClass["gossip"] = 1 }, `"dram.bytes_by_class.gossip"`},
		{func(r *evaluate.Result) { r.DRAM.OverTime.ReadBytes[7]++ }, `"dram.over_time.read_bytes"`},
		{func(r *evaluate.Result) { r.DRAM.OverTime.BytesByClass["weights"][7]++ }, `"dram.over_time.bytes_by_class.weights"`},
		{func(r *evaluate.Result) { r.DRAM.ReadLatency.Histogram[0].Bursts++ }, `"dram.read_latency.histogram[].bursts"`},
		{func(r *evaluate.Result) { r.EnergyUJ.MAC *= 1.0001 }, `"the parts of energy_uj"`},
		{func(r *evaluate.Result) { r.Layers[4].EnergyUJ *= 1.0001 }, `"layers[].energy_uj"`},
		{func(r *evaluate.Result) { r.DRAM.EnergyUJ.Refresh *= 2 }, `"the parts of dram.energy_uj"`},
		{func(r *evaluate.Result) { s := r.Stalls["mac"]; s.Semaphore++; r.Stalls["mac"] = s }, `"stalls.mac"`},
	} {
		r := withMemory(withCompression(synthetic(6)), 40)
		c.tamper(r)
		var b bytes.Buffer
		if err := WriteJSON(&b, r); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "summary.json")
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := ReadJSON(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+": key ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("tampered summary gives %v, want an error with the path and %s", err, c.want)
		}
	}
}

// TestSumsOfManyLargeCounts: sums beyond 63 bits are refused, not wrapped.
func TestSumsOfManyLargeCounts(t *testing.T) {
	var c checker
	list := make([]int64, 4096)
	for i := range list {
		list[i] = largestCount
	}
	if c.total("parts", list, "whole", 0); c.fault == nil {
		t.Error("a sum of 2^65 passes for 0")
	}
}
