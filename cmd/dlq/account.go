package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/dlq"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

// accountHelp goes at the end of the help of the commands that work on queues in use.
const accountHelp = `The account and the region are those of the AWS CLI: environment variables, --profile or
AWS_PROFILE, single sign-on, the role of the machine. AWS_ENDPOINT_URL is honoured; for an
endpoint on this machine, such as dlq serve, no credentials need to be configured.`

// accountFlags say in which account and region the queues are. The commands that work on
// queues in use have them, instead of --target: they create nothing, and whoever calls
// them at night has the AWS CLI set up and nothing else.
type accountFlags struct {
	region  string
	profile string
}

func (f *accountFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.region, "region", "", "AWS `region`; default from AWS_REGION or the profile")
	c.Flags().StringVar(&f.profile, "profile", "", "`profile` of the AWS configuration; default from AWS_PROFILE")
}

// account is where a command works.
type account struct {
	aws.Config
	// now is the time there: an endpoint on this machine may have a clock that was moved.
	now func() time.Time
}

// load reads the AWS configuration, and checks that there are credentials.
func (f accountFlags) load(ctx context.Context) (account, error) {
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	local := isLoopback(endpoint)
	var opts []func(*config.LoadOptions) error
	if f.profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(f.profile))
	}
	if local && f.profile == "" && os.Getenv("AWS_PROFILE") == "" {
		if f.region == "" && os.Getenv("AWS_REGION") == "" && os.Getenv("AWS_DEFAULT_REGION") == "" {
			f.region = "us-east-1"
		}
		if os.Getenv("AWS_ACCESS_KEY_ID") == "" {
			opts = append(opts, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
		}
	}
	if f.region != "" {
		opts = append(opts, config.WithRegion(f.region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	var noProfile config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &noProfile):
		return account{}, fmt.Errorf("there is no AWS profile %q: see aws configure list-profiles, and choose one with --profile or AWS_PROFILE", noProfile.Profile)
	case err != nil:
		return account{}, fmt.Errorf("reading the AWS configuration: %w", err)
	case cfg.Region == "":
		return account{}, errors.New("no AWS region is configured: use --region, or set AWS_REGION")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		if ctx.Err() != nil {
			return account{}, ctx.Err()
		}
		return account{}, fmt.Errorf("there are no AWS credentials: use --profile, set AWS_PROFILE, or log in with aws sso login: %w", err)
	}
	if c, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		// as many connections are kept as calls are made at a time
		c = c.WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 64 })
		cfg.HTTPClient = &http.Client{Transport: sdkhttp.PlainBodies(c.GetTransport()), Timeout: c.GetTimeout()}
	}
	a := account{Config: cfg, now: time.Now}
	if local {
		a.now = endpointClock(ctx, endpoint)
	}
	return a, nil
}

// isLoopback says whether a URL is one of this machine.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// endpointClock returns the clock of a dlq serve, which may have been advanced; the wall
// clock for an endpoint that has none.
func endpointClock(ctx context.Context, endpoint string) func() time.Time {
	client := &http.Client{Timeout: 2 * time.Second}
	read := func(ctx context.Context) (time.Time, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(endpoint, "/")+"/_clock", nil)
		if err != nil {
			return time.Time{}, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return time.Time{}, err
		}
		defer resp.Body.Close()
		var out struct{ Now time.Time }
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			return time.Time{}, err
		}
		if resp.StatusCode != http.StatusOK || out.Now.IsZero() {
			return time.Time{}, fmt.Errorf("no clock: %s", resp.Status)
		}
		return out.Now, nil
	}
	if _, err := read(ctx); err != nil {
		return time.Now
	}
	return func() time.Time {
		now, err := read(context.WithoutCancel(ctx))
		if err != nil {
			return time.Now()
		}
		return now
	}
}

// advise adds to an error what to do about it, where AWS's own words don't say.
func advise(err error) error {
	var missing *types.QueueDoesNotExist
	switch action := dlq.MissingAction(err); {
	case err == nil:
		return nil
	case action != "":
		return fmt.Errorf("%w\n  to do: allow %s to the identity in use, which aws sts get-caller-identity shows", err, action)
	case errors.As(err, &missing):
		return fmt.Errorf("%w\n  to do: correct the name, or choose another account or region with --profile and --region; dlq status shows the DLQs there are", err)
	}
	switch dlq.ErrorCode(err) {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return fmt.Errorf("%w\n  to do: the credentials have expired; renew them, e.g. with aws sso login", err)
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException":
		return fmt.Errorf("%w\n  to do: AWS doesn't know these credentials; aws sts get-caller-identity shows whether they work", err)
	}
	var network net.Error
	if errors.As(err, &network) || errors.As(err, new(*net.OpError)) {
		return fmt.Errorf("%w\n  to do: AWS can't be reached; check the network, --region, and AWS_ENDPOINT_URL if it is set", err)
	}
	return err
}
