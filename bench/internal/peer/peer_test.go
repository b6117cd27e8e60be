package peer

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOursAnswersUntilItIsStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the command, which -short leaves out")
	}
	p, err := Ours(t.Context(), t.TempDir())
	require.NoError(t, err)
	resp, err := http.Get(p.URL + "/_health")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	if u, err := p.Usage(); err == nil { // there is /proc
		require.Positive(t, u.Resident)
		require.GreaterOrEqual(t, u.Peak, u.Resident)
	}
	p.Stop()
	_, err = net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	require.Error(t, err)
	p.Stop() // once more does nothing
}

func TestAProcessThatEndsAtOnceIsAnErrorThatSaysWhatItPrinted(t *testing.T) {
	_, err := start(t.Context(), "broken", "1", "127.0.0.1:1", "/", exec.Command("sh", "-c", "echo no port; exit 3"))
	require.ErrorContains(t, err, "starting broken: the process has ended: no port")
}

func TestAProcessThatNeverAnswersIsEndedWithItsChildren(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	held, holder, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command("sh", "-c", "sleep 600 & sleep 600")
	cmd.ExtraFiles = []*os.File{holder}
	_, err = start(ctx, "silent", "1", "127.0.0.1:1", "/", cmd)
	require.ErrorContains(t, err, "waiting for /: context deadline exceeded")
	require.NoError(t, holder.Close())
	_, err = io.ReadAll(held) // ends once nobody holds the pipe any more
	require.NoError(t, err)
}

func TestPeersThatAreNotHereAreMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var missing *Missing
	_, err := Moto(t.Context())
	require.ErrorAs(t, err, &missing)
	_, err = Fauxqs(t.Context(), t.TempDir())
	require.ErrorAs(t, err, &missing)
}
