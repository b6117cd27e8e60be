package s3

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// maxDocument bounds the documents of settings, in bytes.
const maxDocument = 64 << 10

// document is an answer with v as an XML document. The root is named here, so that v can
// be read from documents with and without the namespace.
func document(root string, v any) (*wire.Response, error) {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	start := xml.StartElement{Name: xml.Name{Local: root}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}}
	if err := xml.NewEncoder(&b).EncodeElement(v, start); err != nil {
		return nil, err
	}
	return &wire.Response{Status: http.StatusOK, Body: b.Bytes()}, nil
}

// parse reads an XML document with the root of that name into v.
func parse(doc, root string, v any) error {
	if len(doc) > maxDocument && root != "Delete" {
		return malformedXML()
	}
	dec := xml.NewDecoder(bytes.NewReader([]byte(doc)))
	for {
		token, err := dec.Token()
		if err != nil {
			return malformedXML()
		}
		if start, ok := token.(xml.StartElement); ok {
			if start.Name.Local != root || dec.DecodeElement(v, &start) != nil {
				return malformedXML()
			}
			break
		}
	}
	for {
		switch token, err := dec.Token(); token.(type) {
		case nil:
			if err == io.EOF {
				return nil
			}
			return malformedXML()
		case xml.StartElement:
			return malformedXML()
		}
	}
}

// done is the answer to what has no more to say.
func done() (*wire.Response, error) { return &wire.Response{Status: http.StatusOK}, nil }

// gone is the answer to a deletion.
func gone() (*wire.Response, error) { return &wire.Response{Status: http.StatusNoContent}, nil }

// instant is a time as S3 writes it.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
