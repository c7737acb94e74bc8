package isa

import (
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// lookupTile is a product of 16 inputs with 8 rows of one plane: 2 tables of 8
// inputs.
func lookupTile() *LookupTile {
	w := convolution(16, 1, 1).Window
	w.Output = pixels(8, 1)
	return &LookupTile{InputChannels: 16, OutputChannels: 8, Mu: 8, Planes: 1, Window: w}
}

// product builds tables and queries them once they are there. The code of the
// first unit begins with what it waits for or, if it builds, with the build.
func product(first Unit) (b *builder, build, query *LookupTile) {
	b = newBuilder()
	build, query = lookupTile(), lookupTile()
	builds := []Instruction{operate(BuildTables, b.descriptor(build), at(ActivationBuffer, 0), at(TableBuffer, 0))}
	queries := []Instruction{operate(QueryTables, b.descriptor(query), at(TableBuffer, 0), at(WeightBuffer, 0), at(WeightBuffer, 64), Address{}, at(ActivationBuffer, 64), at(WeightBuffer, 32))}
	if first == TableBuilder {
		s := b.semaphore(TableBuilder, LookupGEMM, 0)
		builds, queries = append(builds, signal(s)), append([]Instruction{wait(s)}, queries...)
	} else {
		s := b.semaphore(LookupGEMM, TableBuilder, 0)
		queries, builds = append(queries, signal(s)), append([]Instruction{wait(s)}, builds...)
	}
	b.code(TableBuilder, builds...)
	b.code(LookupGEMM, queries...)
	return b, build, query
}

// TestVerifyTables: tables are queried after they were built, for keys of the
// same width, inside the table buffer, by descriptors of the right kind.
func TestVerifyTables(t *testing.T) {
	b, _, _ := product(TableBuilder)
	mustVerify(t, b.p)

	b, _, _ = product(LookupGEMM)
	mustFail(t, b.p, "query_tables reads table 0, which no instruction has built before")

	b, _, _ = product(TableBuilder)
	b.drop(TableBuilder, BuildTables)
	mustFail(t, b.p, "query_tables reads table 0, which no instruction has built before")

	b, build, _ := product(TableBuilder)
	build.InputChannels = 8 // one table of the two
	mustFail(t, b.p, "query_tables reads table 1, which no instruction has built before")

	b, build, _ = product(TableBuilder)
	build.Mu = 4
	mustFail(t, b.p, "query_tables reads table 0 with keys of 8 bits, it was built for 4")

	b, _, _ = product(TableBuilder)
	b.find(TableBuilder, BuildTables).Operands[1].Offset = testBuffer - 1
	mustFail(t, b.p, "build_tables operand tables touches tables 0xffff to 0x10001 of table_buffer, which has 0x10000")

	b, _, _ = product(TableBuilder)
	b.p.Buffers[TableBuffer] = 1
	mustFail(t, b.p, "build_tables operand tables touches table_buffer up to table 0x2, beyond the stated peak of 0x1")

	b, _, _ = product(TableBuilder)
	b.p.Descriptors[1] = convolution(16, 1, 1)
	mustFail(t, b.p, "query_tables needs a descriptor of kind lookup_tile, d1 is a convolution_tile")

	b, _, _ = product(TableBuilder)
	b.find(LookupGEMM, QueryTables).Operands[0] = at(ActivationBuffer, 0)
	mustFail(t, b.p, "query_tables operand tables", "activation_buffer")
}

// TestVerifySealedKeys: networks that cannot be are faults, whatever descriptors
// make of them.
func TestVerifySealedKeys(t *testing.T) {
	for _, n := range []*xorcode.Network{nil, {}, {Outputs: -8, Inputs: 1}, {Outputs: 8}} {
		b := newBuilder()
		b.p.Networks = []*xorcode.Network{n}
		b.descriptor(&SealedKeys{Mu: 8, Planes: 1, Rows: 4, Keys: 2, CodeBytes: 8})
		mustFail(t, b.p, "x0")
	}
}
