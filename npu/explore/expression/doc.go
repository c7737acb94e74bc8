// Package expression reads and evaluates the arithmetic of sweeps: constraints
// such as "area_mm2.total <= 4 and npu.weight_buffer_kib < 512", objectives
// such as "minimize energy_uj.total * timing.latency_ms", and queries such as
// "energy_uj.total where accuracy.npu_top1 >= 0.79".
//
// Values are numbers (float64), texts and truths. From loose to tight binding:
// or; and; not; one of < <= > >= == !=; + and -; * and /; unary minus. There
// are the functions min, max, sum, mean (of any number of arguments), abs,
// sqrt, log2 and ceil. Names are dotted keys, with a pattern in brackets where
// a key belongs to layers: quantization.layer[block*/pointwise].weight_bits.
// Texts stand in double or single quotes.
//
// An expression reads nothing but the names it is given values for, runs in
// time linear in its length, and never panics.
package expression
