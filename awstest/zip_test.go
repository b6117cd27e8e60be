package awstest_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io/fs"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

// linkZip is a zip with a symbolic link.
func linkZip(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	h := &zip.FileHeader{Name: "bootstrap"}
	h.SetMode(fs.ModeSymlink | 0o777)
	f, err := w.CreateHeader(h)
	require.NoError(t, err)
	_, err = f.Write([]byte("/bin/sh"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

// claim makes a zip of one file say another uncompressed size.
func claim(z []byte, size, says uint32) []byte {
	is, be := binary.LittleEndian.AppendUint32(nil, size), binary.LittleEndian.AppendUint32(nil, says)
	directory := bytes.LastIndex(z, []byte("PK\x01\x02"))
	out := bytes.Clone(z)
	at := directory + bytes.LastIndex(z[directory:directory+28], is)
	copy(out[at:], be)
	return out
}

func attributesOf(name, value string) map[string]sqstypes.MessageAttributeValue {
	return map[string]sqstypes.MessageAttributeValue{name: {DataType: aws.String("String"), StringValue: aws.String(value)}}
}
