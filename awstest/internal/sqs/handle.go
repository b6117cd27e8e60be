package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

// A receipt handle holds the queue, the message, the receive, and a check of these.
const (
	handleBytes = 8 + 16 + 8 + 4
	handleChars = handleBytes / 3 * 4
)

func (s *Service) handle(q *queue, m *message) string {
	var b [handleBytes]byte
	binary.BigEndian.PutUint64(b[0:], q.id)
	copy(b[8:], m.id[:])
	binary.BigEndian.PutUint64(b[24:], m.nonce)
	binary.BigEndian.PutUint32(b[32:], s.check(b[:32]))
	return base64.StdEncoding.EncodeToString(b[:])
}

func (s *Service) check(b []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(s.salt[:]), crc32.IEEETable, b)
}

// readHandle reads a receipt handle of the queue.
func (q *queue) readHandle(handle string) (id uuid, nonce uint64, err error) {
	var b [handleBytes]byte
	if handle == "" {
		return id, 0, missingParameter("ReceiptHandle")
	}
	if len(handle) != handleChars {
		return id, 0, receiptHandleIsInvalid(handle)
	}
	n, derr := base64.StdEncoding.Decode(b[:], []byte(handle))
	if derr != nil || n != handleBytes ||
		binary.BigEndian.Uint32(b[32:]) != q.svc.check(b[:32]) || binary.BigEndian.Uint64(b[:]) != q.id {
		return id, 0, receiptHandleIsInvalid(handle)
	}
	copy(id[:], b[8:])
	return id, binary.BigEndian.Uint64(b[24:]), nil
}
