package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVersionsAreStatedOnce holds every module, example and fixture to the constraints in
// the root's versions.tf.
func TestVersionsAreStatedOnce(t *testing.T) {
	root, err := os.ReadFile("../versions.tf")
	require.NoError(t, err)
	want := terraformBlock(string(root))
	require.NotEmpty(t, want, "versions.tf has a terraform block")
	found := 0
	for _, pattern := range []string{"../modules/*", "../examples/*", "fixtures/*"} {
		dirs, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, dir := range dirs {
			files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
			require.NoError(t, err)
			var blocks []string
			for _, file := range files {
				b, err := os.ReadFile(file)
				require.NoError(t, err)
				if block := terraformBlock(string(b)); block != "" {
					blocks = append(blocks, block)
				}
			}
			require.Equal(t, []string{want}, blocks, dir)
			found++
		}
	}
	require.NotZero(t, found)
}

// terraformBlock is the block with the constraints, empty if there is none.
func terraformBlock(text string) string {
	_, rest, ok := strings.Cut("\n"+text, "\nterraform {")
	if !ok {
		return ""
	}
	block, _, _ := strings.Cut(rest, "\n}\n")
	return block
}
