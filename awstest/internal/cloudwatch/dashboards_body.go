package cloudwatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// A dashboard's body is held to "Dashboard body structure and syntax" of the CloudWatch
// user guide. AWS words its messages as the JSON schema validator Ajv does; those that
// were seen from AWS are in dashboards_test.go with their source. Widgets may overlap:
// the console moves them apart.

const (
	maxWidgets          = 500
	maxWidgetMetrics    = 500
	maxDashboardMetrics = 2500 // "CloudWatch service quotas", Dashboards
	maxWidgetAlarms     = 100
	gridWidth           = 24 // columns
	maxWidgetHeight     = 1000
)

// bodyCheck collects what a body's check finds.
type bodyCheck struct {
	faults, warnings []DashboardMessage
	metrics          int // of all widgets
}

// bodyRule checks the value at a path of the body.
type bodyRule func(c *bodyCheck, path string, v any)

func (c *bodyCheck) fault(path, format string, args ...any) {
	c.faults = append(c.faults, DashboardMessage{path, fmt.Sprintf(format, args...)})
}

func (c *bodyCheck) warn(path, format string, args ...any) {
	c.warnings = append(c.warnings, DashboardMessage{path, fmt.Sprintf(format, args...)})
}

func (c *bodyCheck) require(path string, object map[string]any, names ...string) {
	for _, n := range names {
		if _, ok := object[n]; !ok {
			c.fault(path, "Should have required property '%s'", n)
		}
	}
}

// members applies each rule to the member of its name, if that is there.
func (c *bodyCheck) members(path string, object map[string]any, rules map[string]bodyRule) {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if v, ok := object[name]; ok {
			rules[name](c, path+"/"+name, v)
		}
	}
}

// unexpected warns of members that have no rule.
func (c *bodyCheck) unexpected(path string, object map[string]any, rules map[string]bodyRule) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if rules[name] == nil {
			c.warn(path, "The %q property is not expected to be part of a widget definition, will be ignored", name)
		}
	}
}

// checkDashboard checks a body. It is an error if the body is no JSON object.
func checkDashboard(body string) (faults, warnings []DashboardMessage, err error) {
	var d map[string]any
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return nil, nil, err
	}
	if d == nil {
		return nil, nil, errors.New("null")
	}
	c := &bodyCheck{}
	c.require("", d, "widgets")
	c.members("", d, map[string]bodyRule{
		"start": aString, "end": aString, "periodOverride": oneOf("auto", "inherit"),
		"variables": aList(0, math.MaxInt, anything), "widgets": aList(0, maxWidgets, checkWidget),
	})
	if c.metrics > maxDashboardMetrics {
		// Whether PutDashboard refuses what is over the quota AWS doesn't say.
		c.warn("/widgets", "The dashboard has %d metrics, more than %d: not all will be shown", c.metrics, maxDashboardMetrics)
	}
	return c.faults, c.warnings, nil
}

func checkWidget(c *bodyCheck, path string, raw any) {
	w, ok := raw.(map[string]any)
	if !ok {
		c.fault(path, "Should be object")
		return
	}
	rules := map[string]bodyRule{
		"type": oneOf("metric", "text", "log", "alarm", "explorer", "custom", "trace", "chart"),
		"x":    anInteger(0, gridWidth-1), "y": anInteger(0, math.MaxInt32),
		"width": anInteger(1, gridWidth), "height": anInteger(1, maxWidgetHeight), "properties": anObject(nil),
	}
	c.require(path, w, "type", "properties")
	c.members(path, w, rules)
	c.unexpected(path, w, rules)
	props, ok := w["properties"].(map[string]any)
	if !ok {
		return
	}
	at := path + "/properties"
	switch w["type"] {
	case "metric":
		checkMetricWidget(c, at, props)
	case "text":
		c.widget(at, props, map[string]bodyRule{"markdown": aString, "background": oneOf("solid", "transparent")}, "markdown")
	case "alarm":
		c.widget(at, props, map[string]bodyRule{
			"alarms": aList(1, maxWidgetAlarms, aString), "title": aString, "sortBy": oneOf("default", "stateUpdatedTimestamp", "timestamp"),
			"states": aList(0, math.MaxInt, oneOf("ALARM", "INSUFFICIENT_DATA", "OK")),
		}, "alarms")
	case "log":
		c.require(at, props, "query", "region")
	case "custom":
		c.require(at, props, "endpoint")
	}
}

// widget checks the properties of a widget whose properties are all known.
func (c *bodyCheck) widget(path string, props map[string]any, rules map[string]bodyRule, required ...string) {
	c.require(path, props, required...)
	c.members(path, props, rules)
	c.unexpected(path, props, rules)
}

func checkMetricWidget(c *bodyCheck, path string, props map[string]any) {
	axis := anObject(map[string]bodyRule{"label": aString, "min": aNumber, "max": aNumber, "showUnits": aBool})
	c.widget(path, props, map[string]bodyRule{
		"metrics": aList(0, maxWidgetMetrics, checkMetricRow), "annotations": anObject(annotationRules()),
		"region": aString, "accountId": aString, "title": aString, "stat": aStatistic, "period": aPeriod,
		"view": oneOf("timeSeries", "singleValue", "gauge", "bar", "pie", "table"), "yAxis": anObject(map[string]bodyRule{"left": axis, "right": axis}),
		"legend":  anObject(map[string]bodyRule{"position": oneOf("right", "bottom", "hidden")}),
		"stacked": aBool, "liveData": aBool, "sparkline": aBool, "trend": aBool, "setPeriodToTimeRange": aBool, "singleValueFullPrecision": aBool,
		"start": aString, "end": aString, "timezone": aString, "table": anObject(nil), "labels": anything,
	})
	_, hasMetrics := props["metrics"]
	_, hasAnnotations := props["annotations"]
	switch {
	case !hasMetrics && !hasAnnotations:
		c.require(path, props, "metrics")
		c.fault(path, "The metric widget should have specified a region and a data source or an alarm annotation")
		c.require(path, props, "annotations")
	case hasMetrics:
		c.require(path, props, "region")
	}
}

func annotationRules() map[string]bodyRule {
	with := func(value bodyRule, fills ...string) bodyRule {
		return func(c *bodyCheck, path string, v any) {
			one := func(c *bodyCheck, path string, v any) {
				anObject(map[string]bodyRule{
					"value": value, "label": aString, "color": aColor, "fill": oneOf(fills...), "visible": aBool, "yAxis": oneOf("left", "right"),
				})(c, path, v)
				if o, ok := v.(map[string]any); ok {
					c.require(path, o, "value")
				}
			}
			if _, band := v.([]any); band {
				aList(2, 2, one)(c, path, v)
				return
			}
			one(c, path, v)
		}
	}
	return map[string]bodyRule{
		"alarms":     aList(1, math.MaxInt, aString),
		"horizontal": aList(0, math.MaxInt, with(aNumber, "above", "below", "none")),
		"vertical":   aList(0, math.MaxInt, with(aString, "before", "after", "none")),
	}
}

// checkMetricRow checks a row of a metric widget: namespace, name, and dimension names
// and values as strings ("." and "..." repeat the row before), and a last object that says
// how to draw it, or has an expression instead of all that.
func checkMetricRow(c *bodyCheck, path string, raw any) {
	row, ok := raw.([]any)
	if !ok {
		c.fault(path, "Should be array")
		c.fault(path, `Field "metrics" has to be an array of array of strings, with an optional metricRenderer object as last element`)
		return
	}
	if len(row) == 0 {
		c.fault(path, "Should NOT have less than 1 items")
		return
	}
	names := row
	renderer, drawn := row[len(row)-1].(map[string]any)
	if drawn {
		names = row[:len(row)-1]
	}
	for i, cell := range names {
		if s, ok := cell.(string); !ok || s == "" {
			c.fault(fmt.Sprintf("%s/%d", path, i), `Invalid metric field type, only "String" type is allowed`)
		}
	}
	if len(names) > 0 {
		c.metrics++
	}
	_, expression := renderer["expression"]
	switch {
	case drawn && (!rendererIsValid(renderer) || expression && len(names) > 0):
		// To AWS an object that it can't use is one item too many.
		c.fault(path, "Should NOT have more than %d items", len(names))
	case len(names) == 0 && !expression:
		c.require(path+"/0", renderer, "expression")
	}
}

// rendererIsValid says whether a row's last object has only members that there are, with
// values that they may have.
func rendererIsValid(renderer map[string]any) bool {
	rules := map[string]bodyRule{
		"expression": aString, "id": anID, "label": aString, "color": aColor, "stat": aStatistic, "period": aPeriod,
		"visible": aBool, "yAxis": oneOf("left", "right"), "region": aString, "accountId": aString,
	}
	c := &bodyCheck{}
	c.members("", renderer, rules)
	c.unexpected("", renderer, rules)
	return len(c.faults) == 0 && len(c.warnings) == 0
}

var hexColor = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func anything(*bodyCheck, string, any) {}

func aString(c *bodyCheck, path string, v any) {
	if _, ok := v.(string); !ok {
		c.fault(path, "Should be string")
	}
}

func aBool(c *bodyCheck, path string, v any) {
	if _, ok := v.(bool); !ok {
		c.fault(path, "Should be boolean")
	}
}

func aNumber(c *bodyCheck, path string, v any) {
	if _, ok := v.(float64); !ok {
		c.fault(path, "Should be number")
	}
}

func aColor(c *bodyCheck, path string, v any) { matching(c, path, v, hexColor) }

func anID(c *bodyCheck, path string, v any) { matching(c, path, v, queryID) }

func matching(c *bodyCheck, path string, v any, pattern *regexp.Regexp) {
	switch s, ok := v.(string); {
	case !ok:
		c.fault(path, "Should be string")
	case !pattern.MatchString(s):
		c.fault(path, "Should match pattern %q", pattern)
	}
}

// aStatistic takes those that CloudWatch has, those that are not served here included.
func aStatistic(c *bodyCheck, path string, v any) {
	text, ok := v.(string)
	if ok {
		_, err := parseStatistic(text)
		var notServed *wire.Error
		ok = err == nil || errors.As(err, &notServed) && notServed.Code == "NotImplemented"
	}
	if !ok {
		c.fault(path, "Should be equal to one of the allowed values")
	}
}

func aPeriod(c *bodyCheck, path string, v any) {
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) {
		c.fault(path, "Should be integer")
		return
	}
	if f < 1 || f > math.MaxInt32 || checkPeriod(int32(f), 1, 5, 10, 20, 30) != nil {
		c.fault(path, "Should be multiple of 60")
	}
}

func anInteger(low, high float64) bodyRule {
	return func(c *bodyCheck, path string, v any) {
		switch f, ok := v.(float64); {
		case !ok || f != math.Trunc(f):
			c.fault(path, "Should be integer")
		case f < low:
			c.fault(path, "Should be >= %v", low)
		case f > high:
			c.fault(path, "Should be <= %v", high)
		}
	}
}

func oneOf(values ...string) bodyRule {
	return func(c *bodyCheck, path string, v any) {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			c.fault(path, "Should be equal to one of the allowed values")
		}
	}
}

func aList(least, most int, each bodyRule) bodyRule {
	return func(c *bodyCheck, path string, v any) {
		items, ok := v.([]any)
		if !ok {
			c.fault(path, "Should be array")
			return
		}
		switch {
		case len(items) < least:
			c.fault(path, "Should NOT have less than %d items", least)
		case len(items) > most:
			c.fault(path, "Should NOT have more than %d items", most)
			return // thousands of faults more would tell nothing
		}
		for i, item := range items {
			each(c, fmt.Sprintf("%s/%d", path, i), item)
		}
	}
}

func anObject(rules map[string]bodyRule) bodyRule {
	return func(c *bodyCheck, path string, v any) {
		o, ok := v.(map[string]any)
		if !ok {
			c.fault(path, "Should be object")
			return
		}
		c.members(path, o, rules)
	}
}
