package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// packQuads interleaves four rows of a 16-column strip of int8 weights, so
// that one VPDPBUSD consumes a quad of rows.
//
// VPDPBUSD takes unsigned bytes on one side: the kernel flips the top bit of
// the activations, which adds 128 to each, and 128 times the sum of the
// weights of a column has to come off its result.
func packQuads() {
	TEXT("packQuads", NOSPLIT, "func(dst *int8, src *int8, ld int, quads int, correction *int32)")
	Pragma("noescape")
	Doc("packQuads writes dst[q][j][i] = src[(4q+i)*ld+j] for quads > 0 values of q, 16 columns j and i in 0..3, and takes 128 times each column's sum off correction[j]. It needs AVX-512 with VNNI.")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	ld := Load(Param("ld"), GP64())
	quads := Load(Param("quads"), GP64())
	correction := Load(Param("correction"), GP64())
	ld3 := GP64()
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	top := broadcastDword(0x80808080)
	sum := ZMM()
	VPXORD(sum, sum, sum)

	Label("packQuadsLoop")
	row := [4]reg.VecVirtual{XMM(), XMM(), XMM(), XMM()}
	VMOVDQU(Mem{Base: src}, row[0])
	VMOVDQU(Mem{Base: src, Index: ld, Scale: 1}, row[1])
	VMOVDQU(Mem{Base: src, Index: ld, Scale: 2}, row[2])
	VMOVDQU(Mem{Base: src, Index: ld3, Scale: 1}, row[3])
	low01, high01, low23, high23 := XMM(), XMM(), XMM(), XMM()
	VPUNPCKLBW(row[1], row[0], low01)
	VPUNPCKHBW(row[1], row[0], high01)
	VPUNPCKLBW(row[3], row[2], low23)
	VPUNPCKHBW(row[3], row[2], high23)
	packed := [4]reg.VecVirtual{XMM(), XMM(), XMM(), XMM()}
	VPUNPCKLWD(low23, low01, packed[0])
	VPUNPCKHWD(low23, low01, packed[1])
	VPUNPCKLWD(high23, high01, packed[2])
	VPUNPCKHWD(high23, high01, packed[3])
	for i := range packed {
		VMOVDQU(packed[i], Mem{Base: dst, Disp: 16 * i})
	}
	lower, upper, all := YMM(), YMM(), ZMM()
	VINSERTI128(Imm(1), packed[1], packed[0].AsY(), lower)
	VINSERTI128(Imm(1), packed[3], packed[2].AsY(), upper)
	VINSERTI64X4(Imm(1), upper, lower.AsZ(), all)
	VPDPBUSD(all, top, sum)
	LEAQ(Mem{Base: src, Index: ld, Scale: 4}, src)
	ADDQ(Imm(64), dst)
	DECQ(quads)
	JNZ(LabelRef("packQuadsLoop"))

	old := ZMM()
	VMOVDQU32(Mem{Base: correction}, old)
	VPSUBD(sum, old, old)
	VMOVDQU32(old, Mem{Base: correction})
	VZEROUPPER()
	RET()
}

// multiplyQuads writes the AVX-512 VNNI kernel for tiles of rows x 16*panels
// results. It walks down blocks of rows; the sums of a block stay in registers
// over the whole depth.
func multiplyQuads(rows, panels int) {
	name := fmt.Sprintf("multiplyQuads%dx%d", rows, 16*panels)
	TEXT(name, NOSPLIT, "func(blocks int, k int, a *int8, lda int, b *int8, panel int, c *int32, ldc int, mask uint32)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds the product of a (blocks > 0 times %d rows of k > 0 values, lda bytes apart) and of b (%d panels, panel bytes apart, each 16 corrections followed by the quads of packQuads) to c (rows ldc bytes apart). mask selects the columns of the last panel. It needs AVX-512 with VNNI.",
		name, rows, panels))

	mask, tailMask := K(), K()
	maskBits := Load(Param("mask"), GP32())
	KMOVW(maskBits, mask)
	lda := Load(Param("lda"), GP64())
	lda3 := GP64()
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	panel := Load(Param("panel"), GP64())
	ldc := Load(Param("ldc"), GP64())
	a := Load(Param("a"), GP64())
	c := Load(Param("c"), GP64())
	blocks := Load(Param("blocks"), GP64())
	top := broadcastDword(0x80808080)

	// The bytes of the last, partial quad.
	tail := Load(Param("k"), reg.RCX)
	ANDQ(Imm(3), tail)
	bits := GP32()
	MOVL(U32(1), bits)
	SHLL(reg.CL, bits)
	DECL(bits)
	KMOVW(bits, tailMask)

	Label(name + "Block")
	// Rows are reached from one pointer in four: p, p+lda, p+2*lda, p+3*lda.
	pointers := []reg.GPVirtual{GP64()}
	MOVQ(a, pointers[0])
	for len(pointers)*4 < rows {
		next := GP64()
		LEAQ(Mem{Base: pointers[len(pointers)-1], Index: lda, Scale: 4}, next)
		pointers = append(pointers, next)
	}
	if rows == 1 {
		ADDQ(lda, a)
	} else {
		LEAQ(Mem{Base: pointers[len(pointers)-1], Index: lda, Scale: 4}, a)
	}
	activation := func(i int) Mem {
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

	b := Load(Param("b"), GP64())
	weights := func(j int) Mem {
		if j == 0 {
			return Mem{Base: b}
		}
		return Mem{Base: b, Index: panel, Scale: 1}
	}
	sum := make([][]reg.VecVirtual, rows)
	for i := range sum {
		sum[i] = make([]reg.VecVirtual, panels)
		for j := range sum[i] {
			sum[i][j] = ZMM()
			VMOVDQU32(weights(j), sum[i][j])
		}
	}
	ADDQ(Imm(64), b)

	quads := Load(Param("k"), GP64())
	SHRQ(Imm(2), quads)
	JZ(LabelRef(name + "Tail"))
	Label(name + "Loop")
	weight := make([]reg.VecVirtual, panels)
	for j := range weight {
		weight[j] = ZMM()
		VMOVDQU32(weights(j), weight[j])
	}
	for i := range sum {
		quad := ZMM()
		VPXORD_BCST(activation(i), top, quad)
		for j := range weight {
			VPDPBUSD(weight[j], quad, sum[i][j])
		}
	}
	ADDQ(Imm(64), b)
	for _, p := range pointers {
		ADDQ(Imm(4), p)
	}
	DECQ(quads)
	JNZ(LabelRef(name + "Loop"))

	Label(name + "Tail")
	TESTQ(tail, tail)
	JZ(LabelRef(name + "Store"))
	for j := range weight {
		VMOVDQU32(weights(j), weight[j])
	}
	for i := range sum {
		// The masked load touches no byte beyond the row; the weights
		// opposite the missing bytes are zero.
		bytes, quad := XMM(), ZMM()
		VMOVDQU8_Z(activation(i), tailMask, bytes)
		VPBROADCASTD(bytes, quad)
		VPXORD(top, quad, quad)
		for j := range weight {
			VPDPBUSD(weight[j], quad, sum[i][j])
		}
	}

	Label(name + "Store")
	for i := range sum {
		for j := range sum[i] {
			result := Mem{Base: c, Disp: 64 * j}
			if j+1 < panels {
				VPADDD(result, sum[i][j], sum[i][j])
				VMOVDQU32(sum[i][j], result)
			} else {
				VPADDD(result, sum[i][j], mask, sum[i][j])
				VMOVDQU32(sum[i][j], mask, result)
			}
		}
		ADDQ(ldc, c)
	}
	DECQ(blocks)
	JNZ(LabelRef(name + "Block"))
	VZEROUPPER()
	RET()
}

// broadcastDword fills a 512-bit register with a 32-bit pattern.
func broadcastDword(pattern uint32) reg.VecVirtual {
	scalar, vector := GP32(), ZMM()
	MOVL(U32(pattern), scalar)
	VPBROADCASTD(scalar, vector)
	return vector
}
