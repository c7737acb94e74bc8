// Command gen writes the amd64 assembly of package gemm with avo.
//
// It is a module of its own, so that avo stays out of the dependencies of the
// simulator. Run it with `go generate ./compiler/floatref/gemm`.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// target is an instruction set that kernels are written for.
type target struct {
	name   string
	bytes  int // of a vector register
	rows   []int
	vector func() reg.VecVirtual
	clear  func(reg.VecVirtual)
}

var targets = []target{
	{"AVX2", 32, []int{6, 4, 2, 1}, YMM, func(v reg.VecVirtual) { VXORPS(v, v, v) }},
	{"AVX512", 64, []int{12, 8, 4, 2, 1}, ZMM, func(v reg.VecVirtual) { VPXORD(v, v, v) }},
}

func main() {
	ConstraintExpr("amd64")
	for _, t := range targets {
		copyPanel(t)
		for _, rows := range t.rows {
			multiply(t, rows)
		}
	}
	Generate()
}

// copyPanel writes the packing of a strip of B, two vectors wide.
func copyPanel(t target) {
	name := "copyPanel" + t.name
	TEXT(name, NOSPLIT, "func(rows int, dst, src *float32, stride int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s copies rows > 0 rows of %d elements, stride bytes apart, to a dense panel.", name, t.bytes/2))
	rows := Load(Param("rows"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	stride := Load(Param("stride"), GP64())
	left, right := t.vector(), t.vector()
	Label(name + "Loop")
	VMOVUPS(Mem{Base: src}, left)
	VMOVUPS(Mem{Base: src, Disp: t.bytes}, right)
	VMOVUPS(left, Mem{Base: dst})
	VMOVUPS(right, Mem{Base: dst, Disp: t.bytes})
	ADDQ(stride, src)
	ADDQ(Imm(uint64(2*t.bytes)), dst)
	DECQ(rows)
	JNZ(LabelRef(name + "Loop"))
	VZEROUPPER()
	RET()
}

// multiply writes the kernel for a tile of the given rows and two vectors of
// columns. The sums stay in registers; every element is rounded after its
// multiplication and after its addition, in the order of the depth.
func multiply(t target, rows int) {
	name := fmt.Sprintf("multiply%dx%d%s", rows, t.bytes/2, t.name)
	TEXT(name, NOSPLIT, "func(k int, a *float32, lda int, b *float32, ldb int, c *float32, ldc int, add bool)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies a (%d x k, k > 0) with b (k x %d) and writes c, or starts from c if add is set. Strides are in bytes.",
		name, rows, t.bytes/2))

	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64())
	lda3 := GP64()
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	b := Load(Param("b"), GP64())
	ldb := Load(Param("ldb"), GP64())
	ldc := Load(Param("ldc"), GP64())

	// Rows are reached from one pointer in four: p, p+lda, p+2*lda, p+3*lda.
	pointers := []reg.GPVirtual{GP64()}
	MOVQ(a, pointers[0])
	for len(pointers)*4 < rows {
		next := GP64()
		LEAQ(Mem{Base: pointers[len(pointers)-1], Index: lda, Scale: 4}, next)
		pointers = append(pointers, next)
	}
	element := func(i int) Mem {
		switch p := pointers[i/4]; i % 4 {
		case 1:
			return Mem{Base: p, Index: lda, Scale: 1}
		case 2:
			return Mem{Base: p, Index: lda, Scale: 2}
		case 3:
			return Mem{Base: p, Index: lda3, Scale: 1}
		default:
			return Mem{Base: p}
		}
	}

	sum := make([][2]reg.VecVirtual, rows)
	for i := range sum {
		sum[i] = [2]reg.VecVirtual{t.vector(), t.vector()}
		t.clear(sum[i][0])
		t.clear(sum[i][1])
	}
	add := Load(Param("add"), GP8())
	TESTB(add, add)
	JZ(LabelRef(name + "Loop"))
	c := Load(Param("c"), GP64())
	for i := range sum {
		VMOVUPS(Mem{Base: c}, sum[i][0])
		VMOVUPS(Mem{Base: c, Disp: t.bytes}, sum[i][1])
		ADDQ(ldc, c)
	}

	Label(name + "Loop")
	left, right := t.vector(), t.vector()
	VMOVUPS(Mem{Base: b}, left)
	VMOVUPS(Mem{Base: b, Disp: t.bytes}, right)
	ADDQ(ldb, b)
	for i := range sum {
		factor, product := t.vector(), t.vector()
		VBROADCASTSS(element(i), factor)
		VMULPS(left, factor, product)
		VADDPS(product, sum[i][0], sum[i][0])
		VMULPS(right, factor, factor)
		VADDPS(factor, sum[i][1], sum[i][1])
	}
	for _, p := range pointers {
		ADDQ(Imm(4), p)
	}
	DECQ(k)
	JNZ(LabelRef(name + "Loop"))

	c = Load(Param("c"), GP64())
	for i := range sum {
		VMOVUPS(sum[i][0], Mem{Base: c})
		VMOVUPS(sum[i][1], Mem{Base: c, Disp: t.bytes})
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}
