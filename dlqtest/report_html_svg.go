package dlqtest

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"time"
)

// Heights in pixels.
const (
	laneHeight     = 32.0 // a lane's row, and a lane that has only that
	deadLaneHeight = 58.0 // a lane with a row for the DLQ
	footGap        = 14.0
	axisHeight     = 46.0
)

// svg is a drawing under construction. What it is given by others is escaped.
type svg struct{ strings.Builder }

func (s *svg) add(format string, args ...any) { fmt.Fprintf(&s.Builder, format, args...) }

// titled draws in a group that has a tooltip, which screen readers read, too.
func (s *svg) titled(class string, x, y float64, title string, draw func()) {
	s.add(`<g class="mark %s" transform="translate(%.1f %.1f)"><title>%s</title>`, class, x, y, html.EscapeString(title))
	draw()
	s.add("</g>\n")
}

// drawing is a finished one.
func (s *svg) drawing(width, height float64, label string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="group" aria-label="%s">%s</svg>`,
		width, height, width, height, html.EscapeString(label), s.String()))
}

func (l *lane) height() float64 {
	if l.dead {
		return deadLaneHeight
	}
	return laneHeight
}

// drawAxis draws the phases and the ticks.
func (t *timeline) drawAxis() template.HTML {
	s := &svg{}
	for i, p := range t.phases {
		from, to := p.x-slotWidth/2, t.axis.width
		if i+1 < len(t.phases) {
			to = t.phases[i+1].x - slotWidth/2
		}
		s.add(`<rect class="phase p%d" x="%.1f" y="0" width="%.1f" height="20"/>`, i%2, from, max(0, to-from))
		if name := printable(p.label); to-from > 7.5*float64(len(name)) {
			s.add(`<text class="phasename" x="%.1f" y="14">%s</text>`, from+6, html.EscapeString(name))
		}
	}
	free, last := 0.0, ""
	for _, m := range t.axis.moments {
		if t.axis.hidden[m.first] {
			continue
		}
		x := t.axis.x[m.first]
		s.add(`<line class="tick" x1="%.1f" x2="%.1f" y1="38" y2="%.0f"/>`, x, x, axisHeight)
		text := t.since(m.start)
		half := 3.2 * float64(len(text))
		for _, b := range t.axis.breaks {
			if b.x < x {
				free = max(free, b.x+breakWidth)
			}
		}
		if x-half < free || text == last {
			continue // no room
		}
		s.add(`<text class="ticktext" x="%.1f" y="34">%s</text>`, x, text)
		free, last = x+half+6, text
	}
	for _, b := range t.axis.breaks {
		s.add(`<rect class="break" x="%.1f" y="21" width="%.1f" height="%.0f"/>`, b.x, breakWidth, axisHeight-21)
		s.add(`<text class="breaktext" x="%.1f" y="31">%s</text><text class="breaktext" x="%.1f" y="42">left out</text>`, b.x+breakWidth/2, b.what(), b.x+breakWidth/2)
	}
	return s.drawing(t.axis.width, axisHeight, "time axis, by the queues' clock")
}

func (b axisBreak) what() string {
	if b.moments < 2 {
		return "more of it"
	}
	return span(b.length)
}

// draw draws the lanes, and below them the queues and the alarm.
func (t *timeline) draw() template.HTML {
	s := &svg{}
	height := t.height()
	for _, m := range t.axis.moments {
		if x := t.axis.x[m.first]; !t.axis.hidden[m.first] {
			s.add(`<line class="grid" x1="%.1f" x2="%.1f" y1="0" y2="%.0f"/>`, x, x, height)
		}
	}
	for _, b := range t.axis.breaks {
		s.add(`<rect class="break" x="%.1f" y="0" width="%.1f" height="%.0f"/>`, b.x, breakWidth, height)
	}
	y := 0.0
	for i, l := range t.lanes {
		class := "lane"
		if i%2 == 1 {
			class += " odd"
		}
		if l.group.blamed {
			class += " blamed"
		}
		s.add(`<a class="%s" href="#%s" tabindex="-1" data-lane="%s"><rect class="ground" x="0" y="%.1f" width="%.1f" height="%.1f"/>`, class, l.anchor, l.anchor, y, t.axis.width, l.height())
		t.drawLane(s, l, y)
		s.add("</a>\n")
		y += l.height()
	}
	y += footGap
	for _, row := range t.foot() {
		s.add(`<line class="line quiet" x1="0" x2="%.1f" y1="%.1f" y2="%.1f"/>`, t.axis.width, y+laneHeight/2, y+laneHeight/2)
		for _, m := range row {
			s.glyph(m, m.x, y+laneHeight/2, laneHeight/2)
		}
		y += laneHeight
	}
	t.drawAlarm(s, y)
	return s.drawing(t.axis.width, height, "timeline of "+count(len(t.lanes), "message")+"; the same in words is under Messages")
}

// foot are the rows below the lanes, but for the alarm's.
func (t *timeline) foot() [][]*laneMark {
	if len(t.trouble) == 0 {
		return [][]*laneMark{t.source, t.dlq}
	}
	return [][]*laneMark{t.source, t.dlq, t.trouble}
}

func (t *timeline) height() float64 {
	height := footGap + float64(len(t.foot()))*laneHeight
	for _, l := range t.lanes {
		height += l.height()
	}
	if len(t.alarm)+len(t.notices) > 0 {
		height += laneHeight + 8
	}
	return height
}

// drawLane draws where the message was and, upon that, what happened to it.
func (t *timeline) drawLane(s *svg, l *lane, top float64) {
	const above, below = laneHeight / 2, 43.0
	place := "" // class of the line, empty while it is nowhere
	y := top + above
	seen := map[float64]int{}
	var granted, until time.Time // when it becomes visible again: by the receive alone, and with all extensions
	for i, m := range l.marks {
		switch m.glyph {
		case glyphSent, glyphRedrive:
			place, y = "visible", top+above
		case glyphReceive, glyphReturned:
			place, y, granted, until = "hidden", top+above, m.until, m.until
		case glyphExtend:
			until = m.until
		case glyphMove:
			place, y = "visible dlq", top+below
		case glyphDLQReceive:
			place, y, granted, until = "hidden dlq", top+below, m.until, m.until
		case glyphNack:
			place = strings.Replace(place, "hidden", "visible", 1)
		case glyphDelete:
			place = ""
		}
		to := t.axis.width
		if i+1 < len(l.marks) {
			to = l.marks[i+1].x
		} else if l.lost && place != "" {
			place = "lost"
		}
		if m.hidden && m.glyph == glyphReceive {
			seen[m.x]++
		}
		switch {
		case place == "" || to <= m.x:
		case strings.HasPrefix(place, "hidden"):
			lapse, longer := to, to
			if !until.IsZero() && !m.hidden {
				lapse = min(to, max(m.x, t.axis.at(until)))
			}
			if until.After(granted) && !granted.IsZero() && !m.hidden {
				longer = min(lapse, max(m.x, t.axis.at(granted)))
			}
			s.add(`<rect class="window %s" x="%.1f" y="%.1f" width="%.1f" height="10" rx="5"/>`, place, m.x, y-5, lapse-m.x)
			if longer < lapse {
				s.add(`<rect class="longer" x="%.1f" y="%.1f" width="%.1f" height="10"/>`, longer, y-5, lapse-longer)
			}
			if lapse < to {
				s.add(`<line class="line %s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, strings.Replace(place, "hidden", "visible", 1), lapse, to, y, y)
			}
		default:
			s.add(`<line class="line %s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, place, m.x, to, y, y)
		}
		if place == "lost" {
			s.titled("lostmark", t.axis.width-12, y, "lost: it was found nowhere", func() {
				s.add(`<path d="M-6 -6L6 6M6 -6L-6 6"/>`)
			})
		}
	}
	for i, m := range l.marks {
		if x, ok := t.deadline(l, i); ok {
			s.titled("deadline", x, top+above, "without the heartbeat before it, it would have become visible again here"+t.when(m.before), s.tick)
		}
		if m.of != nil && !m.of.hidden && !m.hidden {
			s.bracket(m.of.x, m.x, top+above)
		}
	}
	for _, m := range l.marks {
		if m.hidden {
			continue
		}
		at := top + above
		if m.inDLQ && m.glyph != glyphMove {
			at = top + below
		}
		s.glyph(m, m.x, at, below-above)
	}
	for _, b := range t.axis.breaks {
		if n := seen[b.x+breakWidth/2]; n > 0 {
			s.add(`<text class="skipped" x="%.1f" y="%.1f">%d receives</text>`, b.x+breakWidth/2, top+above-7, n)
		}
	}
}

// deadline is where the visibility timeout would have lapsed that the lane's i-th mark
// extends, if the message was still in flight then.
func (t *timeline) deadline(l *lane, i int) (x float64, ok bool) {
	m := l.marks[i]
	if m.glyph != glyphExtend || m.before.IsZero() || m.hidden {
		return 0, false
	}
	x = t.axis.at(m.before)
	for _, next := range l.marks[i+1:] {
		if next.glyph != glyphExtend && next.glyph != glyphStale && next.glyph != glyphFailed {
			return x, m.x < x && x <= next.x
		}
	}
	return x, m.x < x
}

// tick draws a deadline.
func (s *svg) tick() { s.add(`<path d="M0 -9V9"/>`) }

// bracket joins, below the line at y, a receive and its consumer's late acknowledgement.
func (s *svg) bracket(from, to, y float64) {
	s.add(`<path class="bracket" d="M%.1f %.1fv3.500H%.1fv-3.500"/>`, from, y+9.5, to)
}

// glyph draws a mark. down is how far the DLQ's row is below the source queue's.
func (s *svg) glyph(m *laneMark, x, y, down float64) {
	switch m.glyph {
	case glyphSent:
		s.titled("sent", x, y, m.title, func() { s.add(`<path d="M-4 -6L6 0L-4 6Z"/>`) })
	case glyphReceive, glyphReturned:
		class := "receive"
		if m.glyph == glyphReturned {
			class += " returned"
		}
		if m.early {
			class += " early"
		}
		s.titled(class, x, y, m.title, func() {
			if m.glyph == glyphReturned {
				s.add(`<circle class="ring" r="10.2"/>`)
			}
			if m.early {
				s.add(`<path class="alert" d="M0 -14L14 0L0 14L-14 0Z"/>`)
			}
			s.add(`<circle r="8.4"/>`)
			s.number(m.label)
		})
	case glyphDLQReceive:
		s.titled("dlqreceive", x, y, m.title, func() {
			s.add(`<rect x="-8.4" y="-8.4" width="16.8" height="16.8" rx="3"/>`)
			s.number(m.label)
		})
	case glyphNack:
		s.titled("nack", x, y, m.title, func() { s.add(`<path d="M4 5V-1.5H-1V-5L-7 0.5L-1 6V2.5"/>`) })
	case glyphExtend:
		s.titled("extend", x, y, m.title, func() { s.add(`<circle r="7.5"/><path d="M-4 0H4M0 -4V4"/>`) })
	case glyphDelete:
		s.titled("delete", x, y, m.title, func() {
			s.add(`<rect x="-8" y="-8" width="16" height="16" rx="8"/><path d="M-4 0.5L-1 3.5L4.5 -3"/>`)
		})
	case glyphStale:
		s.titled("stale", x, y, m.title, func() {
			s.add(`<circle r="7.5"/><path d="M0 -4V0.500L3 2.500"/>`)
		})
	case glyphAgain:
		s.titled("again", x, y, m.title, func() {
			s.add(`<rect x="-9.500" y="-7.500" width="19" height="15" rx="7.500"/><path d="M-6 0.500L-3.500 3L0.500 -2.500M0 2L1 3L5.500 -2.500"/>`)
		})
	case glyphMove:
		s.titled("move", x, y, m.title, func() {
			s.add(`<path class="shaft" d="M0 0V%.1f"/><path d="M-5 %.1fH5L0 %.1fZ"/>`, down-6, down-8, down)
		})
	case glyphRedrive:
		s.titled("redrive", x, y, m.title, func() {
			s.add(`<path class="shaft" d="M0 %.1fV6"/><path d="M-5 8H5L0 0Z"/>`, down)
		})
	case glyphDrained:
		s.titled("drained", x, y, m.title, func() {
			s.add(`<rect x="-7" y="-7" width="14" height="14" rx="2"/><path d="M-4 0.5L-1 3.5L4.5 -3"/>`)
		})
	case glyphRedriveTask:
		s.titled("redrive", x, y, m.title, func() { s.add(`<path d="M-6 5H6L0 -6Z"/>`) })
	default:
		s.titled("failed", x, y, m.title, func() { s.add(`<circle r="7"/><path d="M-3 -3L3 3M3 -3L-3 3"/>`) })
	}
}

// number writes a receive count, small if it has many digits.
func (s *svg) number(text string) {
	size := map[int]int{1: 11, 2: 10, 3: 8}[len(text)]
	if size == 0 {
		size = 6
	}
	s.add(`<text class="number" y="%.1f" font-size="%d">%s</text>`, float64(size)*0.36, size, html.EscapeString(text))
}

// drawAlarm draws the alarm's states as bands and its notifications as envelopes.
func (t *timeline) drawAlarm(s *svg, top float64) {
	for i, m := range t.alarm {
		from, to := m.x, t.axis.width
		if i == 0 {
			from = 0
		}
		if i+1 < len(t.alarm) {
			to = t.alarm[i+1].x
		}
		class := "unknown"
		switch m.label {
		case stateOK:
			class = "ok"
		case stateAlarm:
			class = "firing"
		}
		s.titled("band "+class, from, top+6, m.title, func() {
			s.add(`<rect width="%.1f" height="20"/>`, max(0, to-from))
			if to-from > 8*float64(len(m.label))+24 {
				s.add(`<text x="20" y="14">%s</text>`, html.EscapeString(m.label))
			}
		})
	}
	for _, m := range t.notices {
		s.titled("notice", m.x, top+6, m.title, func() {
			s.add(`<rect x="-8" y="-6" width="16" height="12" rx="1.5"/><path d="M-8 -5L0 1.5L8 -5"/>`)
		})
	}
}
