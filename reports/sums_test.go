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
		{func(r *evaluate.Result) { r.Timing.LatencyMS *= 1.0001 }, `"timing.latency_ms"`},
		{func(r *evaluate.Result) { r.Timing.ClockMHz++ }, `"timing.latency_ms"`},
		{func(r *evaluate.Result) { r.Timing.InferencesPerSecond *= 1.0001 }, `"timing.inferences_per_second"`},
		{func(r *evaluate.Result) { r.Timing.MACUtilization = 57 }, `"timing.mac_utilization"`},
		{func(r *evaluate.Result) { r.DRAM.AchievedGBPerS *= 1.0001 }, `"dram.achieved_gb_per_s"`},
		{func(r *evaluate.Result) { r.Accuracy.NPUTop1 = pointer(7.0) }, `"accuracy.npu_top1"`},
		{func(r *evaluate.Result) { r.Accuracy.Agreement = pointer(-0.1) }, `"accuracy.agreement"`},
		{func(r *evaluate.Result) { r.Accuracy.Cosine = pointer(-1.1) }, `"accuracy.cosine"`},
		{func(r *evaluate.Result) { r.AreaMM2 = &evaluate.Area{Total: 2, MAC: 1} }, `"the parts of area_mm2"`},
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

// TestReadJSONRefusesDirectories: what is no file, such as a pipe that never
// ends, is not read.
func TestReadJSONRefusesDirectories(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadJSON(dir); err == nil || err.Error() != dir+": not a regular file" {
		t.Errorf("reading a directory gives %v", err)
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
