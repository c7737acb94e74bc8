package kernel

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
)

// eachForm runs a test with every form that this machine supports.
func eachForm(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	defer func(f form) { active = f }(active)
	for f := formPortable; f <= best(); f++ {
		active = f
		t.Run(f.String(), test)
	}
}

// rounds is a number of random cases, fewer under -short.
func rounds(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// randomBytes returns n elements, a share of them at the ends of the range.
func randomBytes(r *rand.Rand, n int) []int8 {
	s := make([]int8, n)
	for i := range s {
		switch r.IntN(8) {
		case 0:
			s[i] = -128
		case 1:
			s[i] = 127
		default:
			s[i] = int8(r.Uint32())
		}
	}
	return s
}

func randomSums(r *rand.Rand, n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(r.Uint32()) >> r.IntN(32)
	}
	return s
}

// guard is the number of elements beside a destination that must survive.
const guard = 80

// guarded returns a copy of s between two guards, and the check that they are
// untouched.
func guarded[T int8 | int32 | int64](r *rand.Rand, s []T) (inner []T, check func(t *testing.T)) {
	whole := make([]T, len(s)+2*guard)
	for i := range whole {
		whole[i] = T(r.Uint32())
	}
	before := append([]T(nil), whole...)
	inner = whole[guard : guard+len(s) : guard+len(s)]
	copy(inner, s)
	return inner, func(t *testing.T) {
		t.Helper()
		for i := range guard {
			if whole[i] != before[i] {
				t.Fatalf("element %d before the slice was overwritten", guard-i)
			}
			if last := len(whole) - 1 - i; whole[last] != before[last] {
				t.Fatalf("element %d after the slice was overwritten", guard-1-i)
			}
		}
	}
}

func mustPanic(t *testing.T, name string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", name)
		}
	}()
	f()
}

func TestChoiceOfForm(t *testing.T) {
	if got := choose(true); got != formPortable {
		t.Errorf("forced: %v, want portable", got)
	}
	if got := choose(false); got != best() {
		t.Errorf("free: %v, want %v", got, best())
	}
}

// TestEnvironment starts this test again with NPUSIM_PORTABLE set.
func TestEnvironment(t *testing.T) {
	if os.Getenv("NPUSIM_PORTABLE") == "1" {
		if Implementation() != "portable" {
			t.Fatalf("NPUSIM_PORTABLE=1 uses %s", Implementation())
		}
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestEnvironment$")
	command.Env = append(os.Environ(), "NPUSIM_PORTABLE=1")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}
