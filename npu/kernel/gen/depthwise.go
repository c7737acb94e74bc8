package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// multiplyAccumulate works on 16 channels at a time: the product of two int8
// values fits int16 exactly, and is widened before it is added.
func multiplyAccumulate() {
	TEXT("multiplyAccumulate16", NOSPLIT, "func(acc *int32, x, w *int8, blocks int)")
	Pragma("noescape")
	Doc("multiplyAccumulate16 does acc[c] += x[c]*w[c] for blocks > 0 blocks of 16 channels. It needs AVX2.")
	acc := Load(Param("acc"), GP64())
	x := Load(Param("x"), GP64())
	w := Load(Param("w"), GP64())
	blocks := Load(Param("blocks"), GP64())

	Label("multiplyAccumulate16Loop")
	product, factor := YMM(), YMM()
	VPMOVSXBW(Mem{Base: x}, product)
	VPMOVSXBW(Mem{Base: w}, factor)
	VPMULLW(factor, product, product)
	upper := XMM()
	VEXTRACTI128(Imm(1), product, upper)
	low, high := YMM(), YMM()
	VPMOVSXWD(product.AsX(), low)
	VPMOVSXWD(upper, high)
	VPADDD(Mem{Base: acc}, low, low)
	VPADDD(Mem{Base: acc, Disp: 32}, high, high)
	VMOVDQU(low, Mem{Base: acc})
	VMOVDQU(high, Mem{Base: acc, Disp: 32})
	ADDQ(Imm(16), x)
	ADDQ(Imm(16), w)
	ADDQ(Imm(64), acc)
	DECQ(blocks)
	JNZ(LabelRef("multiplyAccumulate16Loop"))
	VZEROUPPER()
	RET()
}

// depthwisePairs interleaves the activations of two taps, as packPairs does
// with their weights, so that VPMADDWD adds two taps of a channel at once.
func depthwisePairs() {
	TEXT("depthwisePairs16", NOSPLIT, "func(pixels int, acc *int32, accStride int, x *int8, xStride int, offsets *int, pairs int, w *int16)")
	Pragma("noescape")
	Doc("depthwisePairs16 adds the products of pairs > 0 pairs of taps to 16 channels of pixels > 0 pixels; strides are in bytes, w is packed by packPairs. It needs AVX2.")
	pixels := Load(Param("pixels"), GP64())
	acc := Load(Param("acc"), GP64())
	accStride := Load(Param("accStride"), GP64())
	x := Load(Param("x"), GP64())
	xStride := Load(Param("xStride"), GP64())
	offsets := Load(Param("offsets"), GP64())
	pairs := Load(Param("pairs"), GP64())
	w := Load(Param("w"), GP64())

	low, high := YMM(), YMM()
	offset, weight, left := GP64(), GP64(), GP64()
	Label("depthwisePairs16Pixel")
	VMOVDQU(Mem{Base: acc}, low)
	VMOVDQU(Mem{Base: acc, Disp: 32}, high)
	MOVQ(offsets, offset)
	MOVQ(w, weight)
	MOVQ(pairs, left)

	Label("depthwisePairs16Pair")
	even, odd := GP64(), GP64()
	MOVQ(Mem{Base: offset}, even)
	MOVQ(Mem{Base: offset, Disp: 8}, odd)
	first, second, interleaved := XMM(), XMM(), XMM()
	VMOVDQU(Mem{Base: x, Index: even, Scale: 1}, first)
	VMOVDQU(Mem{Base: x, Index: odd, Scale: 1}, second)
	wide, wide2 := YMM(), YMM()
	VPUNPCKLBW(second, first, interleaved)
	VPMOVSXBW(interleaved, wide)
	VPMADDWD(Mem{Base: weight}, wide, wide)
	VPADDD(wide, low, low)
	VPUNPCKHBW(second, first, first)
	VPMOVSXBW(first, wide2)
	VPMADDWD(Mem{Base: weight, Disp: 32}, wide2, wide2)
	VPADDD(wide2, high, high)
	ADDQ(Imm(16), offset)
	ADDQ(Imm(64), weight)
	DECQ(left)
	JNZ(LabelRef("depthwisePairs16Pair"))

	VMOVDQU(low, Mem{Base: acc})
	VMOVDQU(high, Mem{Base: acc, Disp: 32})
	ADDQ(accStride, acc)
	ADDQ(xStride, x)
	DECQ(pixels)
	JNZ(LabelRef("depthwisePairs16Pixel"))
	VZEROUPPER()
	RET()
}
