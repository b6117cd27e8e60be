package target_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
)

// withoutAWS keeps the tests from the AWS configuration of whoever runs them. The SDK
// reads the process's environment, whatever the getenv of Select says.
func withoutAWS(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func getenv(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestTheTargetIsEmbeddedUnlessTheEnvironmentNamesAnother(t *testing.T) {
	require.Equal(t, "embedded", target.FromEnv(getenv(nil)))
	require.Equal(t, "aws", target.FromEnv(getenv(map[string]string{"DLQ_TARGET": "aws"})))
}

func TestTargetsThatCannotBeUsedSayWhatToDo(t *testing.T) {
	withoutAWS(t)
	notAWS := httptest.NewServer(http.NotFoundHandler())
	defer notAWS.Close()
	for _, tt := range []struct {
		name, target string
		env          map[string]string
		want         string
	}{
		{"none of that name", "mars", nil, `there is no target "mars": choose embedded, endpoint or aws`},
		{"an endpoint without a URL", "endpoint", nil, "AWS_ENDPOINT_URL is not set: set it to the endpoint's URL"},
		{"an endpoint that is something else", "endpoint", map[string]string{"AWS_ENDPOINT_URL": notAWS.URL}, "does not answer as AWS does"},
		{"a real account without leave", "aws", nil, "set DLQ_ALLOW_AWS=1 to allow it"},
		{"a real account with half a leave", "aws", map[string]string{"DLQ_ALLOW_AWS": "true"}, "set DLQ_ALLOW_AWS=1 to allow it"},
		{"a real account that is none", "aws", map[string]string{"DLQ_ALLOW_AWS": "1", "AWS_ENDPOINT_URL": notAWS.URL}, "unset it, or choose the target endpoint"},
		{"a real account without a region", "aws", map[string]string{"DLQ_ALLOW_AWS": "1"}, "set AWS_REGION"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			selected, err := target.Select(t.Context(), tt.target, getenv(tt.env))
			var refusal *target.Error
			require.ErrorAs(t, err, &refusal)
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, selected)
		})
	}
}

func TestARealAccountNeedsCredentialsThatWork(t *testing.T) {
	withoutAWS(t)
	t.Setenv("AWS_REGION", "us-east-1") // no credentials: nothing is sent
	_, err := target.Select(t.Context(), "aws", getenv(map[string]string{"DLQ_ALLOW_AWS": "1"}))
	require.ErrorContains(t, err, "the AWS credentials cannot be used")
}

func TestTheEmbeddedTargetIsAnEndpointOfItsOwn(t *testing.T) {
	withoutAWS(t)
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1") // another's
	selected, err := target.Select(t.Context(), "embedded", os.Getenv)
	require.NoError(t, err)
	require.Equal(t, dlqtest.Embedded, selected.Ground)
	require.False(t, selected.KeepAWS)
	require.Equal(t, selected.Server.URL, selected.Env["AWS_ENDPOINT_URL"])
	require.Empty(t, selected.Run, "what goes with the process needs no tags")
	for name := range selected.Env {
		require.NotContains(t, name, "TF_AWS_DEFAULT_TAGS")
	}
	client := sqs.NewFromConfig(selected.Config)
	_, err = client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	selected.Close()
	_, err = client.ListQueues(t.Context(), &sqs.ListQueuesInput{}, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	require.Error(t, err, "it is closed")
}

func TestAnEndpointsClockIsMoved(t *testing.T) {
	withoutAWS(t)
	srv := awstest.Start(t)
	selected, err := target.Select(t.Context(), "endpoint", getenv(map[string]string{"AWS_ENDPOINT_URL": srv.URL}))
	require.NoError(t, err)
	defer selected.Close()
	require.Equal(t, dlqtest.Endpoint, selected.Ground)
	before := srv.Clock.Now()
	require.WithinDuration(t, before, selected.Clock.Now(), time.Minute)
	require.NoError(t, selected.Clock.Sleep(t.Context(), 9*time.Hour))
	require.WithinDuration(t, before.Add(9*time.Hour), srv.Clock.Now(), time.Minute)
	require.WithinDuration(t, before.Add(9*time.Hour), selected.Clock.Now(), time.Minute)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, selected.Clock.Sleep(ctx, time.Hour), context.Canceled)
	srv.Close()
	require.ErrorContains(t, selected.Clock.Sleep(t.Context(), time.Hour), "advancing the endpoint's clock")
}

// An endpoint whose time cannot be moved is waited for.
func TestAnEndpointWithoutAClockLivesByTheWallClock(t *testing.T) {
	withoutAWS(t)
	srv := awstest.Start(t)
	api, err := url.Parse(srv.URL)
	require.NoError(t, err)
	forward := httputil.NewSingleHostReverseProxy(api)
	for name, answer := range map[string]http.HandlerFunc{
		"not found": http.NotFound,
		"no time":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) },
		"no JSON":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "welcome") },
		"hung up":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/_clock" {
					answer(w, r)
					return
				}
				forward.ServeHTTP(w, r)
			}))
			defer peer.Close()
			selected, err := target.Select(t.Context(), "endpoint", getenv(map[string]string{"AWS_ENDPOINT_URL": peer.URL}))
			require.NoError(t, err)
			require.Nil(t, selected.Clock)
		})
	}
}

func TestEachRunOutsideTheProcessHasTagsOfItsOwn(t *testing.T) {
	withoutAWS(t)
	srv := awstest.Start(t)
	runs := map[string]bool{}
	for range 2 {
		selected, err := target.Select(t.Context(), "endpoint", getenv(map[string]string{"AWS_ENDPOINT_URL": srv.URL}))
		require.NoError(t, err)
		require.NotEmpty(t, selected.Run)
		require.Equal(t, selected.Run, selected.Env["TF_AWS_DEFAULT_TAGS_dlq_proof"])
		started, err := time.Parse(target.TimeLayout, selected.Env["TF_AWS_DEFAULT_TAGS_dlq_proof_started"])
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), started, time.Minute)
		runs[selected.Run] = true
	}
	require.Len(t, runs, 2)
}

func TestAnEndpointKeepsTheCallersSettingsAndFillsInTheRest(t *testing.T) {
	srv := awstest.Start(t)
	for _, tt := range []struct {
		name   string
		set    map[string]string
		want   map[string]string // in the environment of child processes
		absent []string
		region string
	}{
		{"nothing is set", nil,
			map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}, nil, "us-east-1"},
		{"a region is", map[string]string{"AWS_REGION": "eu-central-1"},
			map[string]string{"AWS_ACCESS_KEY_ID": "test"}, []string{"AWS_REGION"}, "eu-central-1"},
		{"credentials are", map[string]string{"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "secret"},
			map[string]string{"AWS_REGION": "us-east-1"}, []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, "us-east-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withoutAWS(t)
			t.Setenv("AWS_ENDPOINT_URL", srv.URL)
			for name, value := range tt.set {
				t.Setenv(name, value)
			}
			selected, err := target.Select(t.Context(), "endpoint", os.Getenv)
			require.NoError(t, err)
			require.True(t, selected.KeepAWS)
			require.Equal(t, tt.region, selected.Config.Region)
			for name, value := range tt.want {
				require.Equal(t, value, selected.Env[name], name)
			}
			for _, name := range tt.absent {
				require.NotContains(t, selected.Env, name)
			}
		})
	}
}
