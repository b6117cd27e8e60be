package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/dynamodb"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

type rig struct {
	*testing.T
	*sdk.Client
	clk *clock.Clock
	svc *dynamodb.Service
}

func begin() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }

func start(t *testing.T) *rig {
	t.Helper()
	clk := clock.New(begin())
	clk.Pause()
	t.Cleanup(clk.Close)
	return serve(t, clk, dynamodb.New(clk))
}

func serve(t *testing.T, clk *clock.Clock, svc *dynamodb.Service) *rig {
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API()))
	t.Cleanup(srv.Close)
	return &rig{t, sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Retryer: aws.NopRetryer{},
	}), clk, svc}
}

type attrs = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }

// tasks creates a table with the key id, and an index by state and due.
func (r *rig) tasks() {
	r.Helper()
	_, err := r.CreateTable(r.Context(), &sdk.CreateTableInput{
		TableName: aws.String("tasks"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("state"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("due"), AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("by-state"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("state"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("due"), KeyType: types.KeyTypeRange}},
		}},
	})
	require.NoError(r, err)
}

// events creates a table with a numeric sort key.
func (r *rig) events() {
	r.Helper()
	_, err := r.CreateTable(r.Context(), &sdk.CreateTableInput{
		TableName: aws.String("events"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("n"), AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("n"), KeyType: types.KeyTypeRange}},
	})
	require.NoError(r, err)
}

func (r *rig) put(table string, it attrs) {
	r.Helper()
	_, err := r.PutItem(r.Context(), &sdk.PutItemInput{TableName: &table, Item: it})
	require.NoError(r, err)
}

func (r *rig) get(table string, key attrs) attrs {
	r.Helper()
	out, err := r.GetItem(r.Context(), &sdk.GetItemInput{TableName: &table, Key: key})
	require.NoError(r, err)
	return out.Item
}

func requireCode(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode())
	require.Contains(t, e.ErrorMessage(), message)
}

func TestValuesOfAllKindsComeBackAsTheyWere(t *testing.T) {
	r := start(t)
	r.tasks()
	it := attrs{
		"id": str("a"), "big": num("12345678901234567890123456789012345678"), "small": num("-0.00000000000000000000000000012"), "bin": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"yes": &types.AttributeValueMemberBOOL{Value: true}, "no": &types.AttributeValueMemberBOOL{}, "null": &types.AttributeValueMemberNULL{Value: true},
		"ss": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"2", "10"}}, "bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{str("<&>"), num("1")}}, "m": &types.AttributeValueMemberM{Value: attrs{"S": str("x"), "empty": str("")}},
		"el": &types.AttributeValueMemberL{Value: []types.AttributeValue{}}, "em": &types.AttributeValueMemberM{Value: attrs{}},
	}
	r.put("tasks", it)
	require.Equal(t, it, r.get("tasks", attrs{"id": str("a")}))
}

func TestNumbersAreWrittenInOneWay(t *testing.T) {
	r := start(t)
	r.tasks()
	for in, want := range map[string]string{"007": "7", "1.50": "1.5", "1e3": "1000", "-0": "0", "+5": "5", "1.2E-3": "0.0012", ".5": "0.5", "100": "100", "0.000": "0"} {
		r.put("tasks", attrs{"id": str("a"), "n": num(in)})
		require.Equal(t, num(want), r.get("tasks", attrs{"id": str("a")})["n"], in)
	}
	for _, bad := range []string{"", "x", "1e", "1e200", "1e-200", "123456789012345678901234567890123456789", "NaN", "0x1", "1_0"} {
		_, err := r.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("tasks"), Item: attrs{"id": str("a"), "n": num(bad)}})
		requireCode(t, err, "ValidationException", "")
	}
}

func TestConditions(t *testing.T) {
	r := start(t)
	r.tasks()
	r.put("tasks", attrs{
		"id": str("a"), "n": num("5"), "text": str("hello"), "ss": &types.AttributeValueMemberSS{Value: []string{"x"}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1"), &types.AttributeValueMemberM{Value: attrs{"k": str("v")}}}},
	})
	values := attrs{":n": num("5.0"), ":six": num("6"), ":four": num("4"), ":hello": str("hello"), ":he": str("he"), ":x": str("x"), ":one": num("1"), ":v": str("v"), ":S": str("S"), ":two": num("2")}
	for expression, want := range map[string]bool{
		"attribute_exists(id)": true, "attribute_not_exists(id)": false, "attribute_not_exists(gone)": true,
		"n = :n": true, "n <> :n": false, "n < :six": true, "n <= :n": true, "n > :four AND n >= :n": true, "n < :hello": false, "gone <> :n": false, "NOT gone = :n": true,
		"n BETWEEN :four AND :six": true, "n BETWEEN :six AND :four": false, "n IN (:four, :n)": true, "n IN (:four)": false,
		"begins_with(text, :he)": true, "begins_with(n, :he)": false, "contains(text, :he)": true, "contains(ss, :x)": true, "contains(ss, :he)": false, "contains(l, :one)": true,
		"attribute_type(text, :S)": true, "attribute_type(n, :S)": false, "size(text) = :n": true, "size(l) = :two": true, "size(n) = :one": false,
		"l[0] = :one": true, "l[1].k = :v": true, "l[2] = :one": false, "#t = :hello": true,
		"n = :four OR n = :n AND text = :hello": true, "(n = :four OR n = :n) AND text = :he": false, "NOT (n = :four) and not n = :six": true,
	} {
		t.Run(expression, func(t *testing.T) {
			used := attrs{}
			for name, v := range values {
				if mentions(expression, name) {
					used[name] = v
				}
			}
			in := &sdk.UpdateItemInput{TableName: aws.String("tasks"), Key: attrs{"id": str("a")}, ConditionExpression: &expression}
			if len(used) > 0 {
				in.ExpressionAttributeValues = used
			}
			if mentions(expression, "#t") {
				in.ExpressionAttributeNames = map[string]string{"#t": "text"}
			}
			_, err := r.UpdateItem(t.Context(), in)
			// "text" is reserved, as AWS says
			if mentions(expression, "text") {
				requireCode(t, err, "ValidationException", "Attribute name is a reserved keyword; reserved keyword: text")
				in.ConditionExpression = aws.String(replaceWord(expression, "text", "#t"))
				in.ExpressionAttributeNames = map[string]string{"#t": "text"}
				_, err = r.UpdateItem(t.Context(), in)
			}
			if want {
				require.NoError(t, err)
			} else {
				requireCode(t, err, "ConditionalCheckFailedException", "The conditional request failed")
			}
		})
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '#' || c == ':' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func mentions(expression, word string) bool { return replaceWord(expression, word, "") != expression }

func replaceWord(text, word, with string) string {
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i:i+len(word)] == word && (i == 0 || !isWord(text[i-1])) && (i+len(word) == len(text) || !isWord(text[i+len(word)])) {
			text = text[:i] + with + text[i+len(word):]
			i += len(with)
		}
	}
	return text
}

func TestAFailedConditionTellsWhatThereIs(t *testing.T) {
	r := start(t)
	r.tasks()
	r.put("tasks", attrs{"id": str("a"), "v": num("1")})
	in := &sdk.PutItemInput{TableName: aws.String("tasks"), Item: attrs{"id": str("a"), "v": num("2")}, ConditionExpression: aws.String("attribute_not_exists(id)")}
	_, err := r.PutItem(t.Context(), in)
	var failed *types.ConditionalCheckFailedException
	require.ErrorAs(t, err, &failed)
	require.Nil(t, failed.Item)
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	_, err = r.PutItem(t.Context(), in)
	require.ErrorAs(t, err, &failed)
	require.Equal(t, attrs{"id": str("a"), "v": num("1")}, failed.Item)
	require.Equal(t, num("1"), r.get("tasks", attrs{"id": str("a")})["v"])
}

func TestUpdates(t *testing.T) {
	list := func(vs ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: vs} }
	m := func(a attrs) types.AttributeValue { return &types.AttributeValueMemberM{Value: a} }
	for name, tt := range map[string]struct {
		expression string
		values     attrs
		want       attrs // of n, l, m, s, new
		err        string
	}{
		"set":                      {"SET n = :v", attrs{":v": num("2")}, attrs{"n": num("2")}, ""},
		"add one":                  {"SET n = n + :v", attrs{":v": num("1.5")}, attrs{"n": num("2.5")}, ""},
		"exactly":                  {"SET n = :v + :w", attrs{":v": num("0.1"), ":w": num("0.2")}, attrs{"n": num("0.3")}, ""},
		"subtract":                 {"SET n = :v - n", attrs{":v": num("1")}, attrs{"n": num("0")}, ""},
		"if it doesn't exist":      {"SET fresh = if_not_exists(fresh, :v), n = if_not_exists(n, :v)", attrs{":v": num("9")}, attrs{"fresh": num("9"), "n": num("1")}, ""},
		"a counter":                {"SET fresh = if_not_exists(fresh, :z) + :v", attrs{":v": num("1"), ":z": num("0")}, attrs{"fresh": num("1")}, ""},
		"append":                   {"SET l = list_append(l, :v)", attrs{":v": list(num("3"))}, attrs{"l": list(num("1"), num("2"), num("3"))}, ""},
		"prepend":                  {"SET l = list_append(:v, l)", attrs{":v": list(num("3"))}, attrs{"l": list(num("3"), num("1"), num("2"))}, ""},
		"into a map":               {"SET m.a = :v, m.b = :v", attrs{":v": num("3")}, attrs{"m": m(attrs{"a": num("3"), "b": num("3")})}, ""},
		"into a list":              {"SET l[0] = :v, l[9] = :v", attrs{":v": num("3")}, attrs{"l": list(num("3"), num("2"), num("3"))}, ""},
		"remove":                   {"REMOVE n, l[0], l[1], m.a", nil, attrs{"n": nil, "l": list(), "m": m(attrs{})}, ""},
		"remove what isn't":        {"REMOVE nothing", nil, attrs{"n": num("1")}, ""},
		"add to a number":          {"ADD n :v, fresh :v", attrs{":v": num("-3")}, attrs{"n": num("-2"), "fresh": num("-3")}, ""},
		"add to a set":             {"ADD s :v", attrs{":v": &types.AttributeValueMemberSS{Value: []string{"b", "c"}}}, attrs{"s": &types.AttributeValueMemberSS{Value: []string{"a", "b", "c"}}}, ""},
		"delete from a set":        {"DELETE s :v", attrs{":v": &types.AttributeValueMemberSS{Value: []string{"b", "c"}}}, attrs{"s": &types.AttributeValueMemberSS{Value: []string{"a"}}}, ""},
		"delete the last of a set": {"DELETE s :v", attrs{":v": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}}, attrs{"s": nil}, ""},
		"all at once, of what was": {"SET n = l[0], fresh = n REMOVE l", nil, attrs{"n": num("1"), "fresh": num("1"), "l": nil}, ""},
		"clauses in any case":      {"set n = :v remove l", attrs{":v": num("2")}, attrs{"n": num("2"), "l": nil}, ""},
		"the key":                  {"SET id = :v", attrs{":v": str("b")}, nil, "Cannot update attribute id. This attribute is part of the key"},
		"two paths that overlap":   {"SET m = :v, m.a = :v", attrs{":v": num("2")}, nil, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, a]"},
		"a path to nowhere":        {"SET nothing.a = :v", attrs{":v": num("2")}, nil, "The document path provided in the update expression is invalid for update"},
		"of what isn't":            {"SET n = nothing + :v", attrs{":v": num("2")}, nil, "The provided expression refers to an attribute that does not exist in the item"},
		"text as a number":         {"SET n = n + :v", attrs{":v": str("2")}, nil, "An operand in the update expression has an incorrect data type"},
		"add text":                 {"ADD n :v", attrs{":v": str("2")}, nil, "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
		"a value that isn't given": {"SET n = :w", attrs{":v": str("2")}, nil, "An expression attribute value used in expression is not defined; attribute value: :w"},
		"a value that isn't used":  {"SET n = :v", attrs{":v": num("2"), ":w": num("2")}, nil, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"},
		"the same clause twice":    {"SET n = :v SET l = :v", attrs{":v": num("2")}, nil, `The "SET" section can only be used once in an update expression;`},
		"nothing":                  {"", nil, nil, "Invalid UpdateExpression: The expression can not be empty;"},
		"nonsense":                 {"SET n == :v", attrs{":v": num("2")}, nil, "Invalid UpdateExpression: Syntax error"},
		"a reserved word":          {"SET status = :v", attrs{":v": num("2")}, nil, "Attribute name is a reserved keyword; reserved keyword: status"},
		"half of it":               {"SET n =", nil, nil, `Syntax error; token: "<EOF>"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			r.tasks()
			r.put("tasks", attrs{"id": str("a"), "n": num("1"), "l": list(num("1"), num("2")), "m": m(attrs{"a": num("1")}), "s": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}})
			before := r.get("tasks", attrs{"id": str("a")})
			out, err := r.UpdateItem(t.Context(), &sdk.UpdateItemInput{
				TableName: aws.String("tasks"), Key: attrs{"id": str("a")}, UpdateExpression: &tt.expression, ExpressionAttributeValues: tt.values, ReturnValues: types.ReturnValueAllNew,
			})
			after := r.get("tasks", attrs{"id": str("a")})
			if tt.err != "" {
				requireCode(t, err, "ValidationException", tt.err)
				require.Equal(t, before, after)
				return
			}
			require.NoError(t, err)
			require.Equal(t, after, out.Attributes)
			for name, want := range tt.want {
				if want == nil {
					require.NotContains(t, after, name)
					continue
				}
				if l, ok := want.(*types.AttributeValueMemberL); ok && l.Value == nil {
					l.Value = []types.AttributeValue{}
				}
				require.Equal(t, want, after[name], name)
			}
		})
	}
}

func TestWhatAnUpdateReturns(t *testing.T) {
	r := start(t)
	r.tasks()
	for value, want := range map[types.ReturnValue]attrs{
		types.ReturnValueNone: nil, types.ReturnValueAllOld: {"id": str("a"), "n": num("1"), "x": num("1")}, types.ReturnValueAllNew: {"id": str("a"), "n": num("2"), "x": num("1")},
		types.ReturnValueUpdatedOld: {"n": num("1")}, types.ReturnValueUpdatedNew: {"n": num("2")},
	} {
		r.put("tasks", attrs{"id": str("a"), "n": num("1"), "x": num("1")})
		out, err := r.UpdateItem(t.Context(), &sdk.UpdateItemInput{
			TableName: aws.String("tasks"), Key: attrs{"id": str("a")}, UpdateExpression: aws.String("SET n = :v"), ExpressionAttributeValues: attrs{":v": num("2")}, ReturnValues: value,
		})
		require.NoError(t, err)
		require.Equal(t, want, out.Attributes, value)
	}
}

func TestAQueryReadsAPartitionInTheOrderOfNumbers(t *testing.T) {
	r := start(t)
	r.events()
	for _, n := range []string{"10", "9", "-1", "2.5", "100"} {
		r.put("events", attrs{"id": str("a"), "n": num(n), "even": str("x")})
	}
	r.put("events", attrs{"id": str("a:1"), "n": num("1")})
	read := func(condition string, values attrs, change func(*sdk.QueryInput)) []string {
		t.Helper()
		in := &sdk.QueryInput{TableName: aws.String("events"), KeyConditionExpression: &condition, ExpressionAttributeValues: values}
		if change != nil {
			change(in)
		}
		var got []string
		for p := sdk.NewQueryPaginator(r, in); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			require.NoError(t, err)
			for _, it := range page.Items {
				got = append(got, it["n"].(*types.AttributeValueMemberN).Value)
			}
		}
		return got
	}
	all := []string{"-1", "2.5", "9", "10", "100"}
	require.Equal(t, all, read("id = :id", attrs{":id": str("a")}, nil))
	for limit := range int32(6) {
		require.Equal(t, all, read("id = :id", attrs{":id": str("a")}, func(in *sdk.QueryInput) { in.Limit = aws.Int32(limit + 1) }))
		require.Equal(t, []string{"100", "10", "9", "2.5", "-1"}, read("id = :id", attrs{":id": str("a")}, func(in *sdk.QueryInput) {
			in.Limit, in.ScanIndexForward = aws.Int32(limit+1), aws.Bool(false)
		}))
	}
	require.Equal(t, []string{"9", "10"}, read("id = :id AND n BETWEEN :a AND :b", attrs{":id": str("a"), ":a": num("3"), ":b": num("50")}, nil))
	require.Equal(t, []string{"10", "100"}, read("(n > :a) AND (id = :id)", attrs{":id": str("a"), ":a": num("9")}, nil))
	require.Empty(t, read("id = :id", attrs{":id": str("b")}, nil))
	require.Equal(t, []string{"9"}, read("id = :id", attrs{":id": str("a"), ":n": str("x"), ":nine": num("9")}, func(in *sdk.QueryInput) {
		in.FilterExpression = aws.String("even = :n AND n = :nine")
	}))
	for condition, message := range map[string]string{
		"n = :n": "Query condition missed key schema element: id", "id > :id": "Query key condition not supported", "id = :id AND x = :n": "Query condition missed key schema element: n",
		"id = :id OR n = :n": "Syntax error", "id = :n": "Condition parameter type does not match schema type",
	} {
		used := attrs{}
		for name, v := range map[string]types.AttributeValue{":id": str("a"), ":n": num("1")} {
			if mentions(condition, name) {
				used[name] = v
			}
		}
		_, err := r.Query(t.Context(), &sdk.QueryInput{TableName: aws.String("events"), KeyConditionExpression: &condition, ExpressionAttributeValues: used})
		requireCode(t, err, "ValidationException", message)
	}
}

func TestAnIndexFollowsItsTable(t *testing.T) {
	r := start(t)
	r.tasks()
	pending := func() []string {
		out, err := r.Query(t.Context(), &sdk.QueryInput{
			TableName: aws.String("tasks"), IndexName: aws.String("by-state"), KeyConditionExpression: aws.String("#s = :s"),
			ExpressionAttributeNames: map[string]string{"#s": "state"}, ExpressionAttributeValues: attrs{":s": str("PENDING")},
		})
		require.NoError(t, err)
		var ids []string
		for _, it := range out.Items {
			require.Len(t, it, 3, "keys only")
			ids = append(ids, it["id"].(*types.AttributeValueMemberS).Value)
		}
		return ids
	}
	for i, due := range []string{"30", "4", "100"} {
		r.put("tasks", attrs{"id": str(fmt.Sprint(i)), "state": str("PENDING"), "due": num(due), "note": str("n")})
	}
	r.put("tasks", attrs{"id": str("sparse"), "state": str("PENDING")})
	require.Equal(t, []string{"1", "0", "2"}, pending())
	_, err := r.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("tasks"), Key: attrs{"id": str("0")}, UpdateExpression: aws.String("SET #s = :s"),
		ExpressionAttributeNames: map[string]string{"#s": "state"}, ExpressionAttributeValues: attrs{":s": str("DONE")},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2"}, pending())
	_, err = r.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String("tasks"), Key: attrs{"id": str("1")}})
	require.NoError(t, err)
	require.Equal(t, []string{"2"}, pending())
	_, err = r.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("tasks"), Item: attrs{"id": str("x"), "state": num("1")}})
	requireCode(t, err, "ValidationException", "Type mismatch for Index Key state Expected: S Actual: N IndexName: by-state")
}

func TestAScanReadsAll(t *testing.T) {
	r := start(t)
	r.tasks()
	for i := range 57 {
		r.put("tasks", attrs{"id": str(strconv.Itoa(i)), "n": num(strconv.Itoa(i))})
	}
	seen := map[string]bool{}
	for segment := range int32(3) {
		for p := sdk.NewScanPaginator(r, &sdk.ScanInput{TableName: aws.String("tasks"), Limit: aws.Int32(5), Segment: aws.Int32(segment), TotalSegments: aws.Int32(3)}); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			require.NoError(t, err)
			for _, it := range page.Items {
				id := it["id"].(*types.AttributeValueMemberS).Value
				require.False(t, seen[id])
				seen[id] = true
			}
		}
	}
	require.Len(t, seen, 57)
	out, err := r.Scan(t.Context(), &sdk.ScanInput{
		TableName: aws.String("tasks"), Select: types.SelectCount, FilterExpression: aws.String("n < :n"), ExpressionAttributeValues: attrs{":n": num("10")},
	})
	require.NoError(t, err)
	require.EqualValues(t, 10, out.Count)
	require.EqualValues(t, 57, out.ScannedCount)
	require.Nil(t, out.Items)
}

func TestItemsExpire(t *testing.T) {
	r := start(t)
	r.tasks()
	_, err := r.UpdateTimeToLive(t.Context(), &sdk.UpdateTimeToLiveInput{
		TableName: aws.String("tasks"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)},
	})
	require.NoError(t, err)
	at := func(d time.Duration) types.AttributeValue { return num(strconv.FormatInt(begin().Add(d).Unix(), 10)) }
	r.put("tasks", attrs{"id": str("soon"), "expires": at(time.Hour)})
	r.put("tasks", attrs{"id": str("later"), "expires": at(2 * time.Hour)})
	r.put("tasks", attrs{"id": str("text"), "expires": str("1")})
	r.put("tasks", attrs{"id": str("ancient"), "expires": num("1")})
	there := func() (ids []string) {
		for _, id := range []string{"soon", "later", "text", "ancient"} {
			if r.get("tasks", attrs{"id": str(id)}) != nil {
				ids = append(ids, id)
			}
		}
		return ids
	}
	r.clk.Advance(time.Hour - time.Second)
	require.Equal(t, []string{"soon", "later", "text", "ancient"}, there())
	r.clk.Advance(time.Second)
	require.Equal(t, []string{"later", "text", "ancient"}, there())
	// one that expires can be written anew
	_, err = r.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("tasks"), Item: attrs{"id": str("soon"), "expires": at(3 * time.Hour)}, ConditionExpression: aws.String("attribute_not_exists(id)")})
	require.NoError(t, err)
	r.clk.Advance(time.Hour)
	require.Equal(t, []string{"soon", "text", "ancient"}, there())
	_, err = r.UpdateTimeToLive(t.Context(), &sdk.UpdateTimeToLiveInput{
		TableName: aws.String("tasks"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)},
	})
	requireCode(t, err, "ValidationException", "TimeToLive is already enabled")
}

func TestATransactionHappensAsAWholeOrNotAtAll(t *testing.T) {
	r := start(t)
	r.tasks()
	r.put("tasks", attrs{"id": str("a"), "n": num("1")})
	table := aws.String("tasks")
	in := &sdk.TransactWriteItemsInput{ClientRequestToken: aws.String("once"), TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: table, Item: attrs{"id": str("b")}, ConditionExpression: aws.String("attribute_not_exists(id)")}},
		{Update: &types.Update{TableName: table, Key: attrs{"id": str("a")}, UpdateExpression: aws.String("SET n = n + :one"), ExpressionAttributeValues: attrs{":one": num("1")}}},
		{ConditionCheck: &types.ConditionCheck{TableName: table, Key: attrs{"id": str("c")}, ConditionExpression: aws.String("attribute_exists(id)"), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}},
		{Delete: &types.Delete{TableName: table, Key: attrs{"id": str("d")}}},
	}}
	_, err := r.TransactWriteItems(t.Context(), in)
	var cancelled *types.TransactionCanceledException
	require.ErrorAs(t, err, &cancelled)
	require.Contains(t, *cancelled.Message, "[None, None, ConditionalCheckFailed, None]")
	require.Len(t, cancelled.CancellationReasons, 4)
	require.Equal(t, "ConditionalCheckFailed", *cancelled.CancellationReasons[2].Code)
	require.Nil(t, r.get("tasks", attrs{"id": str("b")}))
	require.Equal(t, num("1"), r.get("tasks", attrs{"id": str("a")})["n"])

	r.put("tasks", attrs{"id": str("c")})
	for range 2 { // with one token, once
		_, err = r.TransactWriteItems(t.Context(), in)
		require.NoError(t, err)
	}
	require.Equal(t, num("2"), r.get("tasks", attrs{"id": str("a")})["n"])
	other := *in
	other.TransactItems = in.TransactItems[1:]
	_, err = r.TransactWriteItems(t.Context(), &other)
	requireCode(t, err, "IdempotentParameterMismatchException", "")
	_, err = r.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{in.TransactItems[1], in.TransactItems[1]}})
	requireCode(t, err, "ValidationException", "Transaction request cannot include multiple operations on one item")
	got, err := r.TransactGetItems(t.Context(), &sdk.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: table, Key: attrs{"id": str("a")}}}, {Get: &types.Get{TableName: table, Key: attrs{"id": str("none")}}},
	}})
	require.NoError(t, err)
	require.Equal(t, num("2"), got.Responses[0].Item["n"])
	require.Nil(t, got.Responses[1].Item)
}

func TestBatches(t *testing.T) {
	r := start(t)
	r.tasks()
	r.put("tasks", attrs{"id": str("gone")})
	requests := []types.WriteRequest{{DeleteRequest: &types.DeleteRequest{Key: attrs{"id": str("gone")}}}}
	var keys []attrs
	for i := range 24 {
		key := attrs{"id": str(fmt.Sprint(i))}
		keys = append(keys, key)
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: key}})
	}
	write := func(requests []types.WriteRequest) error {
		_, err := r.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"tasks": requests}})
		return err
	}
	require.NoError(t, write(requests))
	out, err := r.BatchGetItem(t.Context(), &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"tasks": {Keys: append(keys, attrs{"id": str("gone")})}}})
	require.NoError(t, err)
	require.Equal(t, keys, out.Responses["tasks"])
	requireCode(t, write(append(requests, requests[0])), "ValidationException", "Too many items requested for the BatchWriteItem call")
	requireCode(t, write([]types.WriteRequest{requests[1], requests[1]}), "ValidationException", "Provided list of item keys contains duplicates")
	requireCode(t, write(nil), "ValidationException", "")
}

func TestWhatIsRefused(t *testing.T) {
	r := start(t)
	r.tasks()
	r.events()
	put := func(it attrs) func() error {
		return func() error {
			_, err := r.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("events"), Item: it})
			return err
		}
	}
	get := func(table string, key attrs) func() error {
		return func() error {
			_, err := r.GetItem(t.Context(), &sdk.GetItemInput{TableName: &table, Key: key})
			return err
		}
	}
	for name, tt := range map[string]struct {
		call          func() error
		code, message string
	}{
		"a table that isn't":    {get("none", attrs{"id": str("a")}), "ResourceNotFoundException", "Requested resource not found"},
		"no key":                {put(attrs{"id": str("a")}), "ValidationException", "One or more parameter values were invalid: Missing the key n in the item"},
		"a key of another type": {put(attrs{"id": str("a"), "n": str("1")}), "ValidationException", "Type mismatch for key n expected: N actual: S"},
		"an empty key":          {put(attrs{"id": str(""), "n": num("1")}), "ValidationException", "The AttributeValue for a key attribute cannot contain an empty string value. Key: id"},
		"half a key":            {get("events", attrs{"id": str("a")}), "ValidationException", "The provided key element does not match the schema"},
		"more than a key":       {get("tasks", attrs{"id": str("a"), "n": num("1")}), "ValidationException", "The provided key element does not match the schema"},
		"too large an item":     {put(attrs{"id": str("a"), "n": num("1"), "x": &types.AttributeValueMemberB{Value: make([]byte, 400<<10)}}), "ValidationException", "Item size has exceeded the maximum allowed size"},
		"an empty set":          {put(attrs{"id": str("a"), "n": num("1"), "x": &types.AttributeValueMemberSS{Value: []string{}}}), "ValidationException", "may not be empty"},
		"a set with duplicates": {put(attrs{"id": str("a"), "n": num("1"), "x": &types.AttributeValueMemberNS{Value: []string{"1", "1.0"}}}), "ValidationException", "Input collection contains duplicates"},
		"a table once more": {func() error {
			_, err := r.CreateTable(t.Context(), &sdk.CreateTableInput{
				TableName: aws.String("tasks"), BillingMode: types.BillingModePayPerRequest, KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
				AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
			})
			return err
		}, "ResourceInUseException", "Table already exists: tasks"},
	} {
		t.Run(name, func(t *testing.T) { requireCode(t, tt.call(), tt.code, tt.message) })
	}
}

func TestOfWritersWithAConditionOneWins(t *testing.T) {
	r := start(t)
	r.tasks()
	var wg sync.WaitGroup
	won := make(chan int, 16)
	for i := range 16 {
		wg.Go(func() {
			_, err := r.PutItem(context.Background(), &sdk.PutItemInput{TableName: aws.String("tasks"), Item: attrs{"id": str("lease"), "n": num(fmt.Sprint(i))}, ConditionExpression: aws.String("attribute_not_exists(id)")})
			var lost *types.ConditionalCheckFailedException
			switch {
			case err == nil:
				won <- i
			case !errors.As(err, &lost):
				t.Error(err)
			}
			_, err = r.UpdateItem(context.Background(), &sdk.UpdateItemInput{TableName: aws.String("tasks"), Key: attrs{"id": str("count")}, UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: attrs{":one": num("1")}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(won)
	require.Len(t, won, 1)
	require.Equal(t, num("16"), r.get("tasks", attrs{"id": str("count")})["n"])
}

func TestASnapshotHoldsTablesAndItems(t *testing.T) {
	r := start(t)
	r.tasks()
	r.events()
	it := attrs{"id": str("a"), "state": str("PENDING"), "due": num("5"), "bin": &types.AttributeValueMemberB{Value: []byte{1}}}
	r.put("tasks", it)
	var records []any
	require.NoError(t, r.svc.Snapshot()(func(v any) error { records = append(records, v); return nil }))
	require.Len(t, records, 3)
	other := dynamodb.New(r.clk)
	require.NoError(t, other.Restore(replay(t, records)))
	again := serve(t, r.clk, other)
	require.Equal(t, it, again.get("tasks", attrs{"id": str("a")}))
	before, err := r.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: aws.String("tasks")})
	require.NoError(t, err)
	after, err := again.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: aws.String("tasks")})
	require.NoError(t, err)
	require.Equal(t, before.Table, after.Table)
}
