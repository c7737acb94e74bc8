package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// requantizeAVX2 works on 8 channels as two halves of four 64-bit lanes. AVX2
// has no arithmetic right shift of 64-bit lanes, no minimum and no maximum:
// the shift goes through an offset of 2^63, x>>s = ((x+2^63)>>>s) - (2^63>>>s),
// and the clamp through comparisons.
func requantizeAVX2() {
	TEXT("requantizeAVX2", NOSPLIT, "func(dst *int8, acc, multiplier *int32, shift *uint8, blocks int, zero, low, high int64)")
	Pragma("noescape")
	Doc("requantizeAVX2 requantizes blocks > 0 blocks of 8 channels.")
	dst := Load(Param("dst"), GP64())
	acc := Load(Param("acc"), GP64())
	multiplier := Load(Param("multiplier"), GP64())
	shift := Load(Param("shift"), GP64())
	blocks := Load(Param("blocks"), GP64())
	constant := func(name string) reg.VecVirtual {
		p, err := Param(name).Resolve()
		if err != nil {
			panic(err)
		}
		y := YMM()
		VPBROADCASTQ(p.Addr, y)
		return y
	}
	zero, low, high := constant("zero"), constant("low"), constant("high")
	one, top := YMM(), YMM()
	VPCMPEQD(one, one, one)
	VPSLLQ(Imm(63), one, top)
	VPSRLQ(Imm(63), one, one)

	Label("requantizeAVX2Loop")
	var half [2]reg.VecVirtual
	for i := range half {
		value, factor, s := YMM(), YMM(), YMM()
		VPMOVSXDQ(Mem{Base: acc, Disp: 16 * i}, value)
		VPMOVSXDQ(Mem{Base: multiplier, Disp: 16 * i}, factor)
		VPMOVZXBQ(Mem{Base: shift, Disp: 4 * i}, s)
		VPMULDQ(factor, value, value)
		rounding := YMM()
		VPSUBQ(one, s, rounding)
		VPSLLVQ(rounding, one, rounding)
		VPADDQ(rounding, value, value)
		VPXOR(top, value, value)
		VPSRLVQ(s, value, value)
		VPSRLVQ(s, top, s)
		VPSUBQ(s, value, value)
		VPADDQ(zero, value, value)
		above, below := YMM(), YMM()
		VPCMPGTQ(high, value, above)
		VBLENDVPD(above, high, value, value)
		VPCMPGTQ(value, low, below)
		VBLENDVPD(below, low, value, value)
		half[i] = value
	}
	// Results 0 1 4 5 | 2 3 6 7, then in order, then narrowed to bytes.
	narrow, upper := YMM(), XMM()
	VSHUFPS(Imm(0x88), half[1], half[0], narrow)
	VPERMQ(Imm(0xd8), narrow, narrow)
	VEXTRACTI128(Imm(1), narrow, upper)
	VPACKSSDW(upper, narrow.AsX(), upper)
	VPACKSSWB(upper, upper, upper)
	VMOVQ(upper, Mem{Base: dst})
	ADDQ(Imm(8), dst)
	ADDQ(Imm(32), acc)
	ADDQ(Imm(32), multiplier)
	ADDQ(Imm(8), shift)
	DECQ(blocks)
	JNZ(LabelRef("requantizeAVX2Loop"))
	VZEROUPPER()
	RET()
}

// requantizeAVX512 works on 8 channels at a time, the last ones under a mask.
func requantizeAVX512() {
	TEXT("requantizeAVX512", NOSPLIT, "func(dst *int8, acc, multiplier *int32, shift *uint8, channels int, zero, low, high int64)")
	Pragma("noescape")
	Doc("requantizeAVX512 requantizes channels > 0 channels. It needs AVX-512 F, BW, DQ and VL.")
	dst := Load(Param("dst"), GP64())
	acc := Load(Param("acc"), GP64())
	multiplier := Load(Param("multiplier"), GP64())
	shift := Load(Param("shift"), GP64())
	channels := Load(Param("channels"), reg.RCX)
	constant := func(name string) reg.VecVirtual {
		p, err := Param(name).Resolve()
		if err != nil {
			panic(err)
		}
		z := ZMM()
		VPBROADCASTQ(p.Addr, z)
		return z
	}
	zero, low, high := constant("zero"), constant("low"), constant("high")
	one := ZMM()
	VPTERNLOGD(Imm(0xff), one, one, one)
	VPSRLQ(Imm(63), one, one)
	mask := K()
	bits := GP32()
	MOVL(U32(0xff), bits)
	KMOVW(bits, mask)

	Label("requantizeAVX512Loop")
	CMPQ(channels, Imm(8))
	JGE(LabelRef("requantizeAVX512Step"))
	MOVL(U32(1), bits)
	SHLL(reg.CL, bits)
	DECL(bits)
	KMOVW(bits, mask)

	Label("requantizeAVX512Step")
	value, factor, s, rounding := ZMM(), ZMM(), ZMM(), ZMM()
	VPMOVSXDQ_Z(Mem{Base: acc}, mask, value)
	VPMOVSXDQ_Z(Mem{Base: multiplier}, mask, factor)
	VPMOVZXBQ_Z(Mem{Base: shift}, mask, s)
	VPMULDQ(factor, value, value)
	VPSUBQ(one, s, rounding)
	VPSLLVQ(rounding, one, rounding)
	VPADDQ(rounding, value, value)
	VPSRAVQ(s, value, value)
	VPADDQ(zero, value, value)
	VPMINSQ(high, value, value)
	VPMAXSQ(low, value, value)
	VPMOVQB(value, mask, Mem{Base: dst})
	ADDQ(Imm(8), dst)
	ADDQ(Imm(32), acc)
	ADDQ(Imm(32), multiplier)
	ADDQ(Imm(8), shift)
	SUBQ(Imm(8), channels)
	JG(LabelRef("requantizeAVX512Loop"))
	VZEROUPPER()
	RET()
}
