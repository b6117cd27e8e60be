package wire

import (
	"fmt"
	"net/http"
	"reflect"
)

// restTarget is a mux entry that only names the operation.
type restTarget struct{ operation string }

func (restTarget) ServeHTTP(http.ResponseWriter, *http.Request) {}

// discard is the response that the mux writes nothing to.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// decodeREST fills the members of in that come from the path and the query string.
func decodeREST(r *http.Request, in any) error {
	var fc fieldCache
	v := reflect.ValueOf(in).Elem()
	query := r.URL.Query()
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
		if err := decodeValue(&fc, &param{value: text, has: true}, v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}
