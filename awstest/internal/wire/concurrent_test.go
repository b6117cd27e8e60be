package wire_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Bodies share buffers, inputs don't: whoever keeps an input, as the log of calls does,
// still has it when other requests have come and gone.
func TestInputsOutliveTheirRequests(t *testing.T) {
	const clients, each = 8, 50
	var mu sync.Mutex
	kept := map[string]*everything{}
	around := func(c *wire.Call, next func() wire.Response) wire.Response {
		mu.Lock()
		defer mu.Unlock()
		in := c.Input.(*everything)
		kept[in.Text] = in
		return next()
	}
	rt := wire.NewRouter(func() time.Time { return now }, around, toy(&seen{}))
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for n := range each {
				id := fmt.Sprintf("%d-%d", client, n)
				r := httptest.NewRequest("POST", "/", strings.NewReader(`{"Text":"`+id+`","Named":"no","Always":["`+id+`"],"Map":{"`+id+`":"x"}}`))
				r.Header.Set("X-Amz-Target", "ToyService.Echo")
				switch n % 3 {
				case 1:
					r = httptest.NewRequest("POST", "/", strings.NewReader("Action=Echo&Text="+id+"&Always.member.1="+id+"&Map.entry.1.key="+id))
				case 2:
					r = httptest.NewRequest("POST", "/service/ToyService/operation/Echo", strings.NewReader(string(encode(t, map[string]any{"Text": id, "Always": []string{id}, "Map": map[string]string{id: "x"}}))))
					r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
				}
				w := httptest.NewRecorder()
				rt.ServeHTTP(w, r)
				if w.Code != 200 || !strings.Contains(w.Body.String(), id) {
					t.Errorf("%s: %d %s", id, w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, kept, clients*each)
	for id, in := range kept {
		require.Equal(t, id, in.Text)
		require.Equal(t, []string{id}, in.Always)
		require.Contains(t, in.Map, id)
	}
}
