package dram

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

const rulesFolder = "standards/rules"

// RuleSets lists the built-in rule sets.
func RuleSets() []string { return standardNames(rulesFolder) }

// constraints adds the rows of the rule set and of the file itself.
func (r *reader) constraints(file *standardFile, s *Standard) {
	if file.Rules != "none" {
		names := RuleSets()
		if !slices.Contains(names, file.Rules) {
			r.fault("rules", strict.Nearest(file.Rules, names), "%s is no rule set; there are none, %s", quote(file.Rules), strings.Join(names, ", "))
			return
		}
		set := readRules(file.Rules)
		rules := &reader{path: "rules/" + file.Rules + ".toml", document: set.document, rulesOnly: true}
		rules.rows(set.file.Constraints, s)
		r.faults = append(r.faults, rules.faults...)
	}
	r.rows(file.Constraints, s)
	if len(s.Constraints) > maxConstraints {
		r.fault("constraint", "", "at most %d rows, not %d", maxConstraints, len(s.Constraints))
	}
	windows := 0
	for _, c := range s.Constraints {
		if c.Window > 1 {
			windows++
		}
	}
	if windows > maxWindowRows {
		r.fault("constraint", "", "at most %d rows with a window, not %d", maxWindowRows, windows)
	}
}

type ruleSet struct {
	file     rulesFile
	document *strict.Document
}

// readRules parses a built-in rule set. A fault in it is a fault of the
// program.
func readRules(name string) ruleSet {
	path := rulesFolder + "/" + name + ".toml"
	text, err := standardFiles.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var set ruleSet
	document, faults := strict.Parse(path, text)
	if faults == nil {
		set.document = document
		faults = document.Decode(&set.file)
	}
	if faults != nil {
		panic(faults)
	}
	return set
}

// rows evaluates and checks rows.
func (r *reader) rows(rows []constraintFile, s *Standard) {
	for i, row := range rows {
		key := fmt.Sprintf("constraint[%d]", i)
		bad := len(r.faults)
		if s.Timing.RFCPB == 0 && r.rulesOnly {
			row.After, row.Before = without(row.After, RefreshPerBank), without(row.Before, RefreshPerBank)
			if len(row.After) == 0 || len(row.Before) == 0 {
				continue
			}
		}
		c := Constraint{Name: row.Name, Level: row.Level, After: row.After, Before: row.Before, Window: row.Window, Sibling: row.Sibling}
		if c.Window == 0 {
			c.Window = 1
		}
		if c.Name == "" {
			c.Name = fmt.Sprintf("row %d", i+1)
		}
		if !c.Level.valid() {
			r.fault(key+".level", "", "is missing: channel, rank, bank_group or bank")
		}
		r.between(key+".window", int64(c.Window), 1, maxWindow)
		for _, side := range []struct {
			key      string
			commands []Command
		}{{key + ".after", c.After}, {key + ".before", c.Before}} {
			if len(side.commands) == 0 {
				r.fault(side.key, "", "must name a command")
			}
			for j, command := range side.commands {
				if slices.Contains(side.commands[:j], command) {
					r.fault(side.key, "", "names %s twice", command)
				}
				if command.WholeRank() && c.Level > RankLevel {
					r.fault(side.key, "", "%s goes to a whole rank, so the level must be channel or rank", command)
				}
			}
		}
		switch {
		case !c.Sibling:
		case c.Level != RankLevel:
			r.fault(key+".sibling", "", "is for rows between ranks; the level must be rank")
		case c.Window != 1:
			r.fault(key+".sibling", "", "rows between ranks have no window")
		}
		clocks, err := evaluate(row.Clocks, &s.Timing)
		if err != nil {
			r.fault(key+".clocks", "", "%v", err)
		} else if clocks > maxClocks {
			r.fault(key+".clocks", "", "comes to %d clocks; at most %d", clocks, maxClocks)
		}
		c.Clocks = clocks
		if len(r.faults) == bad && clocks > 0 {
			s.Constraints = append(s.Constraints, c)
		}
	}
}

// without is the list less one command.
func without(list []Command, command Command) []Command {
	return slices.DeleteFunc(slices.Clone(list), func(c Command) bool { return c == command })
}

// evaluate computes a sum of clocks: terms joined by + and -, each a whole
// number or a timing key in capitals, as in "CL + BL + 2 - CWL".
func evaluate(expression string, t *Timing) (Clock, error) {
	const longest = 200
	if len(expression) > longest {
		return 0, fmt.Errorf("an expression of more than %d characters", longest)
	}
	words := strings.Fields(strings.NewReplacer("+", " + ", "-", " - ").Replace(expression))
	if len(words)%2 == 0 {
		return 0, fmt.Errorf("%s is no sum of terms such as \"CL + BL + 2 - CWL\"", quote(expression))
	}
	var sum Clock
	for i, word := range words {
		if i%2 == 1 {
			if word != "+" && word != "-" {
				return 0, fmt.Errorf("%s: + or - must stand before %s", quote(expression), quote(word))
			}
			continue
		}
		term, err := evaluateTerm(word, t)
		if err != nil {
			return 0, err
		}
		if i > 0 && words[i-1] == "-" {
			term = -term
		}
		sum += term
	}
	return sum, nil
}

func evaluateTerm(word string, t *Timing) (Clock, error) {
	if n, err := strconv.ParseUint(word, 10, 20); err == nil {
		return Clock(n), nil
	}
	names := make([]string, len(timingKeys))
	for i, k := range timingKeys {
		names[i] = strings.ToUpper(k.key)
		if names[i] == word {
			return *k.field(t), nil
		}
	}
	suggestion := ""
	if nearest := strict.Nearest(strings.ToUpper(word), names); nearest != "" {
		suggestion = fmt.Sprintf(" (did you mean %s?)", nearest)
	}
	return 0, fmt.Errorf("%s is neither a number of clocks up to 2^20 nor a timing key in capitals%s", quote(word), suggestion)
}
