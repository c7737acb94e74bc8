// Package dram models DRAM at the level of banks and rows.
//
// A Standard is data: organization, timing parameters, the table of timing
// constraints between commands, and energies, read from a TOML file. A Channel
// is the state of the devices behind one command bus; it tells a controller
// which commands are legal and from which clock on. A Checker verifies a log
// of commands against the same table without sharing any code with Channel. A
// Mapper turns physical addresses into places.
//
// A file of a standard has the keys name, source, clock_ps, rules (a rule set of
// standards/rules, or "none"), the lists derived and guessed of timing keys
// without a source of their own, the tables [organization], [command_bus] and
// [timing], rows [[constraint]] on top of those of the rule set, and either
// [currents], supply currents by rail, or [energy], figures per command. See
// standards/ddr4-2400.toml and the fields of Organization and Timing.
//
// Modelled: open rows, every constraint row of the standard (bank, bank group,
// rank, change of rank, windows such as tFAW), all-bank and per-bank refresh,
// auto-precharge, the start of the LPDDR5 data clock where the controller asks
// for it (DataClockTail), energy by command and standby. Not modelled:
// power-down and self-refresh, on-die error correction, write masks (masked writes of LPDDR4
// take longer), temperature, and the sharing of one command bus by two
// pseudo-channels (they count as channels).
//
// Units: clocks of the command bus, picoseconds, bytes, picojoules, milliwatts.
package dram
