package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
)

const (
	queue  = "arn:aws:sqs:us-east-1:123456789012:ops"
	topic  = "arn:aws:sns:us-east-1:123456789012:alerts"
	action = "sqs:SendMessage"
)

func sns() fabric.Principal {
	return fabric.Principal{Service: "sns.amazonaws.com", SourceARN: topic, SourceAccount: "123456789012"}
}

func account(id string) fabric.Principal { return fabric.Principal{SourceAccount: id} }

// with makes a policy of statements that differ from one that lets SNS send.
func with(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func allow(condition string) string {
	s := `{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queue + `"`
	if condition != "" {
		s += `,"Condition":` + condition
	}
	return s + `}`
}

func TestAllowed(t *testing.T) {
	tests := map[string]struct {
		doc  string
		from fabric.Principal
		want bool
	}{
		"a service principal is allowed":                       {with(allow("")), sns(), true},
		"a single statement need not be a list":                {`{"Statement":` + allow("") + `}`, sns(), true},
		"another service is not":                               {with(allow("")), fabric.Principal{Service: "events.amazonaws.com"}, false},
		"an empty document allows nothing":                     {"", sns(), false},
		"a malformed document allows nothing":                  {`{"Statement":[`, sns(), false},
		"a service in a list of services is allowed":           {with(`{"Effect":"Allow","Principal":{"Service":["events.amazonaws.com","sns.amazonaws.com"]},"Action":"sqs:*","Resource":"*"}`), sns(), true},
		"everyone includes services":                           {with(`{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}`), sns(), true},
		"every AWS principal includes services":                {with(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sqs:SendMessage","Resource":"*"}`), sns(), true},
		"an account is named by its id":                        {with(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sqs:SendMessage","Resource":"*"}`), account("123456789012"), true},
		"an account is named by its root":                      {with(`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:root"]},"Action":"sqs:SendMessage","Resource":"*"}`), account("123456789012"), true},
		"an account that is not named is refused":              {with(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sqs:SendMessage","Resource":"*"}`), account("210987654321"), false},
		"another account's root is another":                    {with(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sqs:SendMessage","Resource":"*"}`), account("210987654321"), false},
		"a role is named by its ARN":                           {with(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/r"},"Action":"sqs:SendMessage","Resource":"*"}`), fabric.Principal{SourceAccount: "123456789012", SourceARN: "arn:aws:iam::123456789012:role/r"}, true},
		"an account's policy does not reach its services":      {with(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sqs:SendMessage","Resource":"*"}`), sns(), false},
		"no account id is not an account":                      {with(`{"Effect":"Allow","Principal":{"AWS":""},"Action":"sqs:SendMessage","Resource":"*"}`), account(""), false},
		"everyone but":                                         {with(`{"Effect":"Allow","NotPrincipal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}`), sns(), true},
		"everyone but the one who asks":                        {with(`{"Effect":"Allow","NotPrincipal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}`), sns(), false},
		"actions ignore case":                                  {with(`{"Effect":"Allow","Principal":"*","Action":"SQS:sendmessage","Resource":"*"}`), sns(), true},
		"actions take wildcards":                               {with(`{"Effect":"Allow","Principal":"*","Action":["sqs:Get*","sqs:Send*"],"Resource":"*"}`), sns(), true},
		"another action is not allowed":                        {with(`{"Effect":"Allow","Principal":"*","Action":"sqs:ReceiveMessage","Resource":"*"}`), sns(), false},
		"every action but":                                     {with(`{"Effect":"Allow","Principal":"*","NotAction":"sqs:DeleteQueue","Resource":"*"}`), sns(), true},
		"every action but this":                                {with(`{"Effect":"Allow","Principal":"*","NotAction":"sqs:Send*","Resource":"*"}`), sns(), false},
		"resources take wildcards":                             {with(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:sqs:*:123456789012:o?s"}`), sns(), true},
		"resources heed case":                                  {with(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:sqs:us-east-1:123456789012:OPS"}`), sns(), false},
		"every resource but this":                              {with(`{"Effect":"Allow","Principal":"*","Action":"*","NotResource":"` + queue + `"}`), sns(), false},
		"an explicit deny wins":                                {with(allow(""), `{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}`), sns(), false},
		"a deny for others leaves it":                          {with(`{"Effect":"Deny","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:*","Resource":"*"}`, allow("")), sns(), true},
		"services come by TLS":                                 {with(allow(""), `{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), sns(), true},
		"a boolean may be one in JSON":                         {with(allow(`{"Bool":{"aws:SecureTransport":true}}`)), sns(), true},
		"the source ARN matches":                               {with(allow(`{"ArnEquals":{"aws:SourceArn":"` + topic + `"}}`)), sns(), true},
		"the source ARN is another":                            {with(allow(`{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:other"}}`)), sns(), false},
		"ArnEquals takes wildcards too":                        {with(allow(`{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:123456789012:al*"}}`)), sns(), true},
		"ArnLike does not reach across a colon":                {with(allow(`{"ArnLike":{"aws:SourceArn":"arn:aws:s*:alerts"}}`)), sns(), false},
		"ArnNotLike":                                           {with(allow(`{"ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:*:al*"}}`)), sns(), false},
		"StringLike reaches across colons":                     {with(allow(`{"StringLike":{"aws:SourceArn":"arn:aws:s*:alerts"}}`)), sns(), true},
		"StringEquals has no wildcards":                        {with(allow(`{"StringEquals":{"aws:SourceArn":"*"}}`)), sns(), false},
		"keys ignore case":                                     {with(allow(`{"StringEquals":{"AWS:sourceaccount":"123456789012"}}`)), sns(), true},
		"one of several values is enough":                      {with(allow(`{"StringEquals":{"aws:SourceAccount":["1","123456789012"]}}`)), sns(), true},
		"all conditions must hold":                             {with(allow(`{"StringEquals":{"aws:SourceAccount":"123456789012"},"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:other"}}`)), sns(), false},
		"StringNotEquals":                                      {with(allow(`{"StringNotEquals":{"aws:SourceAccount":"123456789012"}}`)), sns(), false},
		"a negated operator matches an absent key":             {with(allow(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}`)), sns(), true},
		"an operator does not match an absent key":             {with(allow(`{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`)), sns(), false},
		"IfExists matches an absent key":                       {with(allow(`{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}}`)), sns(), true},
		"IfExists compares a present key":                      {with(allow(`{"StringEqualsIfExists":{"aws:SourceAccount":"1"}}`)), sns(), false},
		"ForAnyValue matches one":                              {with(allow(`{"ForAnyValue:StringEquals":{"aws:SourceAccount":["1","123456789012"]}}`)), sns(), true},
		"ForAnyValue does not match an absent key":             {with(allow(`{"ForAnyValue:StringNotEquals":{"aws:PrincipalOrgPaths":"o-1"}}`)), sns(), false},
		"ForAllValues matches an absent key":                   {with(allow(`{"ForAllValues:StringEquals":{"aws:CalledVia":"x"}}`)), sns(), true},
		"Null is true of an absent key":                        {with(allow(`{"Null":{"aws:PrincipalOrgID":"true"}}`)), sns(), true},
		"Null is false of a present key":                       {with(allow(`{"Null":{"aws:SourceArn":"true"}}`)), sns(), false},
		"tags are absent":                                      {with(allow(`{"StringNotEquals":{"aws:PrincipalTag/team":"x"}}`)), sns(), true},
		"an unknown operator does not match":                   {with(allow(`{"StringResembles":{"aws:SourceAccount":"123456789012"}}`)), sns(), false},
		"an unknown set operator does not match":               {with(allow(`{"ForNoValue:StringEquals":{"aws:SourceAccount":"123456789012"}}`)), sns(), false},
		"an unknown key does not match, even negated":          {with(allow(`{"StringNotEquals":{"aws:Weather":"rain"}}`)), sns(), false},
		"a service is told by aws:PrincipalIsAWSService":       {with(allow(`{"Bool":{"aws:PrincipalIsAWSService":"true"}}`)), sns(), true},
		"an account has a principal ARN":                       {with(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:root"}}}`), account("123456789012"), true},
		"a service has none":                                   {with(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"*"}}}`), sns(), false},
		"the resource's account is a key":                      {with(allow(`{"StringEquals":{"aws:ResourceAccount":"123456789012"}}`)), sns(), true},
		"the default topic policy knows its source's owner":    {with(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Resource":"*","Condition":{"StringEquals":{"AWS:SourceOwner":"123456789012"}}}`), sns(), true},
		"an identity-based policy grants nothing to a service": {with(`{"Effect":"Allow","Action":"*","Resource":"*"}`), sns(), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, policy.Allowed(tt.doc, tt.from, action, queue))
		})
	}
}

func TestTheOwnersAccountNeedsNoPolicy(t *testing.T) {
	role := fabric.Principal{SourceAccount: "123456789012", SourceARN: "arn:aws:iam::123456789012:role/scheduler"}
	require.True(t, policy.Allowed("", role, action, queue))
	require.False(t, policy.Allowed("", account("210987654321"), action, queue))
	require.False(t, policy.Allowed("", sns(), action, queue), "a service does, also of the same account")
	deny := with(`{"Effect":"Deny","Principal":{"AWS":"` + role.SourceARN + `"},"Action":"sqs:*","Resource":"*"}`)
	require.False(t, policy.Allowed(deny, role, action, queue))
	require.True(t, policy.Allowed(deny, account("123456789012"), action, queue))
}

func TestPlainHTTPIsDeniedWhereTLSIsRequired(t *testing.T) {
	doc := with(`{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`)
	r := policy.Request{From: account("123456789012"), Action: action, Resource: queue}
	require.Equal(t, policy.Silent, policy.Decide(doc, r))
	r.Insecure = true
	require.Equal(t, policy.Deny, policy.Decide(doc, r))
}

func TestValidate(t *testing.T) {
	tests := map[string]struct{ doc, err string }{
		"a good policy":                    {with(allow("")), ""},
		"not JSON":                         {"policy", "reading policy document"},
		"nothing":                          {"", "reading policy document"},
		"not an object":                    {"[]", "reading policy document"},
		"no statement":                     {`{"Version":"2012-10-17"}`, "no statement"},
		"an unknown version":               {`{"Version":"2020-01-01","Statement":` + allow("") + `}`, "unknown policy version"},
		"two documents":                    {with(allow("")) + `{}`, "followed by something else"},
		"an unknown element":               {with(`{"Effect":"Allow","Who":"*"}`), "unknown field"},
		"no effect":                        {with(`{"Principal":"*","Action":"*","Resource":"*"}`), "statement 1: effect must be Allow or Deny"},
		"no principal":                     {with(allow(""), `{"Effect":"Allow","Action":"*","Resource":"*"}`), "statement 2: Principal is missing"},
		"a principal by name":              {with(`{"Effect":"Allow","Principal":"me","Action":"*","Resource":"*"}`), "must be *"},
		"an unknown kind of principal":     {with(`{"Effect":"Allow","Principal":{"User":"me"},"Action":"*","Resource":"*"}`), "unknown kind of principal"},
		"no action":                        {with(`{"Effect":"Allow","Principal":"*","Resource":"*"}`), "Action is missing"},
		"an action without a service":      {with(`{"Effect":"Allow","Principal":"*","Action":"Publish","Resource":"*"}`), "separated by a colon"},
		"both Action and NotAction":        {with(`{"Effect":"Allow","Principal":"*","Action":"*","NotAction":"a:b","Resource":"*"}`), "exclude each other"},
		"no resource":                      {with(`{"Effect":"Allow","Principal":"*","Action":"*"}`), "Resource is missing"},
		"a condition that is a list":       {with(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":[]}`), "reading policy document"},
		"a condition's value is an object": {with(allow(`{"Bool":{"aws:SecureTransport":{}}}`)), "condition's value"},
		"too long":                         {strings.Repeat(" ", policy.MaxDocument) + with(allow("")), "longer than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := policy.Validate(tt.doc)
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.err)
		})
	}
}

func TestTheKindDecidesWhichElementsAPolicyHas(t *testing.T) {
	trust := with(`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	identity := with(`{"Effect":"Allow","Action":"sqs:*","Resource":"*"}`)
	require.NoError(t, policy.ValidateKind(trust, policy.Trust))
	require.NoError(t, policy.ValidateKind(identity, policy.Identity))
	require.ErrorContains(t, policy.ValidateKind(trust, policy.Identity), "must not have a Principal")
	require.ErrorContains(t, policy.ValidateKind(identity, policy.Trust), "Principal is missing")
	require.ErrorContains(t, policy.ValidateKind(with(allow("")), policy.Trust), "must not have a Resource")
}

func TestHostilePatternsTakeNoLongerThanTheirLengths(t *testing.T) {
	pattern := strings.Repeat("*a", 20_000) + "b"
	doc := with(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"` + pattern + `"}`)
	start := time.Now()
	require.False(t, policy.Allowed(doc, sns(), action, strings.Repeat("a", 2_000)))
	require.Less(t, time.Since(start), 5*time.Second)
}

func FuzzDecide(f *testing.F) {
	f.Add(with(allow("")), "sns.amazonaws.com", topic)
	f.Add(with(allow(`{"ForAnyValue:StringLikeIfExists":{"aws:SourceArn":["*",1,true]}}`)), "", "arn:::")
	f.Add(`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"NotAction":"","NotResource":["*?*"]}}`, "", "")
	f.Fuzz(func(t *testing.T, doc, service, arn string) {
		r := policy.Request{From: fabric.Principal{Service: service, SourceARN: arn, SourceAccount: "1"}, Action: action, Resource: queue}
		got := policy.Decide(doc, r)
		if _, err := policy.Parse(doc); err != nil {
			require.Equal(t, policy.Silent, got)
		}
		if allowed := policy.Allowed(doc, r.From, r.Action, r.Resource); got != policy.Silent {
			require.Equal(t, got == policy.Allow, allowed)
		}
	})
}
