package reports

import (
	"math"
	"sort"
	"strconv"
)

// Count writes an integer with a comma between groups of three digits.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Bytes writes a number of bytes with three significant digits and a prefix
// that is a power of 1000: 0 B, 999 B, 1.23 kB, 45.6 MB.
func Bytes(n int64) string { return quantity(float64(n), "B") }

// KiB writes a number of bytes in units of 1024 bytes, as scratchpads are
// configured.
func KiB(n int64) string { return decimal(float64(n)/1024, 1) }

// decimal writes x with the given number of decimals and groups of three
// digits before the point.
func decimal(x float64, places int) string {
	text := strconv.FormatFloat(x, 'f', places, 64)
	whole, sign, fraction := text, "", ""
	for i, c := range text {
		if c == '.' {
			whole, fraction = text[:i], text[i:]
			break
		}
	}
	if whole != "" && whole[0] == '-' {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		if whole[i-1] < '0' || whole[i-1] > '9' { // NaN, Inf
			break
		}
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + fraction
}

// prefixes of SI, each 1000 times the one before.
var prefixes = []struct {
	factor float64
	symbol string
	word   string
}{
	{1, "", ""}, {1e3, "k", "thousands"}, {1e6, "M", "millions"}, {1e9, "G", "billions"}, {1e12, "T", "trillions"}, {1e15, "P", "quadrillions"},
}

// prefixOf returns the index in prefixes of the largest prefix not above x.
func prefixOf(x float64) int {
	index := 0
	for i, p := range prefixes {
		if math.Abs(x) >= p.factor {
			index = i
		}
	}
	return index
}

// quantity writes x with three significant digits, an SI prefix and a unit.
func quantity(x float64, unit string) string {
	index := prefixOf(x)
	scaled := x / prefixes[index].factor
	if math.Abs(scaled) >= 999.5 && index+1 < len(prefixes) {
		index++
		scaled = x / prefixes[index].factor
	}
	if index == 0 && x == math.Trunc(x) {
		return strconv.FormatFloat(x, 'f', 0, 64) + " " + unit
	}
	return significant(scaled, 3) + " " + prefixes[index].symbol + unit
}

// significant writes x with the given number of significant digits, never in
// exponent form and never cutting digits before the point.
func significant(x float64, digits int) string {
	if x == 0 {
		return "0"
	}
	// Rounding first: 9.996 with three digits is 10.0, not 10.00.
	rounded := roundTo(x, digits)
	if math.IsInf(rounded, 0) || math.IsNaN(rounded) {
		return strconv.FormatFloat(x, 'g', digits, 64)
	}
	places := digits - 1 - int(math.Floor(math.Log10(math.Abs(rounded))))
	return decimal(x, min(max(places, 0), 12))
}

// roundTo rounds to a number of significant digits.
func roundTo(x float64, digits int) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	if err != nil { // beyond the largest float
		return math.NaN()
	}
	return rounded
}

// latency writes milliseconds with four significant digits, as microseconds
// below 0.001.
func latency(ms float64) string {
	if ms > 0 && ms < 0.001 {
		return significant(1e3*ms, 4) + " µs"
	}
	return significant(ms, 4) + " ms"
}

// microjoules writes an energy for a column headed µJ: two decimals, or
// nanojoules with their unit below 0.01.
func microjoules(energy float64) string {
	if energy > 0 && energy < 0.01 {
		return significant(1e3*energy, 3) + " nJ"
	}
	return decimal(energy, 2)
}

// percent writes the share part/whole in percent with one decimal, or a dash
// if there is no whole.
func percent(part, whole float64) string {
	if whole == 0 {
		return "-"
	}
	return decimal(100*part/whole, 1)
}

// percentages writes the shares of parts in percent with one decimal so that
// the written figures sum to exactly 100.0: the largest remainders are rounded
// up, the earlier part on a tie. Without anything to share they are dashes.
func percentages(parts []float64) []string {
	texts := make([]string, len(parts))
	whole := 0.0
	for _, p := range parts {
		whole += p
	}
	if whole <= 0 || math.IsInf(whole, 0) || math.IsNaN(whole) {
		for i := range texts {
			texts[i] = "-"
		}
		return texts
	}
	tenths := make([]int64, len(parts))
	order := make([]int, len(parts))
	remainder := make([]float64, len(parts))
	left := int64(1000)
	for i, p := range parts {
		exact := 1000 * p / whole
		tenths[i] = int64(math.Floor(exact))
		remainder[i] = exact - math.Floor(exact)
		order[i] = i
		left -= tenths[i]
	}
	sort.SliceStable(order, func(a, b int) bool { return remainder[order[a]] > remainder[order[b]] })
	for _, i := range order {
		if left <= 0 {
			break
		}
		tenths[i]++
		left--
	}
	for i, t := range tenths {
		texts[i] = decimal(float64(t)/10, 1)
	}
	return texts
}

// keys returns the keys of the maps: those of the known order first, then the
// others by name. Every key appears once.
func keys[V any](order []string, maps ...map[string]V) []string {
	present := map[string]bool{}
	for _, m := range maps {
		for key := range m {
			present[key] = true
		}
	}
	var result []string
	for _, key := range order {
		if present[key] {
			result = append(result, key)
			delete(present, key)
		}
	}
	rest := make([]string, 0, len(present))
	for key := range present {
		rest = append(rest, key)
	}
	sort.Strings(rest)
	return append(result, rest...)
}
