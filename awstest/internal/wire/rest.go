package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
)

// routes match the requests of a REST service.
type routes struct{ mux *http.ServeMux }

func newRoutes(list []Route) *routes {
	mux := http.NewServeMux()
	for _, r := range list {
		mux.HandleFunc(r.Method+" "+r.Pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.(*match).operation = r.Operation
		})
	}
	return &routes{mux}
}

// operation returns the operation that r is for, empty if it is for none, and sets r's
// path values.
func (rs *routes) operation(r *http.Request) string {
	var m match
	rs.mux.ServeHTTP(&m, r)
	return m.operation
}

// match is the response that handlers write the operation to. What the mux itself
// answers, to requests that nothing matches, goes nowhere.
type match struct{ operation string }

func (*match) Header() http.Header         { return http.Header{} }
func (*match) Write(b []byte) (int, error) { return len(b), nil }
func (*match) WriteHeader(int)             {}

// decodeREST fills the members of in that come from the path and the query string.
func decodeREST(fc *fieldCache, r *http.Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fmt.Errorf("query string: %w", err)
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		var text string
		if name := f.Tag.Get("path"); name != "" {
			text = r.PathValue(name)
		} else if name := f.Tag.Get("qs"); name != "" && query.Has(name) {
			text = query.Get(name)
		} else {
			continue
		}
		if err := decodeValue(fc, &param{value: text}, v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}
