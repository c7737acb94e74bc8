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
	commands := newRoot(&tool{}).Commands()
	commands = append(commands, newRoot(&tool{}))
	for _, verb := range commands {
		ran := false
		text := strings.ReplaceAll(verb.Example, "\\\n", " ")
		for line := range strings.Lines(text) {
			words := shellWords(line)
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

// shellWords splits a line at blanks, but for those in double quotes.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}
