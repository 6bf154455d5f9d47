import { create } from '@bufbuild/protobuf';
import { WatchResponseSchema, type WatchResponse } from '@pickscope/protocol/messages';
import { encodeRecorded, readRecording, RecordingError, recordingHeader } from '@pickscope/protocol/recording';
import fc from 'fast-check';
import assert from 'node:assert/strict';

function message(sequence: number): WatchResponse {
  const value = { ids: [sequence], values: ['x'.repeat(sequence % 300)] };
  return create(WatchResponseSchema, { sequence, body: { case: 'strings', value } });
}

function recording(count: number): Buffer {
  const messages = Array.from({ length: count }, (_, i) => encodeRecorded(message(i + 1)));
  return Buffer.concat([recordingHeader(), ...messages]);
}

/** What could be read, and the error that ended it. */
async function read(chunks: Iterable<Uint8Array>): Promise<{ sequences: number[]; error: unknown }> {
  const sequences: number[] = [];
  try {
    for await (const { sequence } of readRecording(chunks)) sequences.push(sequence);
    return { sequences, error: undefined };
  } catch (error) {
    return { sequences, error };
  }
}

describe('a recording', () => {
  it('is read as it was written, in chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 200 }), async (count, size) => {
        const bytes = recording(count);
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        const { sequences, error } = await read(chunks);
        assert.equal(error, undefined);
        assert.deepEqual(
          sequences,
          Array.from({ length: count }, (_, i) => i + 1),
        );
      }),
    );
  });

  it('gives a message back whole', async () => {
    const messages: WatchResponse[] = [];
    for await (const each of readRecording([recording(7)])) messages.push(each);
    assert.deepEqual(messages[6], message(7));
  });

  it('that breaks off is read up to the break', async () => {
    const whole = recording(3);
    const { sequences, error } = await read([whole.subarray(0, -1)]);
    assert.deepEqual(sequences, [1, 2]);
    assert.ok(error instanceof RecordingError);
    assert.match(error.message, /ends in the middle of a message/);
  });

  it('of another kind, or newer, is refused', async () => {
    const newer = recording(1);
    newer.writeUInt16LE(2, 10);
    for (const [bytes, reason] of [
      [Buffer.from('PNG and the rest of it'), /not a Pickscope recording/],
      [Buffer.alloc(0), /not a Pickscope recording/],
      [newer, /format version 2, this Pickscope reads up to 1/],
    ] as const) {
      const { sequences, error } = await read([bytes]);
      assert.deepEqual(sequences, []);
      assert.ok(error instanceof RecordingError);
      assert.match(error.message, reason);
    }
  });

  it('that is damaged is said to be, after what is readable', async () => {
    const huge = Buffer.concat([recording(1), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])]);
    const nonsense = Buffer.concat([recording(1), Buffer.from([2, 0xff, 0xff])]);
    for (const bytes of [huge, nonsense]) {
      const { sequences, error } = await read([bytes]);
      assert.deepEqual(sequences, [1]);
      assert.ok(error instanceof RecordingError);
      assert.match(error.message, /damaged/);
    }
  });
});
