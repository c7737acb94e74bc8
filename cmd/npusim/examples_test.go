package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestExamples runs the examples of every verb, in the order of the help, in
// one folder that has the repository's testdata.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("every example is a run of its own; with -short the scripts stand for them")
	}
	t.Parallel()
	folder := t.TempDir()
	if err := setUp(folder); err != nil {
		t.Fatal(err)
	}
	root := newRoot(&tool{})
	root.InitDefaultHelpCmd()
	commands := append(root.Commands(), root)
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
			cmd.Dir, cmd.Env = folder, append(os.Environ(), "GORACE="+quickExit)
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

// shellWords splits a line at spaces that do not stand between double quotes.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 { // between quotes; every word of ours that has some is all quoted
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}
