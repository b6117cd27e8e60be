package target

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// remoteClock is the clock of an endpoint in another process, as `dlq serve` offers it.
type remoteClock struct {
	url    string
	client *http.Client
}

// remoteClockOf returns the endpoint's clock, nil if it has none that can be moved.
func remoteClockOf(ctx context.Context, url string) *remoteClock {
	c := &remoteClock{url: strings.TrimSuffix(url, "/") + "/_clock", client: &http.Client{Timeout: time.Minute}}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := c.do(ctx, http.MethodGet, c.url, nil); err != nil {
		return nil
	}
	return c
}

// Now is the endpoint's current time; the local time if it doesn't answer.
func (c *remoteClock) Now() time.Time {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now, err := c.do(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return time.Now()
	}
	return now
}

// Sleep advances the endpoint's clock by d.
func (c *remoteClock) Sleep(ctx context.Context, d time.Duration) error {
	body, err := json.Marshal(map[string]string{"duration": d.String()})
	if err != nil {
		return fmt.Errorf("advancing the endpoint's clock: %w", err)
	}
	if _, err = c.do(ctx, http.MethodPost, c.url+"/advance", body); err != nil {
		return fmt.Errorf("advancing the endpoint's clock: %w", err)
	}
	return nil
}

func (c *remoteClock) do(ctx context.Context, method, url string, body []byte) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return time.Time{}, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	var out struct{ Now time.Time }
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return time.Time{}, err
	}
	if resp.StatusCode != http.StatusOK || out.Now.IsZero() {
		return time.Time{}, fmt.Errorf("%s %s: status %s", method, url, resp.Status)
	}
	return out.Now, nil
}
