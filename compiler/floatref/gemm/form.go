package gemm

import "os"

// form is one of the implementations of the product.
type form uint8

const (
	formInvalid form = iota
	formPortable
	formAVX2
	formAVX512
)

var formNames = [...]string{
	formInvalid:  "invalid",
	formPortable: "portable",
	formAVX2:     "avx2",
	formAVX512:   "avx512",
}

func (f form) String() string { return formNames[f] }

// active is the form in use; only tests change it.
var active = choose(os.Getenv("NPUSIM_PORTABLE") == "1")

func choose(forcePortable bool) form {
	if forcePortable {
		return formPortable
	}
	return best()
}

// Implementation names the form in use, for reports: portable, avx2 or avx512.
// The results do not depend on it.
func Implementation() string { return active.String() }
