package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestREST(t *testing.T) {
	r := newRig(t)
	scope := signed("test/20261124/us-east-1/resttoy/aws4_request")
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"path, query string and body", "POST", "/things/a?groupName=g&MaxResults=3", `{"Note":"n"}`, 200, `{"Name":"a","Group":"g","Note":"n","Max":"xxx"}`},
		{"no body", "GET", "/things/a", ``, 200, `{"Name":"a","Group":"","Note":"","Max":""}`},
		{"an escaped path", "GET", "/things/a%2Fb%20c?groupName=%C3%A9", ``, 200, `{"Name":"a/b c","Group":"é","Note":"","Max":""}`},
		{"a body that tries to be the path", "POST", "/things/a", `{"Name":"b","Group":"h","note":"no"}`, 200, `{"Name":"a","Group":"","Note":"","Max":""}`},
		{"an empty number", "GET", "/things/a?MaxResults=", ``, 400, `{"Message":"Max: not an integer: \"\""}`},
		{"no number", "GET", "/things/a?MaxResults=x", ``, 400, `{"Message":"Max: not an integer: \"x\""}`},
		{"a malformed query string", "GET", "/things/a?MaxResults=%zz", ``, 400, `{"Message":"query string: invalid URL escape \"%zz\""}`},
		{"a malformed body", "POST", "/things/a", `{`, 400, `{"Message":"unexpected end of JSON input"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.do(t, r.request(t, c.method, c.path, c.body, "Authorization", scope))
			require.Equal(t, c.status, got.StatusCode)
			require.Equal(t, "application/json", got.Header.Get("Content-Type"))
			require.JSONEq(t, c.want, got.body)
			if c.status == 400 {
				require.Equal(t, "SerializationException", got.Header.Get("X-Amzn-ErrorType"))
			}
		})
	}
	head := r.do(t, r.request(t, "HEAD", "/things/a", "", "Authorization", scope))
	require.Equal(t, 200, head.StatusCode)
	require.Empty(t, head.body)
}
