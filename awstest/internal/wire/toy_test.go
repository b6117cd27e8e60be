package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 123e6, time.UTC)

// everything has members of all kinds; Echo returns its input.
type everything struct {
	Text    string            `json:"Text,omitempty"`
	Named   string            `json:"named,omitempty" query:"NamedInQuery"`
	Alias   string            `json:"Alias,omitempty" query:"Alias|OldAlias"`
	Number  int               `json:"Number,omitempty"`
	Long    int64             `json:"Long,omitempty"`
	Float   float64           `json:"Float,omitempty"`
	Flag    bool              `json:"Flag,omitempty"`
	NoFlag  *bool             `json:"NoFlag,omitempty"`
	Zero    *int              `json:"Zero,omitempty"`
	Blob    []byte            `json:"Blob,omitempty"`
	When    *wire.Time        `json:"When,omitempty"`
	Inner   *inner            `json:"Inner,omitempty"`
	Structs []inner           `json:"Structs,omitempty"`
	Flat    []string          `json:"Flat,omitempty" query:"Flat.Item,flat"`
	Always  []string          `json:"Always"`
	Map     map[string]string `json:"Map,omitempty"`
	Tags    map[string]string `json:"Tags,omitempty" query:"Tag,flat,Key,Value"`
	Attrs   map[string]inner  `json:"Attrs,omitempty" query:"Attrs,map,Name,Value"`
	Lists   [][]string        `json:"Lists,omitempty"`
	NoQuery string            `json:"NoQuery,omitempty" query:"-"`
}

type inner struct {
	Name   string    `json:"Name"`
	Values []float64 `json:"Values,omitempty"`
}

type failInput struct {
	How  string `json:"How"`
	Name string `json:"Name"`
}

type restInput struct {
	Name  string `json:"-" path:"Name"`
	Group string `json:"-" qs:"groupName"`
	Max   *int   `json:"-" qs:"MaxResults"`
	Note  string
}

type restOutput struct{ Name, Group, Note, Max string }

// seen is the last call that a rig's services saw.
type seen struct{ wire.Call }

func toy(last *seen) *wire.Service {
	return &wire.Service{
		Name: "toy", JSONTarget: "ToyService", Shapes: "com.amazonaws.toy", CBORName: "ToyService",
		XMLNamespace: "http://toy.amazonaws.com/doc/2026-01-01/", Version: "2026-01-01",
		Operations: map[string]wire.Operation{
			"Echo": wire.Op(func(_ context.Context, c *wire.Call, in *everything) (*everything, error) {
				last.Call = *c
				return in, nil
			}),
			"Nothing": wire.Op(func(_ context.Context, c *wire.Call, _ *wire.Empty) (*wire.Empty, error) {
				last.Call = *c
				return &wire.Empty{}, nil
			}),
			"Fail": wire.Op(func(ctx context.Context, c *wire.Call, in *failInput) (*wire.Empty, error) {
				last.Call = *c
				switch in.How {
				case "panic":
					panic("of the operation")
				case "abort":
					panic(http.ErrAbortHandler)
				case "plain":
					return nil, errors.New("no *Error")
				case "wait":
					<-ctx.Done()
					return nil, ctx.Err()
				case "receiver":
					return nil, &wire.Error{Code: "ServiceUnavailable", Message: "later", Status: 503, Receiver: true}
				default:
					return nil, &wire.Error{Code: "AWS.Toy.NonExistentToy", Type: "ToyDoesNotExist", Message: `no <toy> & "such"`, QueryMessage: "no such toy"}
				}
			}),
		},
	}
}

func restToy() *wire.Service {
	return &wire.Service{
		Name: "resttoy", Complete: true,
		Routes: []wire.Route{
			{Method: "POST", Pattern: "/things/{Name}", Operation: "CreateThing"},
			{Method: "GET", Pattern: "/things/{Name}", Operation: "GetThing"},
			{Method: "DELETE", Pattern: "/things/{Name}", Operation: "NotThere"},
		},
		Operations: map[string]wire.Operation{
			"CreateThing": wire.Op(echoThing),
			"GetThing":    wire.Op(echoThing),
		},
	}
}

func echoThing(_ context.Context, _ *wire.Call, in *restInput) (*restOutput, error) {
	if in.Name == "missing" {
		return nil, &wire.Error{Code: "ResourceNotFoundException", Message: "no thing", Status: 404}
	}
	out := &restOutput{Name: in.Name, Group: in.Group, Note: in.Note}
	if in.Max != nil {
		out.Max = strings.Repeat("x", min(max(*in.Max, 0), 10))
	}
	return out, nil
}

// otherToy has an operation and a version of its own.
func otherToy(last *seen) *wire.Service {
	return &wire.Service{
		Name: "othertoy", XMLNamespace: "http://othertoy.amazonaws.com/", Version: "2011-01-01", Complete: true,
		Operations: map[string]wire.Operation{
			"Nothing": wire.Op(func(_ context.Context, c *wire.Call, _ *wire.Empty) (*wire.Empty, error) {
				last.Call = *c
				return &wire.Empty{}, nil
			}),
		},
	}
}

// rig is a server of the toys.
type rig struct {
	*httptest.Server
	last *seen
}

func newRig(t testing.TB) *rig {
	last := &seen{}
	return newRigOf(t, last, toy(last), otherToy(last), restToy())
}

func newRigOf(t testing.TB, last *seen, services ...*wire.Service) *rig {
	srv := httptest.NewServer(wire.NewRouter(func() time.Time { return now }, nil, services...))
	t.Cleanup(srv.Close)
	return &rig{srv, last}
}

// reply is an answer that was read to its end.
type reply struct {
	*http.Response
	body string
}

func (r *rig) do(t testing.TB, req *http.Request) reply {
	t.Helper()
	resp, err := r.Client().Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{resp, string(body)}
}

// request makes a request; headers alternate between names and values.
func (r *rig) request(t testing.TB, method, path, body string, headers ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

func (r *rig) json(t testing.TB, op, body string, headers ...string) reply {
	t.Helper()
	return r.do(t, r.request(t, "POST", "/", body, append(headers, "X-Amz-Target", "ToyService."+op, "Content-Type", "application/x-amz-json-1.0")...))
}

func (r *rig) query(t testing.TB, form string, headers ...string) reply {
	t.Helper()
	return r.do(t, r.request(t, "POST", "/", form, append(headers, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")...))
}

func (r *rig) cbor(t testing.TB, op string, body []byte, headers ...string) reply {
	t.Helper()
	return r.do(t, r.request(t, "POST", "/service/ToyService/operation/"+op, string(body), append(headers, "Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/cbor")...))
}

// signed is the Authorization header of a caller.
func signed(credential string) string {
	return "AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=host, Signature=00"
}
