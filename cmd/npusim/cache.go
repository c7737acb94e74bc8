package main

import (
	"os"
	"path/filepath"

	"github.com/npusim/npusim/compiler/compress"
)

// cacheVariable names the folder that keeps codes of weights between runs:
// unset for the user's cache folder, "off" for none.
const cacheVariable = "NPUSIM_CACHE"

// codeCache is where codes of weights are kept that take long to find; nil if
// there is no place for them. It changes no result.
func codeCache() *compress.Cache {
	folder := os.Getenv(cacheVariable)
	switch folder {
	case "off":
		return nil
	case "":
		user, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		folder = filepath.Join(user, "npusim")
	}
	return &compress.Cache{Folder: filepath.Join(folder, "codes")}
}
