package dram

import (
	"io"
	"testing"
)

// endless repeats a list of requests.
type endless struct {
	list []TraceRequest
	next int
	left int
}

func (e *endless) Read(into []TraceRequest) (int, error) {
	n := 0
	for n < len(into) && e.left > 0 {
		k := copy(into[n:min(len(into), n+e.left)], e.list[e.next:])
		n += k
		e.left -= k
		if e.next += k; e.next == len(e.list) {
			e.next = 0
		}
	}
	if e.left == 0 {
		return n, io.EOF
	}
	return n, nil
}

// BenchmarkReplay is one operation per request, saturating traffic.
func BenchmarkReplay(b *testing.B) {
	random := splitMix(1)
	randomList, streamList, mixed := make([]TraceRequest, 1<<16), make([]TraceRequest, 1<<16), make([]TraceRequest, 1<<16)
	for i := range randomList {
		randomList[i].Address = random.next() % (1 << 30) &^ 63
		streamList[i].Address = uint64(i) * 64
		mixed[i] = TraceRequest{Address: uint64(i%3)*0x10002000 + uint64(i/3)*64, Write: i%3 == 2}
	}
	for _, traffic := range []struct {
		name string
		list []TraceRequest
	}{{"random", randomList}, {"stream", streamList}, {"two reads one write", mixed}} {
		for _, c := range []struct {
			name, standard string
			controller     Controller
		}{
			{"default ddr4-3200", "ddr4-3200", DefaultController()},
			{"ramulator2-ddr4-3200", "ramulator2-ddr4-3200", ramulatorController()},
			{"dramsim3-ddr4-3200", "dramsim3-ddr4-3200", dramsim3Controller("rochrababgco")},
		} {
			b.Run(traffic.name+"/"+c.name, func(b *testing.B) {
				s := loadStandard(b, c.standard)
				b.ReportAllocs()
				trace := &endless{list: traffic.list, left: b.N}
				if _, err := Replay(s, c.controller, trace, ReplayOptions{}); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mreq/s")
			})
		}
	}
}
