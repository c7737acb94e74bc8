package dram

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// withBankRefresh is a standard with other timings of per-bank refresh.
func withBankRefresh(t fataler, name string, with map[string]Clock) *Standard {
	text, err := standardFiles.ReadFile("standards/" + name + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	var changed strings.Builder
	for line := range strings.Lines(string(text)) {
		key, _, _ := strings.Cut(line, " =")
		if value, ok := with[key]; ok {
			line = fmt.Sprintf("%s = %d\n", key, value)
		}
		changed.WriteString(line)
	}
	s, err := ParseStandard(name, []byte(changed.String()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// replayWithRefresh replays random traffic on some banks or all. It fails the
// test where the controller refreshes without end and serves nobody.
func replayWithRefresh(t fataler, s *Standard, c Controller, requests int, span, seed uint64) error {
	random := splitMix(seed)
	list := make([]TraceRequest, requests)
	for i := range list {
		list[i] = TraceRequest{Address: random.next() % span &^ 63, Write: random.next()%4 == 0}
	}
	commands, last := 0, 0
	_, err := Replay(s, c, &SliceTrace{Requests: list}, ReplayOptions{Log: func(_ int, cmd Command, _ Address, _ Clock) {
		commands++
		if cmd.IsColumn() {
			last = commands
		}
		if commands-last > 5000 {
			p := &s.Timing
			t.Fatalf("%s, rfc_pb = %d, refi_pb = %d, pbr_pbr = %d, pbr_act = %d, scheduling %d are accepted, but nothing is served",
				s.Name, p.RFCPB, p.REFIPB, p.PBRPBR, p.PBRACT, c.Scheduling)
		}
	}})
	return err
}

// bankRefreshControllers are both schedulings with banks refreshed in turn.
func bankRefreshControllers() []Controller {
	list := []Controller{
		DefaultController(), ramulatorController(), change(DefaultController(), func(c *Controller) { c.RowPolicy = ClosedRow }),
		dramsim3Controller("rorabgbachco"), change(dramsim3Controller("rorabacobgch"), func(c *Controller) { c.RowPolicy = ClosedRow }),
	}
	for i := range list {
		list[i].Refresh = BanksInTurn
	}
	return list
}

// TestBankRefreshThatPilesUp: refreshes of single banks that do not fit are
// refused, those of every standard are not.
func TestBankRefreshThatPilesUp(t *testing.T) {
	for _, rfc := range []Clock{3880, 3888, 10000} {
		s := withBankRefresh(t, "hbm2", map[string]Clock{"rfc_pb": rfc})
		for _, c := range bankRefreshControllers() {
			if err := replayWithRefresh(t, s, c, 2000, 1<<30, 1); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("rfc_pb = %d", rfc)) || !strings.Contains(err.Error(), "pile up") {
				t.Errorf("rfc_pb = %d with scheduling %d: %v", rfc, c.Scheduling, err)
			}
		}
	}
	s := withBankRefresh(t, "hbm2", map[string]Clock{"refi_pb": 50})
	if err := replayWithRefresh(t, s, bankRefreshControllers()[0], 2000, 1<<30, 1); err == nil || !strings.Contains(err.Error(), "no time for requests") {
		t.Errorf("a refresh every 50 clocks: %v", err)
	}
	for _, name := range Standards() {
		s := loadStandard(t, name)
		if s.Timing.REFIPB == 0 {
			continue
		}
		for _, c := range bankRefreshControllers() {
			if err := replayWithRefresh(t, s, c, 500, 1<<30, 1); err != nil {
				t.Errorf("%s as it is: %v", name, err)
			}
		}
	}
}

// TestAcceptedBankRefreshEnds: whatever is accepted serves all requests, close
// to the bounds as well.
func TestAcceptedBankRefreshEnds(t *testing.T) {
	names := []string{"hbm2", "lpddr5-6400", "ramulator2-hbm2", "lpddr4-3200"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "standard")
		c := rapid.SampledFrom(bankRefreshControllers()).Draw(t, "controller")
		refi := rapid.IntRange(20, 600).Draw(t, "refi_pb")
		with := map[string]Clock{
			"ranks":   Clock(1 << rapid.IntRange(0, 2).Draw(t, "ranks, log2")),
			"refi_pb": Clock(refi),
			"pbr_pbr": Clock(rapid.IntRange(1, refi).Draw(t, "pbr_pbr")),
			"pbr_act": Clock(rapid.IntRange(1, refi).Draw(t, "pbr_act")),
		}
		// The longest refresh that is accepted, or a shorter one.
		accepted := func(rfc int) bool {
			with["rfc_pb"] = Clock(rfc)
			return checkRefresh(withBankRefresh(t, name, with), &c) == nil
		}
		low, high := 0, maxClocks
		if !accepted(1) {
			return
		}
		for low+1 < high {
			if middle := (low + high) / 2; accepted(middle) {
				low = middle
			} else {
				high = middle
			}
		}
		if rapid.Bool().Draw(t, "shorter") {
			low = rapid.IntRange(1, low).Draw(t, "rfc_pb")
		}
		if !accepted(low) {
			t.Fatalf("rfc_pb = %d is refused, a longer one is not", low)
		}
		span := rapid.SampledFrom([]uint64{1 << 12, 1 << 18, 1 << 30}).Draw(t, "span")
		if err := replayWithRefresh(t, withBankRefresh(t, name, with), c, 400, span, rapid.Uint64().Draw(t, "seed")); err != nil {
			t.Fatal(err)
		}
	})
}
