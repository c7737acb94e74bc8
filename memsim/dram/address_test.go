package dram

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mapper(t testing.TB, spec string, s *Standard, hash bool) *Mapper {
	t.Helper()
	m, err := NewMapper(spec, s, hash)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMapFields: single address bits land where the notation puts them.
func TestMapFields(t *testing.T) {
	twoRanks, wide := loadStandard(t, "dramsim3-ddr4-2400"), loadStandard(t, "dramsim3-hbm2")
	for _, c := range []struct {
		s    *Standard
		spec string
		bit  int
		want Address
	}{
		// 64-byte bursts, 128 columns, 4 bank groups, 4 banks, 2 ranks.
		{twoRanks, "rochrababgco", 5, Address{}},
		{twoRanks, "rochrababgco", 6, Address{Column: 1}},
		{twoRanks, "rochrababgco", 12, Address{Column: 64}},
		{twoRanks, "rochrababgco", 13, Address{BankGroup: 1}},
		{twoRanks, "rochrababgco", 15, Address{Bank: 1}},
		{twoRanks, "rochrababgco", 17, Address{Rank: 1}},
		{twoRanks, "rochrababgco", 18, Address{Row: 1}},
		{twoRanks, "rochrababgco", 33, Address{Row: 1 << 15}},
		{twoRanks, "rochrababgco", 34, Address{}}, // beyond the capacity
		{twoRanks, "rochracobabg", 6, Address{BankGroup: 1}},
		{twoRanks, "rochracobabg", 8, Address{Bank: 1}},
		{twoRanks, "rochracobabg", 10, Address{Column: 1}},
		{twoRanks, "RoBaRaCoCh", 6, Address{Column: 1}},
		{twoRanks, "RoBaRaCoCh", 13, Address{Rank: 1}},
		{twoRanks, "RoBaRaCoCh", 14, Address{BankGroup: 1}},
		{twoRanks, "RoBaRaCoCh", 16, Address{Bank: 1}},
		{twoRanks, "RoBaRaCoCh", 18, Address{Row: 1}},
		{twoRanks, "ChRaBaRoCo", 13, Address{Row: 1}},
		{twoRanks, "ChRaBaRoCo", 29, Address{BankGroup: 1}},
		{twoRanks, "ChRaBaRoCo", 33, Address{Rank: 1}},
		{twoRanks, "rocobabgraco2ch", 7, Address{Column: 2}},
		{twoRanks, "rocobabgraco2ch", 8, Address{Rank: 1}},
		{twoRanks, "rocobabgraco2ch", 9, Address{BankGroup: 1}},
		{twoRanks, "rocobabgraco2ch", 13, Address{Column: 4}},
		{twoRanks, "ro1robabgraco2chco5", 11, Address{Column: 32}},
		{twoRanks, "ro1robabgraco2chco5", 33, Address{Row: 1 << 15}},
		// 64-byte bursts, 32 columns, 8 channels.
		{wide, "rorabgbachco", 11, Address{Channel: 1}},
		{wide, "rorabgbachco", 14, Address{Bank: 1}},
		{wide, "rorabgbachco", 16, Address{BankGroup: 1}},
		{wide, "rorabgbachco", 18, Address{Row: 1}},
	} {
		m := mapper(t, c.spec, c.s, false)
		if got := m.Map(1 << c.bit); got != c.want {
			t.Errorf("%s: bit %d gives %+v, want %+v", c.spec, c.bit, got, c.want)
		}
		if m.Spec() != c.spec {
			t.Errorf("the map is %s", m.Spec())
		}
	}
}

var mapSpecs = []string{"rochrababgco", "rochracobabg", "rorabgbachco", "RoBaRaCoCh", "ChRaBaRoCo", "rocobabgraco2ch", "coro3bg1raco2bachbgro"}

// TestMapIsOneToOne: every address within the capacity has a place of its own,
// inside the organization, and Unmap finds it again.
func TestMapIsOneToOne(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		s, err := s.WithChannels(4)
		if err != nil {
			t.Fatal(err)
		}
		o := &s.Organization
		for _, spec := range mapSpecs {
			if o.BankGroups < 4 && strings.Contains(spec, "bg1") || o.BurstsPerRow() < 8 {
				continue // not enough bits to split
			}
			for _, hash := range []bool{false, true} {
				m := mapper(t, spec, s, hash)
				rapid.Check(t, func(t *rapid.T) {
					capacity := uint64(o.ChannelBytes()) * uint64(o.Channels)
					physical := rapid.Uint64Range(0, capacity-1).Draw(t, "physical")
					a := m.Map(physical)
					k := NewChecker(s)
					if !k.exists(a) {
						t.Fatalf("%s: %#x is at %+v", spec, physical, a)
					}
					if back, want := m.Unmap(a), physical&^uint64(o.BytesPerAccess()-1); back != want {
						t.Fatalf("%s: %#x is at %+v, which is %#x", spec, physical, a, back)
					}
					if beyond := m.Map(physical + capacity); beyond != a {
						t.Fatalf("%s: %#x does not wrap around", spec, physical+capacity)
					}
				})
			}
		}
	})
}

// TestHashSpreadsRows: a stride of one row of all banks meets one bank without
// the hash and all banks with it.
func TestHashSpreadsRows(t *testing.T) {
	s := loadStandard(t, "ddr4-2400")
	for _, hash := range []bool{false, true} {
		m := mapper(t, "rochrababgco", s, hash)
		seen := map[[2]int32]bool{}
		for i := range uint64(16) {
			a := m.Map(i << 17)
			seen[[2]int32{a.BankGroup, a.Bank}] = true
		}
		if want := map[bool]int{false: 1, true: 16}[hash]; len(seen) != want {
			t.Errorf("hash %t: %d banks, want %d", hash, len(seen), want)
		}
	}
}

func TestNewMapperRefuses(t *testing.T) {
	s := loadStandard(t, "dramsim3-ddr4-2400")
	for spec, want := range map[string]string{
		"":                           "without a field bg",
		"rochrababgxx":               "\"xx\" is no field",
		"rochrababgc":                "\"c\" at the end",
		"rochbabgco":                 "ra has 1 bits",
		"rochrabgco":                 "ba has 2 bits",
		"rochrababgcoco":             "co stands twice",
		"rochrababgco9":              "co has 7 bits, the map gives it 9",
		"rochrababgco6":              "co has 7 bits, the map gives it 6",
		"rochraba1baco":              "without a field bg",
		strings.Repeat("ro", 40):     "longer than 64",
		"rochrababgco63":             "a part of co has more than 62 bits",
		"rochrababgco62":             "co has 7 bits, the map gives it 62",
		"rochrababgco99999999999999": "a part of co has more than 62 bits",
		// Two of them would be -2 bits, 32 of 2^59 none.
		"rochrababgcoco9223372036854775807co9223372036854775807": "a part of co has more than 62 bits",
		"rochrababgcoco18446744073709551616":                     "a part of co has more than 62 bits",
	} {
		m, err := NewMapper(spec, s, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, %v; want %q", spec, m, err, want)
		}
	}
}

func FuzzMapper(f *testing.F) {
	for _, spec := range mapSpecs {
		f.Add(spec, uint64(0x1234567890), true)
	}
	f.Add("ro-1", uint64(1), false)
	f.Add("rochrababgcoco9223372036854775807co9223372036854775807", uint64(1), false)
	s, err := Load("dramsim3-ddr4-2400")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, spec string, physical uint64, hash bool) {
		m, err := NewMapper(spec, s, hash)
		if err != nil {
			return
		}
		a := m.Map(physical)
		if again := m.Map(m.Unmap(a)); again != a {
			t.Fatalf("%q: %+v comes back as %+v", spec, a, again)
		}
	})
}

func BenchmarkMap(b *testing.B) {
	m := mapper(b, "RoBaRaCoCh", loadStandard(b, "dramsim3-ddr4-2400"), true)
	var sum int32
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i += 64 {
		a := m.Map(i)
		sum += a.Row + a.Column
	}
	_ = sum
}
