package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxZip and maxUnzipped bound the code of a function, in bytes. [Lambda quotas,
	// "Deployment package size"]
	maxZip      = 50 << 20
	maxUnzipped = 262144000
	// maxFiles bounds the files of a zip, which AWS bounds by their size only.
	maxFiles = 10_000
	// maxCodeStorage bounds the zips that the endpoint holds, in bytes.
	maxCodeStorage = 512 << 20
)

// code is a function's zip.
type code struct {
	zip    []byte
	size   int
	sha256 string // in base64
}

type codeInput struct {
	ZipFile                   []byte
	S3Bucket, S3Key, ImageUri string
}

// read checks the zip.
func (in *codeInput) read() (code, error) {
	switch {
	case in.ImageUri != "":
		return code{}, notServed("Container images are")
	case in.S3Bucket != "":
		return code{}, notServed("Code in S3 is")
	case len(in.ZipFile) == 0:
		return code{}, invalid("Please provide a source for function code.")
	case len(in.ZipFile) > maxZip:
		return code{}, lambdaError(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Zip file must be smaller than %d bytes", maxZip)
	}
	if err := checkZip(in.ZipFile); err != nil {
		return code{}, err
	}
	sum := sha256.Sum256(in.ZipFile)
	return code{zip: in.ZipFile, size: len(in.ZipFile), sha256: base64.StdEncoding.EncodeToString(sum[:])}, nil
}

// checkZip checks what a zip says of itself; unpack doesn't rely on it.
func checkZip(b []byte) error {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if len(r.File) == 0 {
		return invalid("Uploaded file must be a non-empty zip")
	}
	if len(r.File) > maxFiles {
		return invalid("The zip has more than %d files.", maxFiles)
	}
	var size uint64
	for _, f := range r.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		if !filepath.IsLocal(strings.TrimSuffix(name, "/")) && name != "./" {
			return invalid("Could not unzip uploaded file: the path %.80q leads out of it.", f.Name)
		}
		if mode := f.Mode(); !mode.IsRegular() && !mode.IsDir() {
			return invalid("Could not unzip uploaded file: %.80q is neither a file nor a directory.", f.Name)
		}
		// each on its own, as the sum could overflow
		if size += min(f.UncompressedSize64, maxUnzipped+1); size > maxUnzipped {
			return invalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
		}
	}
	return nil
}

var errUnzipped = errors.New("the zip holds more than it says")

// unpack unpacks the zip into a new directory under dir.
func (c code) unpack(dir string) (string, error) {
	r, err := zip.NewReader(bytes.NewReader(c.zip), int64(len(c.zip)))
	if err != nil {
		return "", fmt.Errorf("reading the code: %w", err)
	}
	to, err := os.MkdirTemp(dir, "task-")
	if err != nil {
		return "", fmt.Errorf("unpacking the code: %w", err)
	}
	// nothing in the zip can write outside of it, whatever its names are
	root, err := os.OpenRoot(to)
	if err != nil {
		return "", fmt.Errorf("unpacking the code: %w", err)
	}
	defer root.Close()
	left := int64(maxUnzipped)
	for _, f := range r.File {
		n, err := unpackFile(root, f, left)
		if err != nil {
			_ = os.RemoveAll(to)
			return "", fmt.Errorf("unpacking %.80q: %w", f.Name, err)
		}
		left -= n
	}
	return to, nil
}

func unpackFile(root *os.Root, f *zip.File, left int64) (int64, error) {
	name := filepath.FromSlash(strings.ReplaceAll(f.Name, `\`, "/"))
	if f.Mode().IsDir() || strings.HasSuffix(f.Name, "/") {
		return 0, root.MkdirAll(filepath.Clean(name), 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return 0, err
	}
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	// as AWS does: others may read, and execute what its owner may
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, f.Mode().Perm()|0o444|f.Mode().Perm()>>3&0o111|0o200)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, left+1))
	if err == nil && n > left {
		err = errUnzipped
	}
	return n, errors.Join(err, out.Close())
}

// codeBytes is how much all zips take. It is called with s.mu held.
func (s *Service) codeBytes() int {
	n := 0
	for _, f := range s.functions {
		n += f.code.size
	}
	return n
}
