// Package explain says of the keys of the JSON forms of results what they mean.
package explain
