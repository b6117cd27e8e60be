package cloudwatch

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Snapshot takes down all that the service holds. It is to be called by an event of the
// clock, so that nothing else happens by the passing of time. write puts it down, in
// records, and may take its time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var places []savedPlace
	for _, sp := range s.places {
		places = append(places, sp.snapshot())
	}
	var alarms []savedAlarm
	for _, a := range s.alarms {
		alarms = append(alarms, a.saved())
	}
	for _, sp := range s.places {
		for _, a := range sp.composites {
			saved := a.saved()
			saved.Fresh = slices.Contains(s.fresh, a)
			alarms = append(alarms, saved)
		}
	}
	return func(put func(any) error) error {
		if err := put([2]int{len(places), len(alarms)}); err != nil {
			return err
		}
		for _, p := range places {
			if err := p.put(put); err != nil {
				return err
			}
		}
		for _, a := range alarms {
			if err := put(a); err != nil {
				return err
			}
		}
		return nil
	}
}

// Restore fills a new service with what a Snapshot has written. get reads the next
// record.
func (s *Service) Restore(get func(any) error) error {
	var n [2]int
	if err := get(&n); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n[0] {
		if err := s.restorePlace(get); err != nil {
			return err
		}
	}
	alarms := make([]savedAlarm, n[1])
	for i := range alarms {
		if err := get(&alarms[i]); err != nil {
			return err
		}
		if err := s.restoreAlarm(&alarms[i]); err != nil {
			return fmt.Errorf("alarm %s: %w", alarms[i].Name, err)
		}
	}
	for i := range alarms { // once all are there: they refer to each other
		s.restoreHeld(&alarms[i])
	}
	return nil
}

// restoreHeld holds back a composite alarm's actions again.
func (s *Service) restoreHeld(saved *savedAlarm) {
	sp := s.space(saved.Account, saved.Region)
	a, h := sp.alarms[saved.Name], saved.Held
	if h.By == "" {
		return
	}
	a.held.by = h.By
	if h.Since {
		a.held.since = &act{oldState: h.OldState}
		for _, name := range h.Trigger {
			if t := sp.alarms[name]; t != nil {
				a.held.since.trigger = append(a.held.since.trigger, t)
			}
		}
	}
	switch sup := sp.alarms[sp.alarmName(a.config.Suppressor)]; {
	case h.By == byWait:
		s.period(a, byWait, a.config.WaitPeriod, a.transitioned)
	case h.By == byExtension && sup != nil:
		s.period(a, byExtension, a.config.ExtensionPeriod, sup.transitioned)
	}
}

// savedPlace is the resources of an account in a region, alarms apart. So many metrics
// and histories follow.
type savedPlace struct {
	Account, Region    string
	Dashboards         map[string]savedDashboard
	Metrics, Histories int

	metrics   []savedMetric
	histories [][]savedItem
}

type savedDashboard struct {
	Body     string
	Modified time.Time
}

type savedMetric struct {
	Namespace, Name string
	Dimensions      []Dimension
	Units           []savedUnit
}

type savedUnit struct {
	Unit    string
	Minutes savedSeries
	Seconds *savedSeries
}

type savedSeries struct {
	Runs   []savedRun
	Values map[int64][]savedWeight
}

type savedRun struct {
	_                         struct{} `cbor:",toarray"`
	Start, N                  int64
	Sum, Min, Max, Count      float64
	StepSum, StepMin, StepMax float64
}

type savedWeight struct {
	_            struct{} `cbor:",toarray"`
	Value, Count float64
}

type savedItem struct {
	Alarm, Kind, Item, Summary, Data string
	At                               time.Time
}

type savedAlarm struct {
	Account, Region, Name             string
	Config                            alarmConfig
	Tags                              map[string]string
	State, Reason, ReasonData         string
	Updated, Transitioned, Configured time.Time
	Composite, Fresh                  bool
	Held                              savedHeld // of a composite alarm with a suppressor
}

// savedHeld is how actions are held back. When the period that is active ends, follows
// from when it began.
type savedHeld struct {
	By       string
	Since    bool // there are actions
	OldState string
	Trigger  []string // names
}

func (sp *space) snapshot() savedPlace {
	p := savedPlace{Account: sp.account, Region: sp.region, Dashboards: map[string]savedDashboard{}}
	for name, d := range sp.dashboards {
		p.Dashboards[name] = savedDashboard{d.body, d.modified}
	}
	for _, m := range sp.metrics {
		saved := savedMetric{Namespace: m.key.namespace, Name: m.key.name, Dimensions: m.key.dimensions}
		for _, u := range m.units {
			unit := savedUnit{Unit: u.unit, Minutes: u.minutes.saved()}
			if u.seconds != nil {
				seconds := u.seconds.saved()
				unit.Seconds = &seconds
			}
			saved.Units = append(saved.Units, unit)
		}
		p.metrics = append(p.metrics, saved)
	}
	for _, h := range sp.history {
		items := make([]savedItem, len(h))
		for i, it := range h {
			items[i] = savedItem{it.alarm, it.kind, it.item, it.summary, it.data, it.at}
		}
		p.histories = append(p.histories, items)
	}
	p.Metrics, p.Histories = len(p.metrics), len(p.histories)
	return p
}

func (p *savedPlace) put(put func(any) error) error {
	if err := put(p); err != nil {
		return err
	}
	for i := range p.metrics {
		if err := put(&p.metrics[i]); err != nil {
			return err
		}
	}
	for _, h := range p.histories {
		if err := put(h); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) restorePlace(get func(any) error) error {
	var p savedPlace
	if err := get(&p); err != nil {
		return err
	}
	sp := s.space(p.Account, p.Region)
	for name, d := range p.Dashboards {
		sp.dashboards[name] = &dashboard{d.Body, d.Modified}
	}
	for range p.Metrics {
		var saved savedMetric
		if err := get(&saved); err != nil {
			return err
		}
		m := sp.metric(newMetricKey(saved.Namespace, saved.Name, saved.Dimensions))
		for _, unit := range saved.Units {
			u := m.series(unit.Unit)
			u.minutes = unit.Minutes.series()
			if unit.Seconds != nil {
				seconds := unit.Seconds.series()
				u.seconds = &seconds
			}
		}
	}
	for range p.Histories {
		var h []savedItem
		if err := get(&h); err != nil {
			return err
		}
		for _, i := range h {
			sp.record(historyItem{alarm: i.Alarm, kind: i.Kind, item: i.Item, summary: i.Summary, data: i.Data, at: i.At})
		}
	}
	return nil
}

func (s *series) saved() savedSeries {
	out := savedSeries{Runs: make([]savedRun, len(s.runs))}
	for i, r := range s.runs {
		out.Runs[i] = savedRun{
			Start: r.start, N: r.n, Sum: r.first.sum, Min: r.first.min, Max: r.first.max, Count: r.first.count,
			StepSum: r.dSum, StepMin: r.dMin, StepMax: r.dMax,
		}
	}
	if len(s.values) > 0 {
		out.Values = map[int64][]savedWeight{}
	}
	for i, values := range s.values {
		for _, v := range values {
			out.Values[i] = append(out.Values[i], savedWeight{Value: v.value, Count: v.count})
		}
	}
	return out
}

func (s *savedSeries) series() series {
	var out series
	for _, r := range s.Runs {
		out.runs = append(out.runs, run{
			start: r.Start, n: r.N, first: sample{r.Sum, r.Min, r.Max, r.Count},
			dSum: r.StepSum, dMin: r.StepMin, dMax: r.StepMax,
		})
	}
	if len(s.Values) > 0 {
		out.values = map[int64][]weighted{}
	}
	for i, values := range s.Values {
		for _, v := range values {
			out.values[i] = append(out.values[i], weighted{v.Value, v.Count})
		}
	}
	return out
}

func (a *alarm) saved() savedAlarm {
	held := savedHeld{By: a.held.by, Since: a.held.since != nil}
	if held.Since {
		held.OldState = a.held.since.oldState
		for _, t := range a.held.since.trigger {
			held.Trigger = append(held.Trigger, t.name)
		}
	}
	return savedAlarm{
		Account: a.space.account, Region: a.space.region, Name: a.name, Config: a.config, Tags: maps.Clone(a.tags),
		State: a.state, Reason: a.reason, ReasonData: a.reasonData,
		Updated: a.updated, Transitioned: a.transitioned, Configured: a.configured, Composite: a.composite(), Held: held,
	}
}

// restoreAlarm is called in the order in which the alarms were made, which is that of
// their evaluation, metric alarms first.
func (s *Service) restoreAlarm(saved *savedAlarm) error {
	sp := s.space(saved.Account, saved.Region)
	a := &alarm{
		space: sp, name: saved.Name, arn: sp.alarmARN(saved.Name), config: saved.Config, tags: saved.Tags,
		state: saved.State, reason: saved.Reason, reasonData: saved.ReasonData,
		updated: saved.Updated, transitioned: saved.Transitioned, configured: saved.Configured,
	}
	if a.tags == nil {
		a.tags = map[string]string{}
	}
	c := &a.config
	c.OKActions, c.AlarmActions, c.InsufficientDataActions = list(c.OKActions), list(c.AlarmActions), list(c.InsufficientDataActions)
	if saved.Composite {
		parsed, mentioned, err := parseRule(c.Rule)
		if err != nil {
			return err
		}
		a.rule = parsed
		for _, m := range mentioned {
			if name := sp.alarmName(m); !slices.Contains(a.children, name) {
				a.children = append(a.children, name)
			}
		}
		sp.alarms[a.name] = a
		sp.composites = append(sp.composites, a)
		if saved.Fresh {
			s.fresh = append(s.fresh, a)
		}
		return nil
	}
	if c.Threshold == nil {
		return fmt.Errorf("it has no threshold")
	}
	c.Dimensions = list(c.Dimensions)
	if err := a.compile(c.input(), func(k metricKey) *metric { return sp.metric(k) }); err != nil {
		return err
	}
	a.watch(sp)
	sp.alarms[a.name] = a
	s.alarms = append(s.alarms, a)
	if a.period < 60 {
		s.seconds++
	}
	return nil
}

// input is what compile needs of the input by which the alarm was put.
func (c *alarmConfig) input() *PutMetricAlarmInput {
	return &PutMetricAlarmInput{
		MetricName: c.MetricName, Namespace: c.Namespace, Dimensions: c.Dimensions, Statistic: c.Statistic,
		ExtendedStatistic: c.ExtendedStatistic, Unit: c.Unit, Period: c.Period, Metrics: c.Metrics,
	}
}
