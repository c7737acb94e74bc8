package reports

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567", -1: "-1", -1000: "-1,000", -999: "-999",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1: "1 B", 999: "999 B", 1000: "1.00 kB", 1234: "1.23 kB", 9996: "10.0 kB", 99_950: "100 kB", 999_499: "999 kB", 999_500: "1.00 MB",
		45_600_000: "45.6 MB", 1_000_000_000: "1.00 GB", 3_210_000_000_000: "3.21 TB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	if got := KiB(262144); got != "256.0" {
		t.Errorf("KiB(262144) = %q, want 256.0", got)
	}
}

func TestSmallAmounts(t *testing.T) {
	for ms, want := range map[float64]string{0: "0 ms", 1.5: "1.500 ms", 0.001: "0.001000 ms", 0.0005: "0.5000 µs", 0.00002: "0.02000 µs"} {
		if got := latency(ms); got != want {
			t.Errorf("latency(%g) = %q, want %q", ms, got, want)
		}
	}
	for energy, want := range map[float64]string{0: "0.00", 1234.5: "1,234.50", 0.01: "0.01", 0.00999: "9.99 nJ", 1e-7: "0.000100 nJ"} {
		if got := microjoules(energy); got != want {
			t.Errorf("microjoules(%g) = %q, want %q", energy, got, want)
		}
	}
}

func TestSignificant(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 1: "1.00", 9.996: "10.0", 9.994: "9.99", 99.96: "100", 123.4: "123", 12345: "12,345", 0.0123: "0.0123", 0.00099999: "0.00100", -2.5: "-2.50",
	} {
		if got := significant(x, 3); got != want {
			t.Errorf("significant(%g, 3) = %q, want %q", x, got, want)
		}
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64} {
		if significant(x, 3) == "" || decimal(x, 2) == "" {
			t.Errorf("no text for %g", x)
		}
	}
	if got := decimal(math.Inf(-1), 1); got != "-Inf" {
		t.Errorf("decimal(-Inf) = %q", got)
	}
}

func TestPercentagesSumToHundred(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Float64Range(0, 1e12), 1, 40).Draw(t, "parts")
		texts := percentages(parts)
		sum := 0.0
		for _, p := range parts {
			sum += p
		}
		if sum == 0 {
			if strings.Join(texts, "") != strings.Repeat("-", len(parts)) {
				t.Fatalf("shares of nothing are %q, want dashes", texts)
			}
			return
		}
		tenths := int64(0)
		for i, text := range texts {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(value-100*parts[i]/sum) > 0.1001 {
				t.Fatalf("share %d is %s, exactly %g", i, text, 100*parts[i]/sum)
			}
			tenths += int64(math.Round(value * 10))
		}
		if tenths != 1000 {
			t.Fatalf("shares %q sum to %d tenths, want 1000", texts, tenths)
		}
	})
}

func TestKeys(t *testing.T) {
	got := keys([]string{"weights", "activations"}, map[string]int64{"zeta": 1, "activations": 2}, map[string]int64{"alpha": 3, "zeta": 4, "weights": 5})
	if want := []string{"weights", "activations", "alpha", "zeta"}; !slices.Equal(got, want) {
		t.Errorf("keys = %q, want %q", got, want)
	}
}
