package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// temporary is the folder that stands for TMPDIR in all that the tests run.
type temporary string

// newTemporary makes the folder. Its name is the same each time for a checkout: Go looks at TMPDIR when it decides
// whether a test's result is in its cache. It is short, since sockets lie below it.
func newTemporary() (temporary, error) {
	checkout, err := os.Getwd()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(os.TempDir(), fmt.Sprintf("acr%x", sha256.Sum256([]byte(checkout)))[:9])
	err = os.Mkdir(folder, 0o700)
	if errors.Is(err, fs.ErrExist) { // of another run in this checkout, or of one that was killed
		folder, err = os.MkdirTemp("", "acr")
	}
	return temporary(folder), err
}

func (t temporary) variable() string { return "TMPDIR=" + string(t) }

// remove ends what still runs in the folder, then removes it.
func (t temporary) remove() error {
	killStrays(t.variable())
	return os.RemoveAll(string(t))
}
