package pattern

import "slices"

// Keys counts the keys that have rules, of alternatives those of the largest.
func (p *Pattern) Keys() int { return p.root.keys() }

// Combinations is how complex SNS takes the pattern to be: the product, over the keys, of
// the number of rules times the depth, where alternatives add up. It stops counting above
// the limit.
func (p *Pattern) Combinations(limit int) int { return p.root.combinations(1, limit+1) }

// IsNested reports whether keys have keys in turn.
func (p *Pattern) IsNested() bool { return p.root.isNested() }

func (g *group) keys() int {
	n := 0
	for _, f := range g.fields {
		if f.nested != nil {
			n += f.nested.keys()
		} else {
			n++
		}
	}
	for _, or := range g.alternatives {
		largest := 0
		for _, alternative := range or {
			largest = max(largest, alternative.keys())
		}
		n += largest
	}
	return n
}

func (g *group) combinations(depth, enough int) int {
	n := 1
	for _, f := range g.fields {
		if f.nested != nil {
			n *= f.nested.combinations(depth+1, enough)
		} else {
			n *= min(len(f.rules)*depth, enough)
		}
		n = min(n, enough)
	}
	for _, or := range g.alternatives {
		sum := 0
		for _, alternative := range or {
			sum = min(sum+alternative.combinations(depth, enough), enough)
		}
		n = min(n*sum, enough)
	}
	return n
}

func (g *group) isNested() bool {
	for _, f := range g.fields {
		if f.nested != nil {
			return true
		}
	}
	for _, or := range g.alternatives {
		if slices.ContainsFunc(or, (*group).isNested) {
			return true
		}
	}
	return false
}
