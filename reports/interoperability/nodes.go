package interoperability

import (
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
)

// PropertyPrefix begins the keys of all properties.
const PropertyPrefix = "npusim."

// Property is a key and its text, for metadata_props of an ONNX node.
type Property struct{ Key, Value string }

// NodeProperties are the figures of each node of the ONNX model, by its name.
// A node that a layer is named after has those of the layer: cycles of its
// window, DRAM bytes, what bounds it, the units that work for it, utilization
// of the MAC array as a fraction, energy. Nodes that are fused into it name it.
func NodeProperties(r *evaluate.Result) map[string][]Property {
	units := make([][]string, len(r.Layers))
	if r.Recording != nil {
		for i := range r.Recording.Tracks {
			track := &r.Recording.Tracks[i]
			for k := range track.Spans {
				s := &track.Spans[k]
				if s.Class == "" && s.Layer >= 0 && s.Layer < len(units) && !slices.Contains(units[s.Layer], track.Unit) {
					units[s.Layer] = append(units[s.Layer], track.Unit)
				}
			}
		}
	}
	nodes := map[string][]Property{}
	for i := range r.Layers {
		l := &r.Layers[i]
		for _, node := range l.Nodes {
			if node != l.Name && slices.Contains(l.Nodes, l.Name) {
				nodes[node] = []Property{{PropertyPrefix + "fused_into", l.Name}}
				continue
			}
			var list []Property
			add := func(key, value string) { list = append(list, Property{PropertyPrefix + key, value}) }
			add("layer", l.Name)
			add("operators", l.Op)
			add("cycles", strconv.FormatInt(l.Cycles, 10))
			add("macs", strconv.FormatInt(l.MACs, 10))
			add("mac_utilization", strconv.FormatFloat(l.Utilization, 'f', 4, 64))
			add("bound", l.Bound)
			add("units", strings.Join(units[i], " "))
			add("dram_read_bytes", strconv.FormatInt(l.DRAMReadBytes, 10))
			add("dram_write_bytes", strconv.FormatInt(l.DRAMWriteBytes, 10))
			add("energy_uj", strconv.FormatFloat(l.EnergyUJ, 'f', 4, 64))
			if l.SQNRDB != nil {
				add("sqnr_db", strconv.FormatFloat(*l.SQNRDB, 'f', 2, 64))
			}
			nodes[node] = list
		}
	}
	return nodes
}
