package isa

import (
	"strings"
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// TestNetworkTable: networks of every origin survive the container and the text
// form, and take the bytes that NetworkBytes says.
func TestNetworkTable(t *testing.T) {
	p := &Program{Name: "networks", Rounding: HalfUpShift}
	nested, err := xorcode.NestedNetwork(20, 30, 5)
	if err != nil {
		t.Fatal(err)
	}
	taps, err := xorcode.TapNetwork(12, 40, 2, 6)
	if err != nil {
		t.Fatal(err)
	}
	given, err := xorcode.NewNetwork(9, 3, []uint64{1, 0x1ff, 0})
	if err != nil {
		t.Fatal(err)
	}
	changed := xorcode.RandomNetwork(16, 10, 7)
	changed.Rows[3] ^= 4
	p.Networks = []*xorcode.Network{xorcode.RandomNetwork(64, 1024, 1<<63), given, nested, changed, xorcode.SpreadNetwork(8, 2, 80, 9), taps}
	section, err := writeNetworks(p, 0)
	if err != nil {
		t.Fatal(err)
	}
	bytes := 0
	for _, n := range p.Networks {
		bytes += NetworkBytes(n)
	}
	if want := 4*DrawnNetworkBytes + 4 + 3*2 + 4 + 10*2; bytes != want || len(section) != want {
		t.Errorf("%d bytes, NetworkBytes says %d, want %d", len(section), bytes, want)
	}
	read, err := Decode(encode(t, p), "networks.npu")
	if err != nil {
		t.Fatal(err)
	}
	assembled, err := Assemble(disassemble(t, p), "networks.npuasm")
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []*Program{read, assembled} {
		if len(other.Networks) != len(p.Networks) {
			t.Fatalf("%d networks, want %d", len(other.Networks), len(p.Networks))
		}
		for i, n := range other.Networks {
			if !n.Equal(p.Networks[i]) || n.Drawn() != p.Networks[i].Drawn() {
				t.Errorf("x%d changed", i)
			}
		}
	}
}

// TestNetworkTableFaults: rows that cannot be drawn are refused in both forms.
func TestNetworkTableFaults(t *testing.T) {
	row := func(change func([]byte)) []byte {
		data := []byte{16, byte(xorcode.Spread), 80, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0}
		change(data)
		return data
	}
	for _, c := range []struct {
		data []byte
		want string
	}{
		{row(func(d []byte) { d[1] = 9 }), "x0: xor network: parameter 1 for rows that are Draw(9)"},
		{row(func(d []byte) { d[6] = 1 }), "x0: reserved bytes are not 0"},
		{row(func(d []byte) { d[0] = 17 }), "x0: xor network: 17 inputs for 1 registers"},
		{row(func(d []byte) { d[0] = 65 }), "x0: xor network: inputs = 65"},
		{row(func(d []byte) { d[3] = 5 }), "x0: xor network: outputs = 1360"},
		{row(func([]byte) {})[:12], ""},
	} {
		r := &reader{data: c.data}
		if readNetworks(new(Program), 0, r); r.err == nil || !strings.Contains(r.err.Error(), c.want) {
			t.Errorf("% x: %v, want %q", c.data, r.err, c.want)
		}
	}
	for _, c := range []struct{ row, want string }{
		{"drawn_network inputs=16 outputs=80 draw=given parameter=1 seed=5", "none of random, nested, spread, taps"},
		{"drawn_network inputs=16 outputs=80 draw=spread parameter=2 seed=5", "16 inputs for 2 registers"},
		{"drawn_network inputs=16 outputs=1025 draw=random parameter=0 seed=5", "outputs = 1025"},
		{"drawn_network inputs=16 outputs=80 draw=random parameter=0 seed=-1", "seed"},
	} {
		if _, err := Assemble("npusim-program 1.0\nx0 = "+c.row+"\n", "x.npuasm"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.row, err, c.want)
		}
	}
}
