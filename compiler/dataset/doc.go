// Package dataset feeds networks with samples: it opens data sets described
// by a TOML file, and reads and writes NumPy .npy and .npz files.
//
// A data set names one or several inputs, each an array whose first axis
// counts samples, a folder of JPEG or PNG images, or zeros; labels; slices for
// calibration and evaluation; and how raw values become network values:
//
//	network value = (x*scale - mean) / std
//
// computed in float64 and rounded once to float32, per channel where mean or
// std has one entry a channel. Images count in levels 0 to 255. Samples come
// out in the order of the network's input (NCHW), whatever the file holds.
//
// Not done here: resizing, cropping or augmenting images, loading arrays of
// more than [MaxArrayBytes], string or structured NumPy types. Files of a data
// set are reached only inside the folder of its TOML file; paths that leave
// it, also through symbolic links, are errors.
//
// Bad input gives an error that names the file, the place and the rule.
package dataset
