package dynamodb_test

import (
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/dynamodb"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// replay hands out records as they were put down.
func replay(t *testing.T, records []any) func(any) error {
	return func(to any) error {
		require.NotEmpty(t, records)
		reflect.ValueOf(to).Elem().Set(reflect.ValueOf(records[0]))
		records = records[1:]
		return nil
	}
}

// FuzzUpdate feeds the service hostile requests: it must answer each, and not with an
// internal failure.
func FuzzUpdate(f *testing.F) {
	for _, body := range []string{
		`{"TableName":"tasks","Key":{"id":{"S":"a"}},"UpdateExpression":"SET a.b[3] = if_not_exists(c, :v) + :v REMOVE d ADD e :v","ExpressionAttributeValues":{":v":{"N":"1"}}}`,
		`{"TableName":"tasks","Key":{"id":{"S":"a"}},"ConditionExpression":"((((size(a) BETWEEN :v AND :v))))","ExpressionAttributeValues":{":v":{"NS":["1","2"]}}}`,
		`{"TableName":"tasks","Key":{"id":{"L":[{"M":{"x":{"BOOL":true}}}]}}}`, `{"Key":{"id":null}}`, `{"Key":{"id":{"S":null,"N":"1"}}}`, `{"Key":[]}`,
		`{"TableName":"tasks","Key":{"id":{"S":"a"}},"UpdateExpression":"` + strings.Repeat("(", 4000) + `"}`,
		`{"TableName":"tasks","Key":{"id":` + strings.Repeat(`{"L":[`, 500),
	} {
		f.Add("UpdateItem", body)
		f.Add("PutItem", strings.ReplaceAll(body, `"Key"`, `"Item"`))
		f.Add("Query", strings.ReplaceAll(body, "ConditionExpression", "KeyConditionExpression"))
	}
	f.Fuzz(func(t *testing.T, operation, body string) {
		clk := clock.New(begin())
		defer clk.Close()
		svc := dynamodb.New(clk)
		router := wire.NewRouter(clk.Now, nil, svc.API())
		call := func(operation, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			return w
		}
		require.Equal(t, 200, call("CreateTable", `{"TableName":"tasks","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}`).Code)
		require.Equal(t, 200, call("PutItem", `{"TableName":"tasks","Item":{"id":{"S":"a"},"a":{"M":{"b":{"L":[]}}}}}`).Code)
		if strings.ContainsAny(operation, "\r\n\x00") {
			return
		}
		w := call(operation, body)
		require.NotEqual(t, 500, w.Code, "%s", w.Body)
	})
}
