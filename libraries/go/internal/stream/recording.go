package stream

import (
	"encoding/binary"
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

// WriteRecording writes what is kept as a recording file (docs/protocol.md), message by message. Its error is the
// writer's.
func WriteRecording(past *Past, file io.Writer) error {
	header := binary.LittleEndian.AppendUint16([]byte(recordingMagic), recordingVersion)
	if _, err := file.Write(header); err != nil {
		return err
	}
	messages := outlet{take: func(message *debugpb.WatchResponse) error { return writeDelimited(file, message) }}
	for _, entry := range past.entries() {
		if err := entry.put(&messages); err != nil {
			return err
		}
	}
	return nil
}

// writeDelimited writes a message behind its length.
func writeDelimited(file io.Writer, message proto.Message) error {
	size := proto.Size(message)
	delimited := protowire.AppendVarint(make([]byte, 0, size+binary.MaxVarintLen64), uint64(size))
	delimited, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(delimited, message)
	if err != nil {
		return err
	}
	_, err = file.Write(delimited)
	return err
}
