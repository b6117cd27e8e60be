package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// dashboard is kept as it was put: nothing here shows it.
type dashboard struct {
	body     string
	modified time.Time
}

const (
	maxWidgets = 500
	// gridWidth is how many columns a dashboard has ("Dashboard body structure and syntax").
	gridWidth = 24
	maxHeight = 1000
)

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// dashboardARN has no region: dashboards are global.
func (p place) dashboardARN(name string) string {
	return "arn:" + partition(p.region) + ":cloudwatch::" + p.account + ":dashboard/" + name
}

// dashboards are those of the account, in whatever region it is asked: they are kept in
// one place. s.mu is held.
func (s *Service) dashboards(c *wire.Call) map[string]*dashboard {
	return s.space(c.Account, partition(c.Region)).dashboards
}

// DashboardMessage is something that is wrong with a dashboard's body.
type DashboardMessage struct {
	DataPath string `json:"DataPath"`
	Message  string `json:"Message"`
}

// PutDashboardInput is the input of PutDashboard.
type PutDashboardInput struct {
	DashboardName string `json:"DashboardName"`
	DashboardBody string `json:"DashboardBody"`
}

// PutDashboardOutput is the output of PutDashboard.
type PutDashboardOutput struct {
	DashboardValidationMessages []DashboardMessage `json:"DashboardValidationMessages"`
}

func dashboardInvalid(message string) error {
	return &wire.Error{Code: "InvalidParameterInput", Type: "DashboardInvalidInputError", Message: message}
}

func dashboardNotFound(name string) error {
	return &wire.Error{Code: "ResourceNotFound", Type: "DashboardNotFoundError", Status: http.StatusNotFound, Message: "Dashboard " + name + " does not exist"}
}

func (s *Service) putDashboard(_ context.Context, c *wire.Call, in *PutDashboardInput) (*PutDashboardOutput, error) {
	if !dashboardName.MatchString(in.DashboardName) {
		return nil, dashboardInvalid("The value for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n")
	}
	faults, err := checkDashboard(in.DashboardBody)
	if err != nil {
		return nil, dashboardInvalid("The field DashboardBody must be a valid JSON object")
	}
	if len(faults) > 0 {
		return nil, dashboardInvalid(describeFaults(faults))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dashboards(c)[in.DashboardName] = &dashboard{in.DashboardBody, c.Time}
	return &PutDashboardOutput{DashboardValidationMessages: []DashboardMessage{}}, nil
}

// describeFaults is worded as AWS does: "The dashboard body is invalid, there are 2
// validation errors:" and a list of them in JSON.
func describeFaults(faults []DashboardMessage) string {
	type fault struct {
		DataPath string `json:"dataPath"`
		Message  string `json:"message"`
	}
	all := make([]fault, len(faults))
	for i, f := range faults {
		all[i] = fault(f)
	}
	return fmt.Sprintf("The dashboard body is invalid, there are %d validation errors:\n%s", len(faults), encode(all, "  "))
}

// checkDashboard checks a body's structure: the widgets, their places and what each
// needs. It is an error if the body is no JSON object.
func checkDashboard(body string) ([]DashboardMessage, error) {
	var d map[string]any
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return nil, err
	}
	if d == nil {
		return nil, fmt.Errorf("null")
	}
	var faults []DashboardMessage
	fault := func(path, message string) { faults = append(faults, DashboardMessage{path, message}) }
	raw, ok := d["widgets"]
	if !ok {
		fault("", "Should have required property 'widgets'")
		return faults, nil
	}
	widgets, ok := raw.([]any)
	if !ok {
		fault("/widgets", "Should be array")
		return faults, nil
	}
	if len(widgets) > maxWidgets {
		fault("/widgets", fmt.Sprintf("Should NOT have more than %d items", maxWidgets))
	}
	for i, w := range widgets {
		checkWidget(fmt.Sprintf("/widgets/%d", i), w, fault)
	}
	return faults, nil
}

var widgetTypes = []string{"metric", "text", "log", "alarm", "explorer", "custom", "trace"}

func checkWidget(path string, raw any, fault func(path, message string)) {
	w, ok := raw.(map[string]any)
	if !ok {
		fault(path, "Should be object")
		return
	}
	kind, _ := w["type"].(string)
	if _, ok := w["type"]; !ok {
		fault(path, "Should have required property 'type'")
	} else if !slices.Contains(widgetTypes, kind) {
		fault(path+"/type", "Should be equal to one of the allowed values")
	}
	for _, b := range []struct {
		name      string
		low, high float64
	}{{"x", 0, gridWidth - 1}, {"y", 0, math.MaxInt32}, {"width", 1, gridWidth}, {"height", 1, maxHeight}} {
		v, ok := w[b.name]
		if !ok {
			continue
		}
		switch f, ok := v.(float64); {
		case !ok || f != math.Trunc(f):
			fault(path+"/"+b.name, "Should be integer")
		case f < b.low:
			fault(path+"/"+b.name, fmt.Sprintf("Should be >= %v", b.low))
		case f > b.high:
			fault(path+"/"+b.name, fmt.Sprintf("Should be <= %v", b.high))
		}
	}
	props, ok := w["properties"].(map[string]any)
	if !ok {
		if _, there := w["properties"]; there {
			fault(path+"/properties", "Should be object")
		} else {
			fault(path, "Should have required property 'properties'")
		}
		return
	}
	checkProperties(path+"/properties", kind, props, fault)
}

func checkProperties(path, kind string, props map[string]any, fault func(path, message string)) {
	require := func(names ...string) {
		for _, n := range names {
			if _, ok := props[n]; !ok {
				fault(path, fmt.Sprintf("Should have required property '%s'", n))
			}
		}
	}
	switch kind {
	case "text":
		require("markdown")
	case "log":
		require("query", "region")
	case "alarm":
		require("alarms")
	case "custom":
		require("endpoint")
	case "metric":
		metrics, hasMetrics := props["metrics"]
		_, hasAnnotations := props["annotations"]
		if !hasMetrics && !hasAnnotations {
			require("metrics", "annotations")
			fault(path, "The metric widget should have specified a region and a data source or an alarm annotation")
			return
		}
		if !hasMetrics {
			return
		}
		require("region")
		rows, ok := metrics.([]any)
		if !ok {
			fault(path+"/metrics", "Should be array")
			return
		}
		for i, r := range rows {
			checkMetricRow(fmt.Sprintf("%s/metrics/%d", path, i), r, fault)
		}
	}
}

// checkMetricRow checks a row of a metric widget: namespace, name, dimension names and
// values as strings, and a last object that says how to draw it, or has an expression.
func checkMetricRow(path string, raw any, fault func(path, message string)) {
	row, ok := raw.([]any)
	if !ok {
		fault(path, "Should be array")
		fault(path, `Field "metrics" has to be an array of array of strings, with an optional metricRenderer object as last element`)
		return
	}
	for i, cell := range row {
		switch cell.(type) {
		case string:
		case map[string]any:
			if i != len(row)-1 {
				fault(path, `Field "metrics" has to be an array of array of strings, with an optional metricRenderer object as last element`)
				return
			}
		default:
			fault(fmt.Sprintf("%s/%d", path, i), "Should be string")
		}
	}
}

// GetDashboardInput is the input of GetDashboard.
type GetDashboardInput struct {
	DashboardName string `json:"DashboardName"`
}

// GetDashboardOutput is the output of GetDashboard.
type GetDashboardOutput struct {
	DashboardArn  string `json:"DashboardArn"`
	DashboardBody string `json:"DashboardBody"`
	DashboardName string `json:"DashboardName"`
}

func (s *Service) getDashboard(_ context.Context, c *wire.Call, in *GetDashboardInput) (*GetDashboardOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dashboards(c)[in.DashboardName]
	if d == nil {
		return nil, dashboardNotFound(in.DashboardName)
	}
	return &GetDashboardOutput{place{c.Account, c.Region}.dashboardARN(in.DashboardName), d.body, in.DashboardName}, nil
}

// ListDashboardsInput is the input of ListDashboards.
type ListDashboardsInput struct {
	DashboardNamePrefix string `json:"DashboardNamePrefix"`
	NextToken           string `json:"NextToken"`
}

// DashboardEntry is a dashboard in a list.
type DashboardEntry struct {
	DashboardArn  string    `json:"DashboardArn"`
	DashboardName string    `json:"DashboardName"`
	LastModified  wire.Time `json:"LastModified"`
	Size          int64     `json:"Size"` // bytes
}

// ListDashboardsOutput is the output of ListDashboards.
type ListDashboardsOutput struct {
	DashboardEntries []DashboardEntry `json:"DashboardEntries"`
	NextToken        string           `json:"NextToken,omitempty"`
}

func (s *Service) listDashboards(_ context.Context, c *wire.Call, in *ListDashboardsInput) (*ListDashboardsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.dashboards(c)
	var names []string
	for _, n := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(n, in.DashboardNamePrefix) {
			names = append(names, n)
		}
	}
	names, next, err := page(names, in.NextToken, nil, 1000)
	if err != nil {
		return nil, err
	}
	out := &ListDashboardsOutput{DashboardEntries: []DashboardEntry{}, NextToken: next}
	for _, n := range names {
		out.DashboardEntries = append(out.DashboardEntries, DashboardEntry{
			place{c.Account, c.Region}.dashboardARN(n), n, wire.At(all[n].modified), int64(len(all[n].body)),
		})
	}
	return out, nil
}

// DeleteDashboardsInput is the input of DeleteDashboards.
type DeleteDashboardsInput struct {
	DashboardNames []string `json:"DashboardNames"`
}

// deleteDashboards deletes all of the dashboards, or none if one doesn't exist
// (DeleteDashboards: "If there is an error during this call, no dashboards are deleted").
func (s *Service) deleteDashboards(_ context.Context, c *wire.Call, in *DeleteDashboardsInput) (*result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.dashboards(c)
	for _, n := range in.DashboardNames {
		if all[n] == nil {
			return nil, dashboardNotFound(n)
		}
	}
	for _, n := range in.DashboardNames {
		delete(all, n)
	}
	return &result{}, nil
}
