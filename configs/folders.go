package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/npusim/npusim/configs/strict"
)

// folderKeys are the keys that name folders, with where they are stored.
func (c *Compression) folderKeys() map[string]*string {
	return map[string]*string{"compression.mask": &c.Mask, "compression.trained": &c.Trained}
}

// isFolderKey reports whether a key names a folder.
func isFolderKey(key string) bool {
	_, is := new(Compression).folderKeys()[key]
	return is
}

// folders makes the folders that a document names those of the working
// directory, and checks that they are there. A file names one in its own folder
// or below; without such a folder the name stands as it is.
func (l *loader) folders(source *strict.Document, at *origin, folder string) {
	l.folder(source, at, folder, "compression.mask")
	l.folder(source, at, folder, "compression.trained")
}

func (l *loader) folder(source *strict.Document, at *origin, folder, key string) {
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
		*l.spec.Compression.folderKeys()[key] = filepath.Join(folder, name)
	}
	if err != nil {
		why := reason(err)
		if errors.Is(err, fs.ErrNotExist) {
			why = "no such folder"
		}
		refuse("%q: %s", shorten(name), why)
	}
}
