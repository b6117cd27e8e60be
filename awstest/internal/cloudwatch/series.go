package cloudwatch

import (
	"math"
	"slices"
	"sort"
)

// sample is what was measured in one interval: what CloudWatch calls a statistic set.
type sample struct{ sum, min, max, count float64 }

func (a sample) merge(b sample) sample {
	if a.count == 0 {
		return b
	}
	if b.count == 0 {
		return a
	}
	return sample{a.sum + b.sum, math.Min(a.min, b.min), math.Max(a.max, b.max), a.count + b.count}
}

// run is a stretch of consecutive intervals whose samples form a straight line: a queue
// that nobody touches reports the same numbers every minute and an age that grows by 60,
// so that two weeks of it take one run.
type run struct {
	start            int64 // the first interval
	n                int64 // how many
	first            sample
	dSum, dMin, dMax float64 // what each interval adds
}

func (r *run) end() int64 { return r.start + r.n }

// at is the sample of interval i, which may lie beyond the run: there it is what would
// continue it.
func (r *run) at(i int64) sample {
	k := float64(i - r.start)
	return sample{r.first.sum + r.dSum*k, r.first.min + r.dMin*k, r.first.max + r.dMax*k, r.first.count}
}

func (r *run) flat() bool { return r.dSum == 0 && r.dMin == 0 && r.dMax == 0 }

// window merges the samples of the intervals lo..hi, both in the run.
func (r *run) window(lo, hi int64) sample {
	a := r.at(lo)
	if hi == lo {
		return a
	}
	b, n := r.at(hi), float64(hi-lo+1)
	return sample{
		// the sum of an arithmetic progression
		sum: (a.sum + b.sum) / 2 * n,
		min: math.Min(a.min, b.min), max: math.Max(a.max, b.max), count: a.count * n,
	}
}

// series holds the samples of a metric in one unit, by number of interval.
type series struct {
	runs []run
	// values are the single measurements of an interval, where they are known and
	// differ: percentiles need them.
	values map[int64][]weighted
}

// weighted is a value and how often it was measured.
type weighted struct{ value, count float64 }

func (s *series) lastRun() *run {
	if len(s.runs) == 0 {
		return nil
	}
	return &s.runs[len(s.runs)-1]
}

// end is the interval after the last one that has a sample.
func (s *series) end() int64 {
	if r := s.lastRun(); r != nil {
		return r.end()
	}
	return math.MinInt64
}

// put adds a sample to interval i.
func (s *series) put(i int64, a sample) {
	r := s.lastRun()
	if r == nil || i > r.end() {
		s.runs = append(s.runs, run{start: i, n: 1, first: a})
		return
	}
	if i < r.end() {
		s.insert(i, a)
		return
	}
	if a.count == r.first.count {
		if r.n == 1 {
			b := *r
			b.dSum, b.dMin, b.dMax = a.sum-r.first.sum, a.min-r.first.min, a.max-r.first.max
			if b.at(i) == a { // rounding may say no
				b.n = 2
				*r = b
				return
			}
		} else if r.at(i) == a {
			r.n++
			return
		}
	}
	s.runs = append(s.runs, run{start: i, n: 1, first: a})
}

// insert adds a sample to an interval that is not the next one.
func (s *series) insert(i int64, a sample) {
	k := s.reaching(i)
	r := s.runs[k]
	if i < r.start {
		s.runs = slices.Insert(s.runs, k, run{start: i, n: 1, first: a})
		return
	}
	parts := make([]run, 0, 3)
	if i > r.start {
		head := r
		head.n = i - r.start
		parts = append(parts, head)
	}
	parts = append(parts, run{start: i, n: 1, first: r.at(i).merge(a)})
	if i+1 < r.end() {
		tail := r
		tail.start, tail.n, tail.first = i+1, r.end()-i-1, r.at(i+1)
		parts = append(parts, tail)
	}
	s.runs = slices.Replace(s.runs, k, k+1, parts...)
}

// reaching is the index of the first run that ends after interval i.
func (s *series) reaching(i int64) int {
	n := len(s.runs)
	if n > 0 && (n == 1 || s.runs[n-2].end() <= i) && s.runs[n-1].end() > i {
		return n - 1 // what alarms ask for
	}
	return sort.Search(n, func(k int) bool { return s.runs[k].end() > i })
}

// window merges the samples of the intervals from..to-1; its count is zero if there are none.
func (s *series) window(from, to int64) sample {
	var out sample
	for k := s.reaching(from); k < len(s.runs) && s.runs[k].start < to; k++ {
		r := &s.runs[k]
		out = out.merge(r.window(max(from, r.start), min(to, r.end())-1))
	}
	return out
}

// measured returns the single measurements of the intervals from..to-1; ok is false if
// those of an interval are unknown, because it was reported as a statistic set.
func (s *series) measured(from, to int64) (out []weighted, ok bool) {
	for k := s.reaching(from); k < len(s.runs) && s.runs[k].start < to; k++ {
		r := &s.runs[k]
		for i := max(from, r.start); i < min(to, r.end()); i++ {
			if v, known := s.values[i]; known {
				out = append(out, v...)
				continue
			}
			a := r.at(i)
			if a.count != 1 && a.min != a.max {
				return nil, false
			}
			out = append(out, weighted{a.min, a.count})
		}
	}
	return out, true
}

// remember keeps the measurements of interval i, which had the given sample before.
func (s *series) remember(i int64, before sample, values []weighted) {
	known, ok := s.values[i]
	switch {
	case ok:
	case before.count == 0:
	case before.count == 1 || before.min == before.max:
		known = []weighted{{before.min, before.count}}
	default:
		return // a statistic set came first: the measurements stay unknown
	}
	all := append(known, values...)
	if len(all) == 1 {
		return // the sample says it all
	}
	if s.values == nil {
		s.values = map[int64][]weighted{}
	}
	s.values[i] = all
}

// prune drops the intervals before the given one.
func (s *series) prune(before int64) {
	k := 0
	for k < len(s.runs) && s.runs[k].end() <= before {
		k++
	}
	if k > 0 {
		s.runs = slices.Delete(s.runs, 0, k)
		if cap(s.runs) > 4*len(s.runs)+16 {
			s.runs = slices.Clone(s.runs)
		}
	}
	for i := range s.values {
		if i < before {
			delete(s.values, i)
		}
	}
}
