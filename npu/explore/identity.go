package explore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/store"
	"github.com/npusim/npusim/npu/explore/sweep"
)

// modelIdentity is what of a model and its data determines results.
type modelIdentity struct {
	model string // SHA-256 in hexadecimal
	data  string // digest of the data set, or the seed of random inputs
	files stamps // of both
}

// identify hashes the files of a model.
func identify(m *sweep.Model, seed uint64) (modelIdentity, error) {
	var id modelIdentity
	id.files.add(m.File) // before it is read
	hash, err := hashModel(m.File)
	if err != nil {
		return id, err
	}
	id.model, id.data = hash, fmt.Sprintf("random %d", seed)
	if m.Data == "" {
		return id, nil
	}
	set, err := dataset.Open(m.Data)
	if err != nil {
		return id, &evaluate.UsageError{Err: err}
	}
	defer set.Close()
	id.files.add(set.Files()...)
	digest, err := set.Digest()
	if err != nil {
		return id, fmt.Errorf("%s: %w", m.Data, err)
	}
	id.data = hex.EncodeToString(digest[:])
	return id, nil
}

// hashModel is the SHA-256 of a network; of an ONNX file with its tensors, which
// may stand in other files.
func hashModel(path string) (string, error) {
	if !strings.EqualFold(filepath.Ext(path), ".onnx") {
		return hashFile(path)
	}
	m, err := onnx.Read(path)
	if err != nil {
		return "", &evaluate.UsageError{Err: err}
	}
	h := sha256.New()
	h.Write(m.SHA256[:])
	for i := range m.Graph.Initializers {
		h.Write(m.Graph.Initializers[i].Raw)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashFile is the SHA-256 of a file in hexadecimal.
func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// maxFolderFiles bounds the files of a folder; one of masks has a file or two a
// layer.
const maxFolderFiles = 100_000

// hashFolder is the SHA-256 over the names and bytes of the files of a folder,
// those that links lead to included, with their stamps.
func hashFolder(ctx context.Context, folder string) (string, stamps, error) {
	var files stamps
	h := sha256.New()
	top, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", nil, err
	}
	err = filepath.WalkDir(top, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return ctx.Err() // a device, a link that leads nowhere: nothing that a mask is read from
		}
		if len(files) == maxFolderFiles {
			return fmt.Errorf("%s holds more than %d files", folder, maxFolderFiles)
		}
		files.add(path)
		sum, err := hashFile(path)
		relative, _ := filepath.Rel(top, path)
		fmt.Fprintf(h, "%q %s\n", filepath.ToSlash(relative), sum)
		return errors.Join(err, ctx.Err())
	})
	return hex.EncodeToString(h.Sum(nil)), files, err
}

// version identifies the code that evaluates: the module version where that
// says all, else with the hash of the program, as for a build of changed or
// unnamed sources.
var version = sync.OnceValues(func() (string, error) {
	v := evaluate.Version()
	info, ok := debug.ReadBuildInfo()
	released := ok && info.Main.Sum != ""
	named := !strings.HasPrefix(v, "(") && v != "unknown" && !strings.HasSuffix(v, "+dirty")
	if released || named {
		return v, nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	sum, err := hashFile(path)
	if err != nil {
		return "", err
	}
	return v + " " + sum[:16], nil
})

// identities are those of all models of a sweep, and of the folders that
// configurations name.
type identities struct {
	models  []modelIdentity
	version string
	known   []string // folders that the sweep names, sorted

	mutex   sync.Mutex
	folders map[string]string // hash by path
	stamped stamps            // of the folders' files
}

// newIdentities hashes what the sweep's points depend on.
func newIdentities(ctx context.Context, s *sweep.Sweep) (*identities, error) {
	ids := &identities{folders: map[string]string{}}
	var err error
	if ids.version, err = version(); err != nil {
		return nil, err
	}
	for i := range s.Models {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		id, err := identify(&s.Models[i], s.Seed)
		if err != nil {
			return nil, err
		}
		ids.models = append(ids.models, id)
	}
	for _, folder := range sweepFolders(s) {
		_, err := ids.folder(ctx, folder)
		switch {
		case err == nil:
			ids.known = append(ids.known, folder)
		case !errors.Is(err, fs.ErrNotExist): // points that name a missing one fail by themselves
			return nil, err
		}
	}
	return ids, nil
}

// configFolders are those of masks and trained codes.
func configFolders(spec *configs.Spec) []string {
	return slices.DeleteFunc([]string{spec.Compression.Mask, spec.Compression.Trained}, func(f string) bool { return f == "" })
}

// sweepFolders lists the folders that points of a sweep may name.
func sweepFolders(s *sweep.Sweep) []string {
	folders := configFolders(s.Base)
	for i := range s.Rungs {
		if spec, err := s.Base.With(s.Rungs[i].Set...); err == nil {
			folders = append(folders, configFolders(spec)...)
		}
	}
	for i := range s.Axes {
		for k, key := range s.Axes[i].Keys {
			if key != "compression.mask" && key != "compression.trained" {
				continue
			}
			for _, values := range s.Axes[i].Values {
				if values[k].Text != "" {
					folders = append(folders, values[k].Text)
				}
			}
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// folder is the hash of a folder, taken once.
func (ids *identities) folder(ctx context.Context, path string) (string, error) {
	ids.mutex.Lock()
	defer ids.mutex.Unlock()
	if hash, ok := ids.folders[path]; ok {
		return hash, nil
	}
	hash, files, err := hashFolder(ctx, path)
	if err == nil {
		ids.folders[path], ids.stamped = hash, append(ids.stamped, files...)
	}
	return hash, err
}

// key identifies the points of a sweep in a store.
func (ids *identities) key(s *sweep.Sweep) string {
	var b strings.Builder
	fmt.Fprintf(&b, "npusim exploration 1\n%s\n%s\n", s.Hash(), ids.version)
	for _, m := range ids.models {
		fmt.Fprintf(&b, "%s %s\n", m.model, m.data)
	}
	for _, folder := range ids.known {
		fmt.Fprintf(&b, "folder %s\n", ids.folders[folder])
	}
	return hashText(b.String())
}

// evaluation describes one model on one configuration, with its hash.
func (ids *identities) evaluation(ctx context.Context, s *sweep.Sweep, model int, spec *configs.Spec, rung int) (store.Evaluation, error) {
	r := &s.Rungs[rung]
	config := spec.ConfigHash()
	e := store.Evaluation{
		Model: ids.models[model].model, Configuration: hex.EncodeToString(config[:]),
		Samples: s.Models[model].Samples, TimingOnly: r.TimingOnly, Seed: s.Seed, Version: ids.version,
	}
	if r.Samples > 0 {
		e.Samples = r.Samples
	}
	if e.TimingOnly {
		e.Samples = 0
	}
	var folders []string
	for _, folder := range configFolders(spec) {
		hash, err := ids.folder(ctx, folder)
		if err != nil {
			return e, err
		}
		folders = append(folders, hash)
	}
	e.Hash = hashText(fmt.Sprintf("npusim evaluation 1\n%s\n%s\n%s\n%q\n%d %v %d\n%s\n", e.Model, ids.models[model].data, e.Configuration,
		folders, e.Samples, e.TimingOnly, e.Seed, e.Version))
	return e, nil
}

func hashText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
