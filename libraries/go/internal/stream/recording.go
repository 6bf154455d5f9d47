package stream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// A recording file begins with its magic and the version of the format.
const (
	recordingMagic   = "PICKSCOPE\x00"
	recordingVersion = 1
)

// What there is no recording for.
var (
	ErrNothingKept = errors.New("nothing is kept of this process, so there is nothing to record: start it with " +
		"PICKSCOPE_KEEP=60s in its environment")
	ErrNothingKeptAnyMore = errors.New("nothing is kept of this process any more: start it with a larger " +
		"PICKSCOPE_KEEP_BYTES")
)

// WriteRecording writes what is kept as a recording file (docs/protocol.md). Its error is ErrNothingKept where past is nil,
// ErrNothingKeptAnyMore where it gave up, or that of the writer.
func WriteRecording(past *Past, to io.Writer) error {
	if past == nil {
		return ErrNothingKept
	}
	if past.Seconds() == 0 {
		return ErrNothingKeptAnyMore
	}
	file := bufio.NewWriter(to)
	_, _ = file.Write(binary.LittleEndian.AppendUint16([]byte(recordingMagic), recordingVersion)) // Flush tells its errors.
	messages := outlet{take: func(message *debugpb.WatchResponse) error { return writeDelimited(file, message) }}
	for _, entry := range past.entries() {
		if err := entry.put(&messages); err != nil {
			return err
		}
	}
	return file.Flush()
}

// writeDelimited writes a message behind its length.
func writeDelimited(to io.Writer, message proto.Message) error {
	body, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	if _, err := to.Write(protowire.AppendVarint(nil, uint64(len(body)))); err != nil {
		return err
	}
	_, err = to.Write(body)
	return err
}
