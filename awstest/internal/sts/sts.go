// Package sts is the endpoint's Security Token Service: who is calling, and
// credentials that are as good as any, since the endpoint checks none.
//
//	svc := sts.New(clk)
//	router := wire.NewRouter(clk.Now, nil, svc.API())
//
// A caller's account is its access key id, if that is one; the credentials handed out
// therefore have the account's id as access key id, so that who uses them stays in
// the account, and their session token names the role.
package sts

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Service is STS. It keeps nothing: tokens carry what there is to know.
type Service struct{ clk *clock.Clock }

// New returns an STS.
func New(clk *clock.Clock) *Service { return &Service{clk: clk} }

// API returns the service's operations.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:         "sts",
		XMLNamespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Version:      "2011-06-15",
		Operations: map[string]wire.Operation{
			"GetCallerIdentity": wire.Op(s.getCallerIdentity),
			"AssumeRole":        wire.Op(s.assumeRole),
			"GetSessionToken":   wire.Op(s.getSessionToken),
			"GetAccessKeyInfo":  wire.Op(s.getAccessKeyInfo),
		},
	}
}

type callerIdentity struct {
	UserID  string `query:"UserId"`
	Account string
	Arn     string
}

func (s *Service) getCallerIdentity(_ context.Context, c *wire.Call, _ *wire.Empty) (*callerIdentity, error) {
	if role, session, ok := readToken(tokenOf(c)); ok {
		user := assumed(role, session)
		return &callerIdentity{UserID: user.AssumedRoleID, Account: accountOf(role), Arn: user.Arn}, nil
	}
	return &callerIdentity{UserID: c.Account, Account: c.Account, Arn: "arn:" + wire.Partition(c.Region) + ":iam::" + c.Account + ":root"}, nil
}

// tokenOf returns the caller's session token.
func tokenOf(c *wire.Call) string {
	if c.HTTP == nil || c.HTTP.URL == nil {
		return ""
	}
	if token := c.HTTP.Header.Get("X-Amz-Security-Token"); token != "" {
		return token
	}
	return c.HTTP.URL.Query().Get("X-Amz-Security-Token")
}

type credentials struct {
	AccessKeyID     string `query:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      wire.Time
}

// newCredentials returns credentials of an account that last for so many seconds.
func (s *Service) newCredentials(account, token string, seconds int) credentials {
	expiration := s.clk.Now().Add(time.Duration(seconds) * time.Second)
	sum := sha256.Sum256([]byte(token + expiration.String()))
	return credentials{
		AccessKeyID:     account,
		SecretAccessKey: base64.StdEncoding.EncodeToString(sum[:30]),
		SessionToken:    token,
		Expiration:      wire.At(expiration.Truncate(time.Second)),
	}
}

type assumeRoleInput struct {
	RoleArn         string
	RoleSessionName string
	DurationSeconds *int
	ExternalID      string `query:"ExternalId"`
	Policy          string
	SourceIdentity  string
}

type assumedRoleUser struct {
	AssumedRoleID string `query:"AssumedRoleId"`
	Arn           string
}

type assumeRoleOutput struct {
	Credentials     credentials
	AssumedRoleUser assumedRoleUser
	SourceIdentity  string `json:",omitempty"`
}

var (
	roleARN     = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:role/[\x21-\x7e]{1,576}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// assumeRole hands out credentials of a role. Whether the role exists and trusts the
// caller is not asked. [AssumeRole API reference]
func (s *Service) assumeRole(_ context.Context, _ *wire.Call, in *assumeRoleInput) (*assumeRoleOutput, error) {
	switch {
	case !roleARN.MatchString(in.RoleArn):
		return nil, invalid(in.RoleArn + " is invalid")
	case !sessionName.MatchString(in.RoleSessionName):
		return nil, invalid(fmt.Sprintf("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", in.RoleSessionName))
	}
	if in.Policy != "" {
		if err := policy.ValidateKind(in.Policy, policy.Identity); err != nil {
			return nil, &wire.Error{Code: "MalformedPolicyDocument", Message: err.Error()}
		}
	}
	seconds, err := duration(in.DurationSeconds, 3600, 43_200)
	if err != nil {
		return nil, err
	}
	token := writeToken(in.RoleArn, in.RoleSessionName)
	return &assumeRoleOutput{
		Credentials:     s.newCredentials(accountOf(in.RoleArn), token, seconds),
		AssumedRoleUser: assumed(in.RoleArn, in.RoleSessionName),
		SourceIdentity:  in.SourceIdentity,
	}, nil
}

type getSessionTokenInput struct {
	DurationSeconds *int
	SerialNumber    string
	TokenCode       string
}

type getSessionTokenOutput struct{ Credentials credentials }

func (s *Service) getSessionToken(_ context.Context, c *wire.Call, in *getSessionTokenInput) (*getSessionTokenOutput, error) {
	seconds, err := duration(in.DurationSeconds, 43_200, 129_600)
	if err != nil {
		return nil, err
	}
	return &getSessionTokenOutput{Credentials: s.newCredentials(c.Account, writeToken("", c.Account), seconds)}, nil
}

// duration checks how long credentials are to last, in seconds; 15 minutes is the
// least. [AssumeRole and GetSessionToken API references]
func duration(given *int, standard, most int) (int, error) {
	if given == nil {
		return standard, nil
	}
	constraint := ""
	switch {
	case *given < 900:
		constraint = "Member must have value greater than or equal to 900"
	case *given > most:
		constraint = fmt.Sprintf("Member must have value less than or equal to %d", most)
	default:
		return *given, nil
	}
	return 0, invalid(fmt.Sprintf("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: %s", *given, constraint))
}

type getAccessKeyInfoInput struct {
	AccessKeyID string `query:"AccessKeyId"`
}

type getAccessKeyInfoOutput struct{ Account string }

var accountID = regexp.MustCompile(`^\d{12}$`)

// getAccessKeyInfo tells a key's account, by the endpoint's rule: the key is the
// account's id, or else the key of the default account.
func (s *Service) getAccessKeyInfo(_ context.Context, _ *wire.Call, in *getAccessKeyInfoInput) (*getAccessKeyInfoOutput, error) {
	if accountID.MatchString(in.AccessKeyID) {
		return &getAccessKeyInfoOutput{Account: in.AccessKeyID}, nil
	}
	return &getAccessKeyInfoOutput{Account: wire.DefaultAccount}, nil
}

func invalid(message string) *wire.Error {
	return &wire.Error{Code: "ValidationError", Message: message, Status: http.StatusBadRequest}
}

func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// assumed returns the user that a session of a role is. The path of the role is left
// out, as on AWS.
func assumed(role, session string) assumedRoleUser {
	parts := strings.SplitN(role, ":", 6)
	name := role[strings.LastIndexByte(role, '/')+1:]
	sum := sha256.Sum256([]byte(role))
	id := "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
	return assumedRoleUser{
		AssumedRoleID: id + ":" + session,
		Arn:           "arn:" + parts[1] + ":sts::" + parts[4] + ":assumed-role/" + name + "/" + session,
	}
}

// tokenPrefix tells this package's tokens from others.
const tokenPrefix = "awstest/"

// writeToken makes a session token that names a role, if any, and the session.
func writeToken(role, session string) string {
	return base64.StdEncoding.EncodeToString([]byte(tokenPrefix + role + "\n" + session))
}

// readToken returns the role and session of a token of a role.
func readToken(token string) (role, session string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", "", false
	}
	text, ok := strings.CutPrefix(string(b), tokenPrefix)
	if !ok {
		return "", "", false
	}
	role, session, ok = strings.Cut(text, "\n")
	return role, session, ok && roleARN.MatchString(role) && sessionName.MatchString(session)
}
