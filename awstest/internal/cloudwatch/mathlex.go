package cloudwatch

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// tokenKind is the kind of a token of metric math or of a composite alarm's rule.
type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenNumber
	tokenWord
	tokenText   // quoted
	tokenSymbol // an operator or a bracket
)

// token is a piece of an expression; at is where it begins, in bytes.
type token struct {
	kind tokenKind
	text string
	at   int
}

func (t token) String() string {
	if t.kind == tokenEnd {
		return "end of expression"
	}
	return "'" + t.text + "'"
}

// mathSymbols are the operators and brackets of metric math, longest first.
var mathSymbols = [...]string{"<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "^", "<", ">", "(", ")", "[", "]", ","}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// lexMath splits a metric math expression into tokens.
func lexMath(text string) ([]token, error) {
	var out []token
next:
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case letter(c):
			j := i
			for j < len(text) && (letter(text[j]) || digit(text[j])) {
				j++
			}
			out = append(out, token{tokenWord, text[i:j], i})
			i = j
			continue
		case digit(c) || c == '.' && i+1 < len(text) && digit(text[i+1]):
			j := numberEnd(text, i)
			out = append(out, token{tokenNumber, text[i:j], i})
			i = j
			continue
		case c == '"' || c == '\'':
			j := strings.IndexByte(text[i+1:], c)
			if j < 0 {
				return nil, fmt.Errorf("unterminated text at char %d", i)
			}
			out = append(out, token{tokenText, text[i+1 : i+1+j], i})
			i += j + 2
			continue
		}
		for _, s := range mathSymbols {
			if strings.HasPrefix(text[i:], s) {
				out = append(out, token{tokenSymbol, s, i})
				i += len(s)
				continue next
			}
		}
		r, _ := utf8.DecodeRuneInString(text[i:])
		return nil, fmt.Errorf("unsupported character %q at char %d", r, i)
	}
	return append(out, token{kind: tokenEnd, at: len(text)}), nil
}

// numberEnd is where the number that begins at i ends: digits, a fraction, an exponent.
func numberEnd(text string, i int) int {
	digits := func() {
		for i < len(text) && digit(text[i]) {
			i++
		}
	}
	digits()
	if i < len(text) && text[i] == '.' {
		i++
		digits()
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		j := i + 1
		if j < len(text) && (text[j] == '+' || text[j] == '-') {
			j++
		}
		if j < len(text) && digit(text[j]) {
			i = j
			digits()
		}
	}
	return i
}
