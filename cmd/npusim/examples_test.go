package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestExamples runs the examples of every verb, in the order of the help, in
// one folder that has the repository's testdata.
func TestExamples(t *testing.T) {
	folder := t.TempDir()
	if err := setUp(folder); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GORACE", quickExit)
	root := newRoot(&tool{})
	root.InitDefaultHelpCmd()
	commands := append(root.Commands(), root)
	for _, verb := range commands {
		ran := false
		text := strings.ReplaceAll(verb.Example, "\\\n", " ")
		for line := range strings.Lines(text) {
			words := split(line)
			if len(words) < 2 || words[0] != "npusim" {
				t.Errorf("%s: example %q does not call npusim", verb.Name(), line)
				continue
			}
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Dir = folder
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", verb.Name(), strings.TrimSpace(line), err, out)
			}
			ran = true
		}
		if !ran {
			t.Errorf("%s has no example", verb.Name())
		}
	}
}

// split cuts a line of a shell into words; quotes hold spaces.
func split(line string) []string {
	var words []string
	quote, within := rune(0), false
	for _, r := range line {
		space := strings.ContainsRune(" \t\n", r)
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case quote == 0 && space:
			within = false
			continue
		default:
			if !within {
				words = append(words, "")
			}
			words[len(words)-1] += string(r)
			within = true
			continue
		}
		if !within {
			words, within = append(words, ""), true
		}
	}
	return words
}
