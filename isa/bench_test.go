package isa

import (
	"strings"
	"testing"
)

// benchmarkTiles gives about 100,000 executed instructions.
const benchmarkTiles = 8000

func BenchmarkVerify(b *testing.B) {
	p := pipeline(benchmarkTiles).p
	executed := 0
	for u := range p.Code {
		executed += dynamicCount(p.Code[u], func(Opcode) bool { return true })
	}
	for b.Loop() {
		if err := Verify(p, testLimits); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(executed), "instructions")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(executed), "ns/instruction")
}

// straight is a program without loops, as long as a compiled network.
func straight(b *testing.B) *Program {
	p := pipeline(2).p
	var code [NumUnits][]Instruction
	for u := range p.Code {
		if len(p.Code[u]) == 0 {
			continue
		}
		stream, err := NewStream(p.Code[u])
		if err != nil {
			b.Fatal(err)
		}
		cursor := stream.Cursor()
		var d Dynamic
		for range 4000 {
			for cursor = stream.Cursor(); cursor.Next(&d); {
				code[u] = append(code[u], *d.Instruction)
			}
		}
		code[u] = append(code[u], Instruction{Op: Halt})
	}
	p.Code = code
	for len(p.Descriptors) < 10000 {
		p.Descriptors = append(p.Descriptors, p.Descriptors[len(p.Descriptors)%3])
	}
	return p
}

func BenchmarkEncode(b *testing.B) {
	p := straight(b)
	for b.Loop() {
		data, err := p.Encode()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := straight(b).Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Decode(data, "benchmark"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAssemble(b *testing.B) {
	var text strings.Builder
	if err := Disassemble(&text, straight(b)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := Assemble(text.String(), "benchmark"); err != nil {
			b.Fatal(err)
		}
	}
}
