// Package target selects where queues are deployed and proven: on the embedded
// endpoint, at an endpoint's URL, or in a real AWS account.
//
//	t, err := target.Select(ctx, target.FromEnv(os.Getenv), os.Getenv)
//	if err != nil { … }
//	defer t.Close()
//	proof, err := dlqtest.Prove(ctx, t.Target, queue)
package target

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// Target is a selected target.
type Target struct {
	dlqtest.Target
	// Env is what child processes need in their environment to use the target.
	Env map[string]string
	// KeepAWS says that child processes keep the AWS variables of this process.
	KeepAWS bool
	// Run is the run's name in the tags of all that it creates; empty on the embedded
	// endpoint, which takes all with it.
	Run string
	// Server is the embedded endpoint, nil on other targets.
	Server *awstest.Server
}

// Close stops the embedded endpoint, if it is that.
func (t *Target) Close() {
	if t.Server != nil {
		t.Server.Close()
	}
}

// Error is a target that cannot be used, with what to do.
type Error struct{ text string }

// Error says what is wrong and what to do.
func (e *Error) Error() string { return e.text }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Names are the names of the targets.
func Names() []string {
	return []string{string(dlqtest.Embedded), string(dlqtest.Endpoint), string(dlqtest.AWS)}
}

// FromEnv returns the target that DLQ_TARGET names, embedded if it names none.
func FromEnv(getenv func(string) string) string {
	if name := getenv("DLQ_TARGET"); name != "" {
		return name
	}
	return string(dlqtest.Embedded)
}

// Select selects the target of that name. A real account needs DLQ_ALLOW_AWS=1 besides.
func Select(ctx context.Context, name string, getenv func(string) string) (*Target, error) {
	if !slices.Contains(Names(), name) {
		return nil, refuse("there is no target %q: choose embedded, endpoint or aws", name)
	}
	switch dlqtest.Ground(name) {
	case dlqtest.Endpoint:
		return endpoint(ctx, getenv)
	case dlqtest.AWS:
		return realAWS(ctx, getenv)
	default:
		return embedded()
	}
}

func embedded() (*Target, error) {
	srv, err := awstest.New()
	if err != nil {
		return nil, fmt.Errorf("starting the embedded AWS endpoint: %w", err)
	}
	return &Target{
		Target: dlqtest.Target{Config: srv.Config(), Clock: srv.Clock, Ground: dlqtest.Embedded},
		Env:    srv.Env(),
		Server: srv,
	}, nil
}

func endpoint(ctx context.Context, getenv func(string) string) (*Target, error) {
	url := getenv("AWS_ENDPOINT_URL")
	if url == "" {
		return nil, refuse("the target is an endpoint, but AWS_ENDPOINT_URL is not set: set it to the endpoint's URL, e.g. http://127.0.0.1:4566")
	}
	env := map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}
	opts := []func(*config.LoadOptions) error{config.WithBaseEndpoint(url)}
	if getenv("AWS_REGION") == "" && getenv("AWS_DEFAULT_REGION") == "" && getenv("AWS_PROFILE") == "" {
		env["AWS_REGION"] = "us-east-1"
		opts = append(opts, config.WithRegion(env["AWS_REGION"]))
	}
	if getenv("AWS_ACCESS_KEY_ID") == "" && getenv("AWS_PROFILE") == "" {
		env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = "test", "test"
		opts = append(opts, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	t := &Target{Target: dlqtest.Target{Config: cfg, Ground: dlqtest.Endpoint}, Env: env, KeepAWS: true}
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil); err != nil {
		return nil, refuse("the endpoint %s does not answer as AWS does: %v; start it, or correct AWS_ENDPOINT_URL", url, err)
	}
	if clock := remoteClockOf(ctx, url); clock != nil {
		t.Clock = clock
	}
	t.tag()
	return t, nil
}

func realAWS(ctx context.Context, getenv func(string) string) (*Target, error) {
	if getenv("DLQ_ALLOW_AWS") != "1" {
		return nil, refuse("the target is a real AWS account, where queues are created, used and destroyed: set DLQ_ALLOW_AWS=1 to allow it")
	}
	if url := getenv("AWS_ENDPOINT_URL"); url != "" {
		return nil, refuse("the target is a real AWS account, but AWS_ENDPOINT_URL is %s: unset it, or choose the target endpoint", url)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, refuse("no AWS region is configured: set AWS_REGION")
	}
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil); err != nil {
		return nil, refuse("the AWS credentials cannot be used: %v", err)
	}
	t := &Target{
		Target:  dlqtest.Target{Config: cfg, Ground: dlqtest.AWS},
		Env:     map[string]string{"AWS_REGION": cfg.Region},
		KeepAWS: true,
	}
	t.tag()
	return t, nil
}
