// Package sweep reads the description of a design-space exploration: a TOML
// file that names a base configuration, networks with their data, the axes of
// the space, constraints, objectives and how to search.
//
//	config      = "edge"                # preset, or a file beside this one
//	set         = ["dram.tier=linear"]  # changes to it, as of npusim run --set
//	model       = "net.onnx"            # seen from this file
//	data        = "set.toml"            # as of npusim run --data
//	samples     = 200                   # 0: all
//	objectives  = ["minimize timing.cycles", "maximize accuracy.npu_top1"]
//	strategy    = "grid"                # random, nsga2, successive-halving
//
//	[[axis]]
//	key         = "npu.weight_buffer_kib"
//	powers_of_two = [16, 256]
//
//	[[constraint]]
//	expression  = "accuracy.npu_top1 >= 0.79"
//
// A Sweep from Load is checked as a whole: every fault of the file is reported
// at once with line, key, rule and nearest name. What only a point can show,
// such as keys that contradict each other, is left to that point.
package sweep
