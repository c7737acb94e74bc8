package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/npusim/npusim/configs/strict"
)

// mask makes the folder of masks that a document names one of the working
// directory, and checks that there is such a folder. A file names one in its
// own folder or below; without such a folder the name stands as it is.
func (l *loader) mask(source *strict.Document, at *origin, folder string) {
	const key = "compression.mask"
	name, ok := source.String(key)
	if !ok || name == "" {
		return
	}
	place := l.place(source, key, at)
	refuse := func(format string, arguments ...any) {
		l.report(strict.Fault{File: place.file, Line: place.line, Key: key, Rule: fmt.Sprintf(format, arguments...)})
	}
	var err error
	switch {
	case len(name) > maxText:
		return // validation will say so
	case folder == "":
		err = isFolder(os.Stat(name))
	case !filepath.IsLocal(name):
		refuse("%v", errOutside)
		return
	default:
		err = folderBelow(folder, name)
		l.spec.Compression.Mask = filepath.Join(folder, name)
	}
	if err != nil {
		why := reason(err)
		if errors.Is(err, fs.ErrNotExist) {
			why = "no such folder"
		}
		refuse("%q: %s", shorten(name), why)
	}
}
