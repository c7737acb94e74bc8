package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/npusim/npusim/configs/strict"
)

// plain is the text of an error for people: of errors of files the path and
// the cause, without the system call.
func plain(err error) string {
	text := err.Error()
	var visit func(err error)
	visit = func(err error) {
		switch e := err.(type) {
		case *fs.PathError:
			text = strings.ReplaceAll(text, e.Error(), fmt.Sprintf("%s: %v", e.Path, e.Err))
		case *os.LinkError:
			text = strings.ReplaceAll(text, e.Error(), fmt.Sprintf("%s: %v", e.New, e.Err))
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				visit(inner)
			}
			return
		}
		if inner := errors.Unwrap(err); inner != nil {
			visit(inner)
		}
	}
	visit(err)
	return strings.NewReplacer(
		"cannot be read: no such file or directory", "no such file",
		"no such file or directory", "no such file",
	).Replace(text)
}

// flagError explains a faulty flag and where to look.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if nearest := strict.Nearest(unknown.GetSpecifiedName(), names); nearest != "" {
			return fmt.Errorf("%w; did you mean --%s?", err, nearest)
		}
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		reason := invalid.Unwrap().Error()
		var number *strconv.NumError
		if errors.As(err, &number) {
			reason = numberReason(number, invalid.GetFlag().Value.Type())
		}
		err = fmt.Errorf("--%s: parsing %q: %s", invalid.GetFlag().Name, invalid.GetValue(), reason)
	}
	return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
}

// numberReason says why a text is no value of a flag of a kind.
func numberReason(e *strconv.NumError, kind string) string {
	switch {
	case kind == "bool":
		return "neither true nor false"
	case strings.HasPrefix(kind, "uint") && strings.HasPrefix(e.Num, "-"):
		return "below 0"
	case errors.Is(e.Err, strconv.ErrRange):
		return "too large a number"
	}
	return "not a whole number"
}

// knownVerb refuses what is not the name of a verb.
func knownVerb(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, verb := range root.Commands() {
		names = append(names, verb.Name())
	}
	if nearest := strict.Nearest(args[0], names); nearest != "" {
		return fmt.Errorf("unknown verb %q; did you mean %s?", args[0], nearest)
	}
	return fmt.Errorf("unknown verb %q; see npusim --help", args[0])
}

// newHelp prints the help of a verb. Cobra's own answers an unknown one with
// status 0.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Explain a verb",
		Long: `Explain a verb: what it does, its flags, and examples that run from a clone of
the repository.`,
		Example: `  npusim help run`,
		Args:    atMost(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, verb := range cmd.Root().Commands() {
				if len(args) == 0 && strings.HasPrefix(verb.Name(), prefix) {
					names = append(names, cobra.CompletionWithDesc(verb.Name(), verb.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			verb, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 && !verb.HasParent() {
				return cmp.Or(knownVerb(cmd.Root(), args), err)
			}
			verb.InitDefaultHelpFlag()
			return verb.Help()
		},
	}
}
