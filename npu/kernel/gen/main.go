// Command gen writes the amd64 assembly of package kernel with avo.
//
// It is a module of its own, so that avo stays out of the dependencies of the
// simulator. Run it with `go generate ./npu/kernel`.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("amd64")

	packPairs()
	widenRow()
	for _, rows := range []int{6, 2, 1} {
		multiplyPairs(rows)
	}

	packQuads()
	for _, panels := range []int{2, 1} {
		for _, rows := range []int{12, 4, 1} {
			multiplyQuads(rows, panels)
		}
	}

	multiplyAccumulate()
	depthwisePairs()
	requantizeAVX2()
	requantizeAVX512()

	Generate()
}
