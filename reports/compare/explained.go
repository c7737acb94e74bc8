package compare

import (
	"reflect"

	"github.com/npusim/npusim/reports/explain"
)

// Explained says what the keys of the JSON form mean.
func Explained() explain.Section {
	return explain.NewSection("compare", "npusim compare --format json", reflect.TypeFor[jsonForm](), formKeys)
}

var formKeys = []explain.Explanation{
	{Key: "schema", Meaning: "version of this form; keys are added without a new version, never renamed"},
	{Key: "reports", Meaning: "the reports, the one that others are compared with first; lists of values have one a report, null where it has none"},
	{Key: "reports[].label", Meaning: "short name of the report"},
	{Key: "reports[].path", Meaning: "file of its summary"},
	{Key: "reports[].tool", Meaning: "version of npusim that made it"},
	{Key: "reports[].model", Meaning: "the network"},
	{Key: "reports[].model.name", Meaning: "name of the model file without its extension"},
	{Key: "reports[].model.sha256", Meaning: "SHA-256 of the model file"},
	{Key: "reports[].model.parameters", Meaning: "parameters of the float network"},
	{Key: "reports[].model.macs", Meaning: "multiply-accumulates of one inference of the float network"},
	{Key: "reports[].config", Meaning: "label of the configuration"},
	{Key: "reports[].machine_hash", Meaning: "identifies what a compiled program depends on"},
	{Key: "reports[].config_hash", Meaning: "identifies everything that can change a result"},
	{Key: "differs", Meaning: "what is not the same in all reports"},
	{Key: "differs.model", Meaning: "the network: hash of its file, or name and size without one"},
	{Key: "differs.machine", Meaning: "units, scratchpads, layout"},
	{Key: "differs.configuration", Meaning: "anything that can change a result"},
	{Key: "differs.tool", Meaning: "version that made the report"},
	{Key: "differs.data", Meaning: "samples that accuracy was judged on: their source or number"},
	{Key: "settings", Meaning: "keys of the configurations that differ"},
	{Key: "settings[].key", Meaning: "key of the configuration"},
	{Key: "settings[].values", Meaning: "values as TOML, empty where a configuration does not have the key"},
	{Key: "figures", Meaning: "main figures"},
	{Key: "figures[].key", Meaning: "key of summary.json, which npusim explain tells the unit of"},
	{Key: "figures[].better", Meaning: "lower, higher or neutral: which way the figure gets better; neutral for different networks"},
	{Key: "figures[].values", Meaning: "values in the unit of the key"},
	{Key: "figures[].difference", Meaning: "from the first report, in the unit of the key", Rule: "B - A"},
	{Key: "figures[].change_percent", Unit: "percent", Meaning: "from the first report; null for a change from 0", Rule: "100 (B - A) / |A|"},
	{Key: "layers", Meaning: "layers of all reports, aligned by name"},
	{Key: "layers[].name", Meaning: "name in the first report that has it"},
	{Key: "layers[].status", Meaning: "empty, added, removed, or renamed with the new name: found by place, operator and MACs"},
	{Key: "layers[].op", Meaning: "ONNX operators that were fused into it"},
	{Key: "layers[].cycles", Unit: "cycles", Meaning: "layers[].cycles of the summaries"},
	{Key: "layers[].cycles_change_percent", Unit: "percent", Meaning: "of cycles from the first report", Rule: "100 (B - A) / |A|"},
	{Key: "layers[].dram_bytes", Unit: "bytes", Meaning: "read and written", Rule: "layers[].dram_read_bytes + layers[].dram_write_bytes"},
	{Key: "layers[].energy_uj", Unit: "µJ", Meaning: "layers[].energy_uj of the summaries"},
	{Key: "layers[].bound", Meaning: "where most cycles go; empty where there is no such layer"},
	{Key: "gates", Meaning: "a row a gate and report after the first"},
	{Key: "gates[].fail_if", Meaning: "the gate as it was given"},
	{Key: "gates[].key", Meaning: "key that it judges"},
	{Key: "gates[].report", Meaning: "label of the report"},
	{Key: "gates[].first", Meaning: "value of the first report; null where only the report's own value counts"},
	{Key: "gates[].value", Meaning: "value of the report"},
	{Key: "gates[].tripped", Meaning: "the condition holds: the comparison fails"},
	{Key: "tripped", Meaning: "gates that tripped", Rule: "number of gates[].tripped that are true"},
}
