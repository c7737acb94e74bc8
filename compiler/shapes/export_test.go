package shapes

// ParseConfig gives the settings of a SCALE-Sim configuration in memory.
var ParseConfig = parseConfig
