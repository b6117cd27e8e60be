package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints what the fleets have cost.
func report(w io.Writer, fleets [2]*fleet, states [2]state, o options) {
	fmt.Fprintf(w, "%d pairs of queues, no-op plan: median of %d, and range; %v added to each API call.\n\n", o.pairs, o.repeats, o.latency)
	write(w, costTable(fleets, states, o.pairs), o.markdown)
	fmt.Fprint(w, "\nAPI calls by operation, in all:\n\n")
	write(w, callTable(fleets), o.markdown)
}

// costTable has a row for each thing measured. The first row is the header.
func costTable(fleets [2]*fleet, states [2]state, pairs int) [][]string {
	per := func(n int) string { return fmt.Sprintf("%.1f", float64(n)/float64(pairs)) }
	rows := [][]string{{"", fleets[0].name, fleets[1].name, "first / second"}}
	add := func(what string, show func(i int) string, value func(i int) float64) {
		rows = append(rows, []string{what, show(0), show(1), fmt.Sprintf("%.2f", value(0)/value(1))})
	}
	of := func(what string, costs func(f *fleet) []cost) {
		at := func(i int) cost { return medianOf(costs(fleets[i])) }
		add(what+": wall time", func(i int) string { return spread(costs(fleets[i])) }, func(i int) float64 { return at(i).wall.Seconds() })
		add(what+": CPU time of Terraform", func(i int) string { return seconds(at(i).cpu) }, func(i int) float64 { return at(i).cpu.Seconds() })
		add(what+": API calls a pair", func(i int) string { return per(at(i).allCalls()) }, func(i int) float64 { return float64(at(i).allCalls()) })
	}
	add("resources a pair", func(i int) string { return per(total(states[i].resources)) }, func(i int) float64 { return float64(total(states[i].resources)) })
	rows = append(rows, []string{"data sources a pair", per(total(states[0].data)), per(total(states[1].data)), ""})
	of("first plan", func(f *fleet) []cost { return f.first })
	of("apply", func(f *fleet) []cost { return f.applied })
	of("no-op plan", func(f *fleet) []cost { return f.noOp })
	add("state", func(i int) string { return fmt.Sprintf("%d bytes", states[i].bytes) }, func(i int) float64 { return float64(states[i].bytes) })
	return rows
}

// callTable has a row for each operation.
func callTable(fleets [2]*fleet) [][]string {
	rows := [][]string{{"operation", "apply: " + fleets[0].name, "apply: " + fleets[1].name, "no-op plan: " + fleets[0].name, "no-op plan: " + fleets[1].name}}
	operations := map[string]int{}
	var columns []map[string]int
	for _, costs := range [][]cost{fleets[0].applied, fleets[1].applied, fleets[0].noOp, fleets[1].noOp} {
		calls := medianOf(costs).calls
		columns = append(columns, calls)
		maps.Copy(operations, calls)
	}
	for _, operation := range slices.Sorted(maps.Keys(operations)) {
		row := []string{operation}
		for _, calls := range columns {
			row = append(row, fmt.Sprint(calls[operation]))
		}
		rows = append(rows, row)
	}
	return rows
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// medianOf is the cost with the median wall time, of the middle two the dearer; costs isn't
// empty.
func medianOf(costs []cost) cost {
	sorted := byWall(costs)
	return sorted[len(sorted)/2]
}

func byWall(costs []cost) []cost {
	return slices.SortedFunc(slices.Values(costs), func(a, b cost) int { return int(a.wall - b.wall) })
}

// spread is the median wall time, with the least and the most if there are several.
func spread(costs []cost) string {
	sorted := byWall(costs)
	if len(sorted) == 1 {
		return seconds(sorted[0].wall)
	}
	return fmt.Sprintf("%s (%.1f to %.1f)", seconds(medianOf(costs).wall), sorted[0].wall.Seconds(), sorted[len(sorted)-1].wall.Seconds())
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// write writes rows, of which the first is the header.
func write(w io.Writer, rows [][]string, markdown bool) {
	if markdown {
		for i, row := range rows {
			fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				fmt.Fprintf(w, "|---|%s\n", strings.Repeat("--:|", len(row)-1))
			}
		}
		return
	}
	aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(aligned, strings.Join(row, "\t"))
	}
	_ = aligned.Flush()
}
