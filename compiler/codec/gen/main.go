// Command gen writes the amd64 assembly of package codec with avo.
//
// It is a module of its own, so that avo stays out of the dependencies of the
// simulator. Run it with `go generate ./compiler/codec`.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	spread()
	for groups := 2; groups <= 5; groups++ {
		leastSums(groups)
	}
	Generate()
}

// spread writes the distance transform over the bits of a cell's number.
func spread() {
	swapBytes := GLOBL("swapBytes", RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(uint8(i%16^1)))
	}
	swapPairs := GLOBL("swapPairs", RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(uint8(i%16^2)))
	}
	TEXT("spreadAVX2", NOSPLIT, "func(cells *byte, size int)")
	Pragma("noescape")
	Doc("spreadAVX2 lowers each of size cells to what a cell whose number differs in k bits costs plus k, for the least of them; size is a power of two, at least 32. It needs AVX2.")
	cells := Load(Param("cells"), GP64())
	size := Load(Param("size"), GP64())
	one, bytes, words := YMM(), YMM(), YMM()
	VPCMPEQB(one, one, one)
	VPABSB(one, one)
	VMOVDQU(swapBytes, bytes)
	VMOVDQU(swapPairs, words)

	end := GP64()
	LEAQ(Mem{Base: cells, Index: size, Scale: 1}, end)
	at := GP64()
	MOVQ(cells, at)
	cell, other := YMM(), YMM()
	lower := func() {
		VPADDB(one, other, other)
		VPMINUB(other, cell, cell)
	}
	Label("spreadWords")
	VMOVDQU(Mem{Base: at}, cell)
	VPSHUFB(bytes, cell, other)
	lower()
	VPSHUFB(words, cell, other)
	lower()
	VPSHUFD(Imm(0xb1), cell, other)
	lower()
	VPSHUFD(Imm(0x4e), cell, other)
	lower()
	VPERMQ(Imm(0x4e), cell, other)
	lower()
	VMOVDQU(cell, Mem{Base: at})
	ADDQ(Imm(32), at)
	CMPQ(at, end)
	JB(LabelRef("spreadWords"))

	half := GP64()
	MOVQ(U32(32), half)
	Label("spreadHalf")
	CMPQ(half, size)
	JAE(LabelRef("spreadDone"))
	MOVQ(cells, at)
	Label("spreadBlock")
	left := GP64()
	MOVQ(half, left)
	Label("spreadPair")
	low, high, next := YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: at}, low)
	VMOVDQU(Mem{Base: at, Index: half, Scale: 1}, high)
	VPADDB(one, high, next)
	VPMINUB(next, low, next)
	VMOVDQU(next, Mem{Base: at})
	VPADDB(one, low, low)
	VPMINUB(low, high, high)
	VMOVDQU(high, Mem{Base: at, Index: half, Scale: 1})
	ADDQ(Imm(32), at)
	SUBQ(Imm(32), left)
	JNZ(LabelRef("spreadPair"))
	ADDQ(half, at)
	CMPQ(at, end)
	JB(LabelRef("spreadBlock"))
	SHLQ(Imm(1), half)
	JMP(LabelRef("spreadHalf"))
	Label("spreadDone")
	VZEROUPPER()
	RET()
}

// leastSums writes the step for a number of tables of distances: the costs of
// the 256 codes before stay in registers.
func leastSums(groups int) {
	name := fmt.Sprintf("leastSums%d", groups)
	TEXT(name, NOSPLIT, "func(costs *byte, distances *byte, now *uint64, base uint64, codes int, to *byte, stride int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s writes to[x*stride] = min over z of costs[z] + the sum over g < %d of distances[g][v>>8g&255][z], v = base^now[x], for codes > 0 values of x. Sums are below 256. It needs AVX2.", name, groups))
	costs := Load(Param("costs"), GP64())
	distances := Load(Param("distances"), GP64())
	now := Load(Param("now"), GP64())
	base := Load(Param("base"), GP64())
	codes := Load(Param("codes"), GP64())
	to := Load(Param("to"), GP64())
	stride := Load(Param("stride"), GP64())
	var before [8]reg.VecVirtual
	for k := range before {
		before[k] = YMM()
		VMOVDQU(Mem{Base: costs, Disp: 32 * k}, before[k])
	}
	Label(name + "Loop")
	value := GP64()
	MOVQ(Mem{Base: now}, value)
	XORQ(base, value)
	rows := make([]reg.GPVirtual, groups)
	for g := range rows {
		rows[g] = GP64()
		MOVBQZX(value.As8(), rows[g])
		SHLQ(Imm(8), rows[g])
		if g+1 < groups {
			SHRQ(Imm(8), value)
		}
	}
	var least [2]reg.VecVirtual
	for k := range before {
		sum := YMM()
		for g, row := range rows {
			table := Mem{Base: distances, Index: row, Scale: 1, Disp: 65536*g + 32*k}
			if g == 0 {
				VPADDB(table, before[k], sum)
			} else {
				VPADDB(table, sum, sum)
			}
		}
		if k < 2 {
			least[k] = sum
		} else {
			VPMINUB(sum, least[k%2], least[k%2])
		}
	}
	VPMINUB(least[1], least[0], least[0])
	low, high := least[0].AsX(), XMM()
	VEXTRACTI128(Imm(1), least[0], high)
	VPMINUB(high, low, low)
	VPSRLW(Imm(8), low, high)
	VPMINUB(high, low, low)
	VPHMINPOSUW(low, low)
	VPEXTRB(Imm(0), low, Mem{Base: to})
	ADDQ(stride, to)
	ADDQ(Imm(8), now)
	DECQ(codes)
	JNZ(LabelRef(name + "Loop"))
	VZEROUPPER()
	RET()
}
