package test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheExamplesZipsAreTheSameEachTime: Terraform sees a change of a function where its zip
// has changed.
func TestTheExamplesZipsAreTheSameEachTime(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs as they are deployed, which -short leaves out")
	}
	t.Parallel()
	first, second := functionInputs(t)["functions_dir"].(string), functionInputs(t)["functions_dir"].(string)
	for _, name := range []string{"consumer.zip", "dead-letters.zip"} {
		a, err := os.ReadFile(filepath.Join(first, architecture(), name))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(second, architecture(), name))
		require.NoError(t, err)
		require.True(t, string(a) == string(b), "%s differs", name)
		z, err := zip.OpenReader(filepath.Join(first, architecture(), name))
		require.NoError(t, err)
		defer z.Close()
		require.Len(t, z.File, 1)
		require.Equal(t, "bootstrap", z.File[0].Name)
		require.Equal(t, os.FileMode(0o755), z.File[0].Mode())
	}
}
