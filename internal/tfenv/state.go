package tfenv

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Resource is one managed resource instance in the state.
type Resource struct {
	Address    string // such as module.orders["a"].aws_sqs_queue.dlq[0]
	Type       string // such as aws_sqs_queue
	Attributes map[string]any
}

// Resources returns the managed resources in the state. It reads the state
// alone, for which no provider has to start, so it takes milliseconds.
func (d *Deployment) Resources(ctx context.Context) ([]Resource, error) {
	pulled, err := d.tf.StatePull(ctx)
	if err := d.failed(ctx, "state pull", nil, err); err != nil {
		return nil, err
	}
	resources, err := parseState([]byte(pulled))
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	return resources, nil
}

// ReadState returns the managed resources in a state file.
func ReadState(file string) ([]Resource, error) {
	state, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	resources, err := parseState(state)
	if err != nil {
		return nil, fmt.Errorf("reading the state in %s: %w", file, err)
	}
	return resources, nil
}

// parseState reads a state file of version 4, the only one since Terraform 0.12.
func parseState(state []byte) ([]Resource, error) {
	if len(strings.TrimSpace(string(state))) == 0 {
		return nil, nil // nothing was ever applied
	}
	var s struct {
		Version   int
		Resources []struct {
			Module, Mode, Type, Name string
			Instances                []struct {
				IndexKey   any `json:"index_key"`
				Attributes map[string]any
			}
		}
	}
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, err
	}
	if s.Version != 4 {
		return nil, fmt.Errorf("state version %d is not supported", s.Version)
	}
	var out []Resource
	for _, r := range s.Resources {
		if r.Mode != "managed" {
			continue
		}
		for _, instance := range r.Instances {
			address := r.Type + "." + r.Name
			if r.Module != "" {
				address = r.Module + "." + address
			}
			switch key := instance.IndexKey.(type) {
			case string:
				address += fmt.Sprintf("[%q]", key)
			case float64:
				address += fmt.Sprintf("[%.0f]", key)
			}
			out = append(out, Resource{Address: address, Type: r.Type, Attributes: instance.Attributes})
		}
	}
	return out, nil
}
