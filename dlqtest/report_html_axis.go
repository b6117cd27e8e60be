package dlqtest

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// The axis of a timeline isn't linear: a thousand receives twelve hours apart, each
// followed by things that take no time at all, must be seen on one page. So time is cut
// into moments. What a lane does within a moment is drawn side by side, in slots; the
// waits between moments are drawn by the logarithm of their length; and long stretches in
// which only more of the same happens are left out.

// Sizes in pixels.
const (
	slotWidth  = 20.0
	breakWidth = 84.0
	axisMargin = 16.0
)

// A moment lasts so long at most: on a wall clock, what a consumer does at once.
const momentLength = time.Second

// Of a stretch of more than longStretch slots in which only more of the same happens,
// keptSlots remain at either end.
const (
	longStretch = 20
	keptSlots   = 6
)

// mark is something that happened, to be put on the axis.
type mark struct {
	at  time.Time
	seq int    // its place among marks of the same instant
	row string // marks of one row, if in one moment, get slots of their own, in order
	// apart says that it comes after everything before it and before everything after it,
	// whatever the row.
	apart bool
	dull  bool // it is only more of the same

	x      float64
	hidden bool // left out: x is the middle of the break that stands for it
}

// moment is a point of time at which something happened, and the slots it takes.
type moment struct {
	start, end time.Time
	first      int // its first slot
	slots      int
}

// axis places moments, and what lies between them, on a page.
type axis struct {
	moments []moment
	x       []float64 // of each slot's middle
	hidden  []bool    // slots that are left out
	breaks  []axisBreak
	width   float64
}

// axisBreak stands for slots that are left out.
type axisBreak struct {
	x       float64 // its left edge
	moments int
	length  time.Duration
}

// newAxis lays out the marks, which it sorts by time but otherwise leaves in order, and
// gives each its x.
func newAxis(marks []*mark) *axis {
	slices.SortStableFunc(marks, func(a, b *mark) int { return cmp.Or(a.at.Compare(b.at), a.seq-b.seq) })
	a := &axis{}
	slot := make([]int, len(marks))
	base, taken := 0, map[string]int{} // slots of the moment: taken by all, and beyond that by row
	for i, m := range marks {
		n := len(a.moments) - 1
		if n < 0 || m.at.Sub(a.moments[n].start) >= momentLength {
			first := 0
			if n >= 0 {
				first = a.moments[n].first + a.moments[n].slots
			}
			a.moments = append(a.moments, moment{start: m.at, first: first})
			n++
			base = 0
			clear(taken)
		}
		now := &a.moments[n]
		now.end = m.at
		if m.apart {
			base = now.slots
			clear(taken)
		}
		slot[i] = now.first + base + taken[m.row]
		taken[m.row]++
		now.slots = max(now.slots, base+taken[m.row])
		if m.apart {
			base = now.slots
			clear(taken)
		}
	}
	a.place(a.dull(marks, slot))
	for i, m := range marks {
		m.x, m.hidden = a.x[slot[i]], a.hidden[slot[i]]
	}
	return a
}

// dull says of each slot whether everything in it is only more of the same.
func (a *axis) dull(marks []*mark, slot []int) []bool {
	n := 0
	if len(a.moments) > 0 {
		last := a.moments[len(a.moments)-1]
		n = last.first + last.slots
	}
	dull := make([]bool, n)
	for i := range dull {
		dull[i] = true
	}
	for i, m := range marks {
		dull[slot[i]] = dull[slot[i]] && m.dull
	}
	return dull
}

// place gives each slot its x.
func (a *axis) place(dull []bool) {
	a.x, a.hidden = make([]float64, len(dull)), make([]bool, len(dull))
	for i := 0; i < len(dull); {
		j := i
		for j < len(dull) && dull[j] {
			j++
		}
		if j-i > longStretch {
			for k := i + keptSlots; k < j-keptSlots; k++ {
				a.hidden[k] = true
			}
		}
		i = max(j, i+1)
	}
	x := axisMargin
	var open *axisBreak // the break that we are in
	var left time.Time
	for i, m := range a.moments {
		for s := m.first; s < m.first+m.slots; s++ {
			switch {
			case a.hidden[s] && open == nil:
				x += slotWidth / 4
				a.breaks = append(a.breaks, axisBreak{x: x, moments: 1})
				open = &a.breaks[len(a.breaks)-1]
				left = m.start
				x += breakWidth
			case a.hidden[s] && s == m.first:
				open.moments++
			case !a.hidden[s]:
				if open != nil {
					open.length = m.start.Sub(left)
					open = nil
				} else if s == m.first && i > 0 {
					x += gapWidth(m.start.Sub(a.moments[i-1].end))
				}
				x += slotWidth
			}
			a.x[s] = x - slotWidth/2
			if open != nil {
				a.x[s] = open.x + breakWidth/2
			}
		}
	}
	a.width = x + axisMargin
}

// gapWidth is how wide a wait is drawn: 1 s 10 px, a minute 29, twelve hours 66.
func gapWidth(d time.Duration) float64 {
	return 6 + 13*math.Log10(1+max(0, d.Seconds()))
}

// at returns where an instant is. Between moments that is in proportion.
func (a *axis) at(t time.Time) float64 {
	if len(a.moments) == 0 {
		return axisMargin
	}
	i, exact := slices.BinarySearchFunc(a.moments, t, func(m moment, t time.Time) int { return m.start.Compare(t) })
	if exact {
		return a.x[a.moments[i].first]
	}
	if i == 0 {
		return a.x[0] - slotWidth/2
	}
	before := a.moments[i-1]
	left := a.x[before.first+before.slots-1]
	if !t.After(before.end) {
		return left
	}
	if i == len(a.moments) {
		return left + slotWidth/2
	}
	after := a.moments[i]
	share := float64(t.Sub(before.end)) / float64(after.start.Sub(before.end))
	return left + share*(a.x[after.first]-left)
}
