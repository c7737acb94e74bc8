package trace

// Decode is for the fuzz test.
var Decode = decode
