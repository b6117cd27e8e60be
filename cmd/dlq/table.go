package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is text in columns. Unlike text/tabwriter it knows that colours have no width.
type table struct {
	rows  [][]cell
	right map[int]bool // columns that are flush right
}

// cell is a table's cell: clean text, and how it is painted.
type cell struct {
	text  string
	paint func(string) string
}

// row adds a row.
func (t *table) row(cells ...cell) { t.rows = append(t.rows, cells) }

// plain is a cell of unpainted text.
func plain(text string) cell { return cell{text: clean(text)} }

// number is a cell of a number.
func number(n int64) cell { return cell{text: fmt.Sprint(n)} }

// painted is a cell of painted text.
func painted(paint func(string) string, text string) cell { return cell{clean(text), paint} }

// write writes the table, its columns two spaces apart.
func (t *table) write(w io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, row := range t.rows {
		var b strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
			text := c.text
			if c.paint != nil {
				text = c.paint(text)
			}
			switch last := i == len(row)-1; {
			case t.right[i]:
				text = pad + text
			case !last:
				text += pad
			}
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(text)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}
