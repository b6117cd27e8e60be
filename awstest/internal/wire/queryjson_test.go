package wire_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// listing has a member that has a name of its own where Query answers in JSON.
type listing struct {
	Items []inner `json:"Items,omitempty" query:"Item,flat" queryjson:"items"`
	Total *int    `json:"Total,omitempty"`
}

func TestQueryAnswersInJSONWhoAsksForIt(t *testing.T) {
	last := &seen{}
	svc := toy(last)
	svc.Operations["List"] = wire.Op(func(context.Context, *wire.Call, *wire.Empty) (*listing, error) {
		return &listing{Items: []inner{{Name: "<a>", Values: []float64{1, 2.5}}, {Name: "b"}}}, nil
	})
	r := newRigOf(t, last, svc)
	for _, c := range []struct {
		name, form, accept, want string
		status                   int
	}{
		{"with absent members as null, in order", "Action=List", "application/json", `{"ListResponse":{"ListResult":{"Total":null,"items":[{"Name":"<a>","Values":[1,2.5]},{"Name":"b","Values":null}]},"ResponseMetadata":{"RequestId":"ID"}}}`, 200},
		{"with a map as a list of its entries", "Action=Echo&Tag.1.Key=k&Tag.1.Value=v&Tag.2.Key=a&Attrs.entry.1.Name=n&Attrs.entry.1.Value.Name=i&Blob=aGVsbG8=&When=2025-11-24T16:00:00.5Z&Number=7&Flag=true&NoFlag=false&Lists.member.1.member.1=x",
			"APPLICATION/JSON;q=1, */*",
			`{"EchoResponse":{"EchoResult":{"Alias":null,"Always":null,"Attrs":[{"Name":"n","Value":{"Name":"i","Values":null}}],"Blob":"aGVsbG8=","Flag":true,"Flat":null,"Float":null,"Inner":null,"Lists":[["x"]],"Long":null,"Map":null,"NoFlag":false,"Number":7,"Structs":null,"Tags":[{"Key":"a","Value":""},{"Key":"k","Value":"v"}],"Text":null,"When":1764000000.5,"Zero":null,"named":null},"ResponseMetadata":{"RequestId":"ID"}}}`, 200},
		{"without a result where there is none", "Action=Nothing", "application/json", `{"NothingResponse":{"ResponseMetadata":{"RequestId":"ID"}}}`, 200},
		{"with the error", "Action=Fail", "application/json", `{"Error":{"Code":"AWS.Toy.NonExistentToy","Message":"no such toy","Type":"Sender"},"RequestId":"ID"}`, 400},
		{"but in XML who takes anything", "Action=Nothing", "*/*", `<?xml version="1.0"?><NothingResponse xmlns="http://toy.amazonaws.com/doc/2026-01-01/"><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></NothingResponse>`, 200},
		{"but in XML who prefers it", "Action=Nothing", "text/xml, application/json", `<?xml version="1.0"?><NothingResponse xmlns="http://toy.amazonaws.com/doc/2026-01-01/"><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></NothingResponse>`, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.query(t, c.form+"&Version=2026-01-01", "Accept", c.accept)
			require.Equal(t, c.status, got.StatusCode, got.body)
			contentType := "application/json"
			if c.want[0] == '<' {
				contentType = "text/xml"
			}
			require.Equal(t, contentType, got.Header.Get("Content-Type"))
			require.Equal(t, c.want, withoutID(got))
		})
	}
	t.Run("but for no operation in XML all the same", func(t *testing.T) {
		got := r.query(t, "", "Accept", "application/json", "Authorization", signed("test/20261124/us-east-1/toy/aws4_request"))
		require.Equal(t, 404, got.StatusCode)
		require.Equal(t, "<UnknownOperationException/>", got.body)
	})
}

// withoutID is an answer's body with its request's id replaced.
func withoutID(r reply) string {
	return strings.ReplaceAll(r.body, r.Header.Get("X-Amzn-RequestId"), "ID")
}
