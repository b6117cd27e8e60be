package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCallers(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, authorization, account, region, accessKey string }{
		{"nobody", "", "000000000000", "us-east-1", ""},
		{"a key that is no account", signed("test/20261124/eu-central-1/toy/aws4_request"), "000000000000", "eu-central-1", "test"},
		{"a key of twelve digits", signed("123456789012/20261124/us-gov-west-1/toy/aws4_request"), "123456789012", "us-gov-west-1", "123456789012"},
		{"a key of eleven digits", signed("12345678901/20261124/us-east-1/toy/aws4_request"), "000000000000", "us-east-1", "12345678901"},
		{"a key of twelve that aren't digits", signed("12345678901x/20261124/us-east-1/toy/aws4_request"), "000000000000", "us-east-1", "12345678901x"},
		{"a longer scope", signed("test/20261124/us-west-2/toy/aws4_request/more"), "000000000000", "us-west-2", "test"},
		{"no region", signed("test/20261124//toy/aws4_request"), "000000000000", "us-east-1", "test"},
		{"a shorter scope", signed("123456789012/20261124/us-west-2/toy"), "000000000000", "us-east-1", ""},
		{"an empty credential", signed(""), "000000000000", "us-east-1", ""},
		{"another scheme", "Bearer abc", "000000000000", "us-east-1", ""},
		{"a credential alone", "Credential=test/20261124/us-west-2/toy/aws4_request", "000000000000", "us-west-2", "test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := r.request(t, "POST", "/", "", "X-Amz-Target", "ToyService.Nothing")
			if c.authorization != "" {
				req.Header.Set("Authorization", c.authorization)
			}
			require.Equal(t, 200, r.do(t, req).StatusCode)
			call := r.last.Call
			require.Equal(t, []string{c.account, c.region, c.accessKey}, []string{call.Account, call.Region, call.AccessKey})
		})
	}
}

func TestCallersThatAreRefused(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, credential, code, shape string }{
		{"a region that is none", "test/20261124/Us East 1/toy/aws4_request", "SignatureDoesNotMatch", "InvalidSignatureException"},
		{"a region that isn't UTF-8", "test/20261124/\xff/toy/aws4_request", "SignatureDoesNotMatch", "InvalidSignatureException"},
		{"a long region", "test/20261124/" + strings.Repeat("x", 1<<15) + "/toy/aws4_request", "SignatureDoesNotMatch", "InvalidSignatureException"},
		{"a long access key", strings.Repeat("x", 1<<15) + "/20261124/us-east-1/toy/aws4_request", "InvalidClientTokenId", "UnrecognizedClientException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.last.Call.Region = "untouched"
			got := r.json(t, "Nothing", "", "Authorization", signed(c.credential))
			require.Equal(t, 403, got.StatusCode)
			require.Contains(t, got.body, "com.amazon.coral.service#"+c.shape)
			got = r.query(t, "Action=Nothing", "Authorization", signed(c.credential))
			require.Equal(t, 403, got.StatusCode)
			require.Contains(t, got.body, "<Code>"+c.code+"</Code>")
			require.Equal(t, "untouched", r.last.Call.Region)
		})
	}
}

func TestPresignedURL(t *testing.T) {
	r := newRig(t)
	got := r.do(t, r.request(t, "GET", "/?Action=Nothing&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20261124%2Feu-west-1%2Fothertoy%2Faws4_request&X-Amz-Signature=00", ""))
	require.Equal(t, 200, got.StatusCode)
	require.Contains(t, got.body, "http://othertoy.amazonaws.com/")
	require.Equal(t, "123456789012", r.last.Account)
	require.Equal(t, "eu-west-1", r.last.Region)
	require.Equal(t, "othertoy", r.last.Service)
}

func TestUnsignedQueryFindsItsServiceByVersion(t *testing.T) {
	r := newRig(t)
	for form, service := range map[string]string{
		"Action=Nothing&Version=2026-01-01": "toy",
		"Action=Nothing&Version=2011-01-01": "othertoy",
		"Action=Nothing":                    "toy", // the first that has it
	} {
		require.Equal(t, 200, r.query(t, form).StatusCode, form)
		require.Equal(t, service, r.last.Service, form)
	}
	require.Equal(t, 404, r.query(t, "Action=Nothing&Version=1999-01-01").StatusCode)
}
