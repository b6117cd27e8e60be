package peer

import (
	"context"
	"os/exec"
	"time"
)

// Moto starts moto's server, which is installed with `pip install 'moto[server]'`.
func Moto(ctx context.Context) (*Process, error) {
	address, port, err := freeAddress()
	if err != nil {
		return nil, err
	}
	args := []string{"-H", "127.0.0.1", "-p", port}
	version, versionErr := run(ctx, 30*time.Second, "python3", "-c", "import platform, moto, moto.server; print(moto.__version__ + ', Python ' + platform.python_version())")
	program, err := exec.LookPath("moto_server")
	if err != nil {
		if versionErr != nil {
			return nil, missing("there is neither a moto_server on PATH nor a module moto.server in python3")
		}
		program, args = "python3", append([]string{"-m", "moto.server"}, args...)
	}
	if versionErr != nil {
		version = "of unknown version"
	}
	return start(ctx, "moto", version, address, "/moto-api/data.json", exec.Command(program, args...))
}
