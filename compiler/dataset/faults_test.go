package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs/strict"
)

// Each fault must be reported with its line, its key and its rule; a file with
// several must report them all.
func TestSetFaults(t *testing.T) {
	zero, err := FromFloats(nil, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	more := map[string]any{
		"none.npy":   counting(t, Uint8, 0, 0, 3),
		"scalar.npy": zero,
		"seven.npy":  counting(t, Uint8, 0, 7),
		"float.npy":  counting(t, Float32, 0, 4),
		"wide.npy":   counting(t, Uint8, 0, 4, 2),
		"minus.npy":  counting(t, Int32, -1, 4),
		"bad.npy":    "junk",
		"a.npz":      zipFile(t, zipEntry{"a.npy", 8, smallNPY(1)}),
		"three.csv":  "file,label\na,1\nb,2\n\"c\",3\n",
		"odd.csv":    "file,label\na,1\nb,two\n",
		"empty.csv":  "file,label\n",
		"cols.csv":   "a,b,c\n",
		"plain.csv":  "0\n1\n2\n3\n",
		"gone.csv":   "file,label\ngone.jpg,1\n../x.npy,2\n",
		"blank/a":    "",
		"pics/p.png": "not a picture",
		"data.txt":   "",
	}
	cases := []struct {
		name string
		text string
		want []string // one for each fault, in order of the file
	}{
		{"syntax", "inputs = \"x.npy\"\nlabels = \n", []string{"set.toml:2: syntax"}},
		{"nothing", "", []string{"inputs: is missing"}},
		{"unknown key", "inputs = \"x.npy\"\n\nlabel = \"y.npy\"", []string{"set.toml:3: label: unknown key (did you mean labels?)"}},
		{"wrong types", "inputs = 3\nscale = \"1\"\nlayout = true\nlabels = [1]", []string{
			"set.toml:1: inputs: must be a string", "set.toml:2: scale: must be a number", "set.toml:3: layout: must be a string", "set.toml:4: labels: must be a string"}},
		{"several at once", "inputs = \"gone.npy\"\nlayout = \"NHCW\"\nstd = 0\ncalibration = \"4:2\"\nfoo = 1", []string{
			"set.toml:1: inputs: gone.npy: no such file", `set.toml:2: layout: must be one of "NCHW", "NHWC", not "NHCW" (did you mean`,
			"set.toml:3: std: must be above 0", `set.toml:4: calibration: must be a slice "a:b"`, "set.toml:5: foo: unknown key"}},
		{"parent folder", `inputs = "../x.npy"`, []string{`inputs: "../x.npy" must be a relative path inside the folder`}},
		{"absolute path", `inputs = "/etc/passwd"`, []string{"must be a relative path inside the folder"}},
		{"hidden parent", `inputs = "pics/../../x.npy"`, []string{"must be a relative path inside the folder"}},
		{"empty path", `inputs = ""`, []string{"inputs: must not be empty"}},
		{"labels elsewhere", "inputs = \"x.npy\"\nlabels = \"/y.npy\"", []string{"set.toml:2: labels: \"/y.npy\" must be a relative path"}},
		{"kind of file", `inputs = "data.txt"`, []string{"data.txt: unknown kind of file"}},
		{"bad array", `inputs = "bad.npy"`, []string{"inputs: bad.npy: npy: "}},
		{"no samples", `inputs = "none.npy"`, []string{"shape [0,3]: there are no samples"}},
		{"scalar", `inputs = "scalar.npy"`, []string{"the first axis must count samples"}},
		{"archive without key", `inputs = "a.npz"`, []string{"so key must name an array"}},
		{"absent key", "inputs = \"a.npz\"\nkey = \"b\"", []string{`no array "b"; there are "a"`}},
		{"key without archive", "inputs = \"x.npy\"\nkey = \"b\"", []string{"set.toml:2: key: has a meaning only for an .npz file"}},
		{"scale 0", "inputs = \"x.npy\"\nscale = 0", []string{"scale: must be a finite number other than 0"}},
		{"infinite scale", "inputs = \"x.npy\"\nscale = inf", []string{"scale: must be a finite number"}},
		{"nan mean", "inputs = \"x.npy\"\nmean = [0, nan]", []string{"mean: must hold finite numbers"}},
		{"text mean", "inputs = \"x.npy\"\nmean = [\"0\"]", []string{"mean: must be a number or a list"}},
		{"empty std", "inputs = \"x.npy\"\nstd = []", []string{"std: must not be empty"}},
		{"lengths", "inputs = \"x.npy\"\nmean = [1, 2]\nstd = [1, 2, 3]", []string{"set.toml:3: std: has 3 entries, mean has 2"}},
		{"negative slice", "inputs = \"x.npy\"\nevaluation = \"-2:\"", []string{"evaluation: must be a slice"}},
		{"stepped slice", "inputs = \"x.npy\"\nevaluation = \"0:4:2\"", []string{"evaluation: must be a slice"}},
		{"empty slice", "inputs = \"x.npy\"\nevaluation = \"2:2\"", []string{"evaluation: must be a slice"}},
		{"no slice", "inputs = \"x.npy\"\nevaluation = \"2\"", []string{"evaluation: must be a slice"}},
		{"slices beyond", "inputs = \"x.npy\"\ncalibration = \"4:\"\nevaluation = \"0:5\"", []string{
			`set.toml:2: calibration: slice "4:" is out of range: 0 <= a < b <= 4`, `set.toml:3: evaluation: slice "0:5" is out of range`}},
		{"label count", "inputs = \"x.npy\"\nlabels = \"seven.npy\"", []string{"labels: seven.npy has 7 labels, the inputs have 4 samples"}},
		{"float labels", "inputs = \"x.npy\"\nlabels = \"float.npy\"", []string{"labels are float32; expected an integer type"}},
		{"label shape", "inputs = \"x.npy\"\nlabels = \"wide.npy\"", []string{"labels of shape [4,2]"}},
		{"negative label", "inputs = \"x.npy\"\nlabels = \"minus.npy\"", []string{"label -1 of sample 0"}},
		{"label folder", "inputs = \"x.npy\"\nlabels = \"pics\"", []string{"pics is a folder"}},
		{"CSV count", "inputs = \"x.npy\"\nlabels = \"three.csv\"", []string{"three.csv has 3 labels"}},
		{"CSV word", "inputs = \"x.npy\"\nlabels = \"odd.csv\"", []string{`odd.csv: line 3: label "two" is not a class number`}},
		{"CSV without rows", "inputs = \"x.npy\"\nlabels = \"empty.csv\"", []string{"empty.csv: the file has no rows"}},
		{"CSV columns", "inputs = \"x.npy\"\nlabels = \"cols.csv\"", []string{"cols.csv: line 1 has 3 columns"}},
		{"images not there", "inputs = \"pics\"\nlabels = \"gone.csv\"", []string{"gone.csv line 2: pics/gone.jpg: no such file or directory; gone.csv line 3: x.npy: path escapes"}},
		{"images without names", "inputs = \"pics\"\nlabels = \"plain.csv\"", []string{"needs labels with rows file,label"}},
		{"no images", `inputs = "blank"`, []string{"has no .jpg, .jpeg or .png file"}},
		{"unknown metric", "inputs = \"x.npy\"\nmetric = \"top-1\"", []string{`metric: must be one of "top1", "next-token", "binary", "none", not "top-1" (did you mean top1?)`}},
		{"top1 without labels", "inputs = \"x.npy\"\nmetric = \"top1\"", []string{`metric: "top1" needs labels`}},
		{"next-token with labels", "inputs = \"x.npy\"\nlabels = \"y.npy\"\nmetric = \"next-token\"", []string{`metric: "next-token" does not use labels`}},
		{"binary without reference", "inputs = \"x.npy\"\nmetric = \"binary\"", []string{`metric: "binary" needs reference`}},
		{"threshold alone", "inputs = \"x.npy\"\nthreshold = 0.3", []string{`threshold: has a meaning only with metric = "binary"`}},
		{"both forms", "inputs = \"x.npy\"\nscale = 2\n[[input]]\nname = \"a\"\nfile = \"x.npy\"", []string{
			"set.toml:1: inputs: must not stand beside [[input]]", "set.toml:2: scale: must not stand beside [[input]]"}},
		{"input without name", "[[input]]\nfile = \"x.npy\"", []string{"set.toml:1: input[0].name: is missing or empty"}},
		{"input twice", "[[input]]\nname = \"a\"\nfile = \"x.npy\"\n[[input]]\nname = \"a\"\nzeros = true", []string{`set.toml:5: input[1].name: "a" stands twice`}},
		{"input without source", "[[input]]\nname = \"a\"\nfile = \"x.npy\"\n[[input]]\nname = \"b\"", []string{"set.toml:4: input[1]: needs one of file, zeros = true or state = true"}},
		{"file and zeros", "[[input]]\nname = \"a\"\nzeros = true\nfile = \"x.npy\"", []string{"set.toml:4: input[0].file: contradicts zeros and state"}},
		{"scaled zeros", "[[input]]\nname = \"a\"\nfile = \"x.npy\"\n[[input]]\nname = \"b\"\nzeros = true\nmean = 1", []string{"set.toml:7: input[1].mean: has no meaning for an input without file"}},
		{"only zeros", "[[input]]\nname = \"a\"\nzeros = true", []string{"no input has a file"}},
		{"sample counts", "[[input]]\nname = \"a\"\nfile = \"x.npy\"\n[[input]]\nname = \"b\"\nfile = \"seven.npy\"", []string{"set.toml:6: input[1].file: b (seven.npy) has 7 samples, a (x.npy) has 4"}},
		{"unknown in input", "[[input]]\nname = \"a\"\nfile = \"x.npy\"\nzero = true", []string{"set.toml:4: input[0].zero: unknown key (did you mean input[0].zeros?)"}},
		{"input for inputs", "input = \"x.npy\"", []string{"set.toml:1: input: describes inputs by name, in [[input]] tables; the file of a single input is called inputs (did you mean inputs?)"}},
		{"input is no table", "input = 3", []string{"set.toml:1: input: must be a list"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := openText(t, c.text, more)
			var faults strict.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("error %v is not a list of faults", err)
			}
			if len(faults) != len(c.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(faults), len(c.want), err)
			}
			for i, fault := range faults {
				got := fault.Error()
				if !strings.Contains(got, c.want[i]) {
					t.Errorf("fault %d is %q, want one with %q", i, got, c.want[i])
				}
			}
		})
	}
}

func TestSetRefusesSymbolicLinksOutside(t *testing.T) {
	outside := writeFiles(t, map[string]any{"x.npy": counting(t, Uint8, 0, 4), "pics/a.png": "x"})
	for link, text := range map[string]string{"x.npy": `inputs = "x.npy"`, "pics": `inputs = "pics"`} {
		dir := writeFiles(t, map[string]any{"set.toml": text})
		if err := os.Symlink(filepath.Join(outside, link), filepath.Join(dir, link)); err != nil {
			t.Skipf("symbolic links cannot be made here (some systems ask for a privilege): %v", err)
		}
		if _, err := Open(filepath.Join(dir, "set.toml")); err == nil || !strings.Contains(err.Error(), "escapes") {
			t.Errorf("link to %s: error %v", link, err)
		}
	}
	// A link that stays inside is fine.
	dir := writeFiles(t, map[string]any{"set.toml": `inputs = "b.npy"`, "a.npy": counting(t, Uint8, 0, 4)})
	if err := os.Symlink("a.npy", filepath.Join(dir, "b.npy")); err != nil {
		t.Fatal(err)
	}
	set, err := Open(filepath.Join(dir, "set.toml"))
	if err != nil {
		t.Fatal(err)
	}
	set.Close()
}

// FuzzDescription looks for panics in the checks of data set files.
func FuzzDescription(f *testing.F) {
	f.Add([]byte("inputs = \"x.npy\"\nlabels = \"y.csv\"\nmean = [1, 2]\nstd = 3.0\ncalibration = \"1:2\""))
	f.Add([]byte("[[input]]\nname = \"a\"\nfile = \"b.npz\"\nkey = \"c\"\n[[input]]\nname = \"b\"\nzeros = true"))
	f.Add([]byte("input = [{name = \"a\", state = true}]\nmetric = \"binary\""))
	f.Add([]byte("inputs = \"..\"\nevaluation = \":\"\nlayout = \"NHWC\""))
	f.Fuzz(func(t *testing.T, text []byte) {
		faults := &faultList{path: "set.toml"}
		d := describe(text, faults)
		if faults.err() != nil {
			return
		}
		if len(d.inputs) == 0 {
			t.Fatal("a description without inputs has no fault")
		}
		for _, in := range d.inputs {
			if in.file != "" && !filepath.IsLocal(in.file) || len(in.mean) == 0 || len(in.std) == 0 || in.scale == 0 {
				t.Fatalf("input without fault: %+v", in)
			}
		}
	})
}
