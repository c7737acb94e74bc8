// Package compare sets the results of several runs side by side: the main
// figures with their differences from the first run, the layers aligned by
// name, the keys in which the configurations differ, and gates, which are bounds
// that a script wants kept. It renders all of that as text, JSON, CSV and a page
// that needs nothing but a browser.
//
// What is compared are the figures as the summaries of the runs hold them; a
// figure that a summary does not have is absent and never 0. Nothing is
// corrected for: runs of different networks or machines are compared as they
// are, and every form of the comparison says that they differ.
//
// Differences are B - A in the unit of the figure, and 100 (B - A) / |A| in
// percent; shares of 1 differ in points, which are hundredths, ratios in decibel
// in dB.
package compare

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
)

// Bounds of a comparison: each report has a colour and columns of its own.
const (
	LeastReports = 2
	MostReports  = 8
)

// Setting is a key of a configuration with its value as TOML.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Report is one run.
type Report struct {
	Path     string           // of its summary
	Label    string           // short name, different from those of the others
	Result   *evaluate.Result // as the summary says
	Settings []Setting        // of its configuration; nil if that is not known

	present map[string]bool // keys that the summary has, as fields of the result
}

// Suggest returns the candidate that a name most likely stands for, or "".
type Suggest func(name string, candidates []string) string

// Load reads report directories or the summary files in them. The errors name
// file and key.
func Load(paths []string, suggest Suggest) ([]*Report, error) {
	if len(paths) < LeastReports || len(paths) > MostReports {
		return nil, fmt.Errorf("%d to %d reports can be compared, not %d", LeastReports, MostReports, len(paths))
	}
	reports := make([]*Report, len(paths))
	var faults []error
	for i, path := range paths {
		r, err := Read(path, suggest)
		if err != nil {
			faults = append(faults, err)
		}
		reports[i] = r
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	label(reports, paths)
	return reports, nil
}

// label names the reports by the last part of their paths; where that does not
// tell them apart, by their whole paths, and equal paths by a number.
func label(reports []*Report, paths []string) {
	short := make([]string, len(paths))
	for i, path := range paths {
		folder := filepath.Clean(path)
		if filepath.Base(folder) == summaryFile && filepath.Dir(folder) != "." {
			folder = filepath.Dir(folder)
		}
		short[i] = filepath.Base(folder)
	}
	count := func(list []string, text string) (n int) {
		for _, other := range list {
			if other == text {
				n++
			}
		}
		return n
	}
	for i, path := range paths {
		reports[i].Label = short[i]
		if count(short, short[i]) > 1 {
			reports[i].Label = filepath.ToSlash(filepath.Clean(path))
		}
	}
	used := map[string]bool{}
	for _, r := range reports {
		for name, n := r.Label, 2; used[r.Label]; n++ {
			r.Label = name + " (" + strconv.Itoa(n) + ")"
		}
		used[r.Label] = true
	}
}

// Comparison is what several runs have in common and where they differ.
type Comparison struct {
	Reports  []*Report
	Differs  Differs
	Settings []Difference // keys of the configurations with different values
	Figures  []Figure
	Layers   []Layer
	Verdicts []Verdict // of the gates, a row a gate and report after the first
}

// Differs says which identities are not the same in all reports.
type Differs struct {
	Model         bool `json:"model"`         // network: hash of its file, or name and size without one
	Machine       bool `json:"machine"`       // units, scratchpads, layout
	Configuration bool `json:"configuration"` // anything that can change a result
	Tool          bool `json:"tool"`          // version that made the report
	Data          bool `json:"data"`          // samples that accuracy was judged on
}

// Difference is a key of the configurations with its values, a text a report;
// empty where a configuration does not have it.
type Difference struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
}

// New compares reports with the first of them.
func New(reports []*Report) *Comparison {
	c := &Comparison{Reports: reports, Settings: differences(reports), Figures: figures(reports), Layers: align(reports)}
	first := reports[0].Result
	for _, r := range reports[1:] {
		c.Differs.Model = c.Differs.Model || !sameModel(&first.Model, &r.Result.Model)
		c.Differs.Machine = c.Differs.Machine || first.Config.MachineHash != r.Result.Config.MachineHash
		c.Differs.Configuration = c.Differs.Configuration || first.Config.ConfigHash != r.Result.Config.ConfigHash
		c.Differs.Tool = c.Differs.Tool || first.Tool != r.Result.Tool
		if a, b := first.Accuracy, r.Result.Accuracy; a != nil && b != nil {
			c.Differs.Data = c.Differs.Data || a.Data != b.Data || a.Samples != b.Samples
		}
	}
	if c.Differs.Model {
		for i := range c.Figures {
			c.Figures[i].Better = Neutral // another network is neither better nor worse
		}
	}
	return c
}

func sameModel(a, b *evaluate.Model) bool {
	if a.SHA256 != "" && b.SHA256 != "" {
		return a.SHA256 == b.SHA256
	}
	return *a == *b
}

// differences lists the keys whose values are not the same in all reports, in
// the order of the first configuration that has them. Nothing is known to
// differ where some configuration is not known.
func differences(reports []*Report) []Difference {
	var order []string
	rows := map[string][]string{}
	for i, r := range reports {
		if r.Settings == nil {
			return nil
		}
		for _, s := range r.Settings {
			if rows[s.Key] == nil {
				order = append(order, s.Key)
				rows[s.Key] = make([]string, len(reports))
			}
			rows[s.Key][i] = s.Value
		}
	}
	list := []Difference{}
	for _, key := range order {
		for _, value := range rows[key] {
			if value != rows[key][0] {
				list = append(list, Difference{key, rows[key]})
				break
			}
		}
	}
	return list
}
