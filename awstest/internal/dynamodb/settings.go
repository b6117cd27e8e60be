package dynamodb

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

type ttlDescription struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

type describeTTLOutput struct{ TimeToLiveDescription ttlDescription }

func (s *Service) describeTimeToLive(_ context.Context, c *wire.Call, in *tableInput) (out *describeTTLOutput, err error) {
	err = s.edit(c, in.TableName, func(t *table) error {
		out = &describeTTLOutput{ttlDescription{"DISABLED", ""}}
		if t.ttl != "" {
			out = &describeTTLOutput{ttlDescription{"ENABLED", t.ttl}}
		}
		return nil
	})
	return out, err
}

type ttlSpecification struct {
	AttributeName string
	Enabled       bool
}

type updateTTLInput struct {
	TableName               string
	TimeToLiveSpecification ttlSpecification
}

type updateTTLOutput struct{ TimeToLiveSpecification ttlSpecification }

func (s *Service) updateTimeToLive(_ context.Context, c *wire.Call, in *updateTTLInput) (*updateTTLOutput, error) {
	want := in.TimeToLiveSpecification
	if want.AttributeName == "" || len(want.AttributeName) > 255 {
		return nil, invalid("1 validation error detected: Value '%.300s' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length between 1 and 255", want.AttributeName)
	}
	return &updateTTLOutput{want}, s.edit(c, in.TableName, func(t *table) error {
		switch {
		case want.Enabled && t.ttl != "":
			return invalid("TimeToLive is already enabled")
		case !want.Enabled && t.ttl == "":
			return invalid("TimeToLive is already disabled")
		case !want.Enabled && t.ttl != want.AttributeName:
			return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
		case !want.Enabled:
			t.ttl = ""
		default:
			t.ttl, t.expiry = want.AttributeName, s.clk.Now() // look at all items
		}
		return nil
	})
}

type recoveryDescription struct {
	PointInTimeRecoveryStatus string
	RecoveryPeriodInDays      *int       `json:",omitempty"`
	EarliestRestorable        *wire.Time `json:"EarliestRestorableDateTime,omitempty"`
	LatestRestorable          *wire.Time `json:"LatestRestorableDateTime,omitempty"`
}

type backupsDescription struct {
	ContinuousBackupsStatus        string
	PointInTimeRecoveryDescription recoveryDescription
}

type backupsOutput struct {
	ContinuousBackupsDescription backupsDescription
}

// backups describes what the table would be recovered from. It is called with s.mu held.
func (s *Service) backups(t *table) *backupsOutput {
	d := backupsDescription{"ENABLED", recoveryDescription{PointInTimeRecoveryStatus: "DISABLED"}}
	if t.recovery {
		d.PointInTimeRecoveryDescription = recoveryDescription{
			"ENABLED", new(t.recoveryOf), new(wire.At(t.enabledAt)), new(wire.At(s.clk.Now())),
		}
	}
	return &backupsOutput{d}
}

func (s *Service) describeContinuousBackups(_ context.Context, c *wire.Call, in *tableInput) (out *backupsOutput, err error) {
	err = s.edit(c, in.TableName, func(t *table) error {
		out = s.backups(t)
		return nil
	})
	return out, err
}

type updateBackupsInput struct {
	TableName                        string
	PointInTimeRecoverySpecification struct {
		PointInTimeRecoveryEnabled bool
		RecoveryPeriodInDays       *int
	}
}

func (s *Service) updateContinuousBackups(_ context.Context, c *wire.Call, in *updateBackupsInput) (out *backupsOutput, err error) {
	want := in.PointInTimeRecoverySpecification
	days := 35
	if want.RecoveryPeriodInDays != nil {
		if days = *want.RecoveryPeriodInDays; days < 1 || days > 35 {
			return nil, invalid("RecoveryPeriodInDays must be between 1 and 35")
		}
	}
	err = s.edit(c, in.TableName, func(t *table) error {
		if want.PointInTimeRecoveryEnabled && !t.recovery {
			t.enabledAt = s.clk.Now()
		}
		t.recovery, t.recoveryOf = want.PointInTimeRecoveryEnabled, days
		out = s.backups(t)
		return nil
	})
	return out, err
}

const maxTags = 50

func addTags(have map[string]string, more []tag) (map[string]string, error) {
	out := map[string]string{}
	maps.Copy(out, have)
	for _, t := range more {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 || strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalid("One or more parameter values were invalid: the tag %.140q is not valid", t.Key)
		}
		out[t.Key] = t.Value
	}
	if len(out) > maxTags {
		return nil, &wire.Error{Code: "LimitExceededException", Message: "The number of tags exceeds the limit of 50"}
	}
	return out, nil
}

type resourceInput struct {
	ResourceArn string
	Tags        []tag
	TagKeys     []string
}

type tagsOutput struct{ Tags []tag }

func (s *Service) listTagsOfResource(_ context.Context, c *wire.Call, in *resourceInput) (out *tagsOutput, err error) {
	err = s.edit(c, in.ResourceArn, func(t *table) error {
		out = &tagsOutput{[]tag{}}
		for _, key := range slices.Sorted(maps.Keys(t.tags)) {
			out.Tags = append(out.Tags, tag{key, t.tags[key]})
		}
		return nil
	})
	return out, err
}

func (s *Service) tagResource(_ context.Context, c *wire.Call, in *resourceInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.ResourceArn, func(t *table) error {
		tags, err := addTags(t.tags, in.Tags)
		if err == nil {
			t.tags = tags
		}
		return err
	})
}

func (s *Service) untagResource(_ context.Context, c *wire.Call, in *resourceInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.ResourceArn, func(t *table) error {
		tags := maps.Clone(t.tags)
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		t.tags = tags
		return nil
	})
}
