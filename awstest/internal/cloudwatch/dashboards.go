package cloudwatch

import (
	"context"
	"fmt"
	"maps"
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

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// dashboardARN has no region: dashboards are global.
func (p place) dashboardARN(name string) string {
	return "arn:" + wire.Partition(p.region) + ":cloudwatch::" + p.account + ":dashboard/" + name
}

// dashboards are those of the account, in whatever region it is asked: they are kept in
// one place. s.mu is held.
func (s *Service) dashboards(c *wire.Call) map[string]*dashboard {
	return s.space(c.Account, wire.Partition(c.Region)).dashboards
}

// DashboardMessage is something that is wrong, or odd, about a dashboard's body.
type DashboardMessage struct {
	DataPath string `json:"DataPath"`
	Message  string `json:"Message"`
}

// PutDashboardInput is the input of PutDashboard.
type PutDashboardInput struct {
	DashboardName string `json:"DashboardName"`
	DashboardBody string `json:"DashboardBody"`
}

// PutDashboardOutput is the output of PutDashboard. Its messages are warnings: the dashboard
// was put, but some of it may not be shown. With anything worse the operation fails.
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
	faults, warnings, err := checkDashboard(in.DashboardBody)
	if err != nil {
		return nil, dashboardInvalid("The field DashboardBody must be a valid JSON object")
	}
	if len(faults) > 0 {
		return nil, dashboardInvalid(describeFaults(faults))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dashboards(c)[in.DashboardName] = &dashboard{in.DashboardBody, c.Time}
	return &PutDashboardOutput{DashboardValidationMessages: list(warnings)}, nil
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
