package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// activationStride is the distance in bytes between two rows of widened
// activations: the pairsDepth of package kernel in int16 elements.
const activationStride = 2 * 256

// packPairs interleaves rows 2p and 2p+1 of a 16-column strip of int8 weights
// and widens them, so that one VPMADDWD consumes a pair of rows.
func packPairs() {
	TEXT("packPairs", NOSPLIT, "func(dst *int16, src *int8, ld int, pairs int)")
	Pragma("noescape")
	Doc("packPairs writes dst[p][j][i] = src[(2p+i)*ld+j] for pairs > 0 values of p, 16 columns j and i in {0, 1}. It needs AVX2.")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	pairs := Load(Param("pairs"), GP64())
	even, odd, low, high := XMM(), XMM(), XMM(), XMM()
	wideLow, wideHigh := YMM(), YMM()

	Label("packPairsLoop")
	VMOVDQU(Mem{Base: src}, even)
	VMOVDQU(Mem{Base: src, Index: ld, Scale: 1}, odd)
	VPUNPCKLBW(odd, even, low)
	VPUNPCKHBW(odd, even, high)
	VPMOVSXBW(low, wideLow)
	VPMOVSXBW(high, wideHigh)
	VMOVDQU(wideLow, Mem{Base: dst})
	VMOVDQU(wideHigh, Mem{Base: dst, Disp: 32})
	LEAQ(Mem{Base: src, Index: ld, Scale: 2}, src)
	ADDQ(Imm(64), dst)
	DECQ(pairs)
	JNZ(LabelRef("packPairsLoop"))
	VZEROUPPER()
	RET()
}

// widenRow sign-extends int8 activations.
func widenRow() {
	TEXT("widenRow", NOSPLIT, "func(dst *int16, src *int8, blocks int)")
	Pragma("noescape")
	Doc("widenRow sign-extends blocks > 0 blocks of 16 values. It needs AVX2.")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	blocks := Load(Param("blocks"), GP64())
	wide := YMM()
	Label("widenRowLoop")
	VPMOVSXBW(Mem{Base: src}, wide)
	VMOVDQU(wide, Mem{Base: dst})
	ADDQ(Imm(16), src)
	ADDQ(Imm(32), dst)
	DECQ(blocks)
	JNZ(LabelRef("widenRowLoop"))
	VZEROUPPER()
	RET()
}

// multiplyPairs writes the AVX2 kernel for a tile of rows x 16 results: the
// sums stay in registers over the whole depth.
func multiplyPairs(rows int) {
	name := fmt.Sprintf("multiplyPairs%dx16", rows)
	TEXT(name, NOSPLIT, "func(pairs int, a *int16, b *int16, c *int32, ldc int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds the product of a (%d rows, %d bytes apart) and b (packed by packPairs) to c (rows ldc bytes apart); pairs > 0. It needs AVX2.",
		name, rows, activationStride))
	pairs := Load(Param("pairs"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())

	sum := make([][2]reg.VecVirtual, rows)
	for i := range sum {
		sum[i] = [2]reg.VecVirtual{YMM(), YMM()}
		VPXOR(sum[i][0], sum[i][0], sum[i][0])
		VPXOR(sum[i][1], sum[i][1], sum[i][1])
	}
	left, right := YMM(), YMM()

	Label(name + "Loop")
	VMOVDQU(Mem{Base: b}, left)
	VMOVDQU(Mem{Base: b, Disp: 32}, right)
	for i := range sum {
		pair, product := YMM(), YMM()
		VPBROADCASTD(Mem{Base: a, Disp: i * activationStride}, pair)
		VPMADDWD(left, pair, product)
		VPADDD(product, sum[i][0], sum[i][0])
		VPMADDWD(right, pair, pair)
		VPADDD(pair, sum[i][1], sum[i][1])
	}
	ADDQ(Imm(4), a)
	ADDQ(Imm(64), b)
	DECQ(pairs)
	JNZ(LabelRef(name + "Loop"))

	for i := range sum {
		VPADDD(Mem{Base: c}, sum[i][0], sum[i][0])
		VPADDD(Mem{Base: c, Disp: 32}, sum[i][1], sum[i][1])
		VMOVDQU(sum[i][0], Mem{Base: c})
		VMOVDQU(sum[i][1], Mem{Base: c, Disp: 32})
		if i+1 < rows {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}
