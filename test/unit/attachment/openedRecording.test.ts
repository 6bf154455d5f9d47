import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import { encodeRecorded, readRecording, recordingHeader } from '@pickscope/protocol/recording';
import { OpenedRecording, type RecordingBytes } from '../../../src/attachment/openedRecording';
import { ClientModel } from '../../../src/model/clientModel';
import { queryOf } from '../model/queries';

const recordings = path.join(import.meta.dirname, '..', '..', 'recordings');
const names = readdirSync(recordings).filter((name) => name.endsWith('.pickscope'));
const newest = readFileSync(path.join(recordings, '1.2.pickscope'));

describe('a recording that is opened', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'pickscope-opened-'))));
  after(() => rmSync(folder, { recursive: true }));

  async function open(source: RecordingBytes | Promise<RecordingBytes>): Promise<OpenedRecording> {
    const recording = new OpenedRecording(source, {
      pickBudgetBytes: 1_000_000,
      loadReader: () => import('../../../src/attachment/recordingMessages'),
    });
    await recording.whole;
    return recording;
  }

  /** The same messages, applied one by one as they were sent. */
  async function modelOf(bytes: Uint8Array): Promise<ClientModel> {
    const model = new ClientModel({ pickBudgetBytes: 40_000_000 });
    for await (const message of readRecording([bytes])) model.apply(message);
    return model;
  }

  const view = (model: ClientModel | undefined) => model?.view(queryOf({ windowSeconds: 60 }), 0);

  for (const name of names) {
    it(`shows at its end what was shown live: ${name}`, async () => {
      const file = path.join(recordings, name);
      const { model, damage, read } = await open({ path: file });
      assert.deepEqual([damage, read], [undefined, 1]);
      const live = await modelOf(readFileSync(file));
      assert.deepEqual(model!.channels(0), live.channels(0));
      assert.ok(view(model)!.totals.completed > 0);
      assert.deepEqual(view(model), view(live));
      assert.deepEqual(model!.process, live.process);
    });
  }

  it('is as long as it lasted, whatever a live client is remembered of', async () => {
    const recording = await open({ bytes: lasting(40 * 60) });
    const { fromMs, toMs } = recording.model!.reach(0)!;
    assert.equal(recording.damage, undefined);
    assert.ok(Math.abs(toMs - fromMs - 40 * 60_000) < 2000, `${toMs - fromMs}`);
  });

  it('of more than four hours is shown from four hours before its end on', async () => {
    const recording = await open({ bytes: lasting(5 * 60 * 60) });
    const { fromMs, toMs } = recording.model!.reach(0)!;
    assert.deepEqual(recording.damage, { kind: 'long' });
    assert.ok(Math.abs(toMs - fromMs - 4 * 60 * 60_000) < 10_000, `${toMs - fromMs}`);
  });

  it('from elsewhere than a file is the same', async () => {
    const { model } = await open(Promise.resolve({ bytes: newest }));
    assert.deepEqual(view(model), view(await modelOf(newest)));
  });

  it('that breaks off is shown up to there', async () => {
    const half = newest.subarray(0, newest.length / 2);
    const { model, damage, read } = await open({ bytes: half });
    assert.deepEqual([damage, read], [{ kind: 'cut' }, 1]);
    assert.ok(view(model)!.totals.completed > 0);
  });

  it('that is damaged is shown up to there', async () => {
    const broken = Buffer.concat([newest, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3])]);
    const { model, damage } = await open({ bytes: broken });
    assert.deepEqual(damage, { kind: 'damaged' });
    assert.deepEqual(view(model), view(await modelOf(newest)));
  });

  it('with a message that is none is shown up to there', async () => {
    const broken = Buffer.concat([newest, encodeRecorded(Uint8Array.of(0x08, 0x01, 0x12, 0x7f))]);
    assert.deepEqual((await open({ bytes: broken })).damage, { kind: 'damaged' });
  });

  it('of another kind, or newer, or that cannot be read, says so', async () => {
    const newer = Uint8Array.from(newest);
    newer[10] = 9;
    const foreign = path.join(folder, 'foreign.pickscope');
    writeFileSync(foreign, 'PK\x03\x04 and what else an archive holds');
    assert.deepEqual((await open({ bytes: newer })).damage, { kind: 'newer' });
    assert.deepEqual((await open({ path: foreign })).damage, { kind: 'foreign' });
    const { damage } = await open({ path: path.join(folder, 'none.pickscope') });
    assert.ok(damage?.kind === 'file' && damage.detail.includes('ENOENT'));
    assert.equal((await open(Promise.reject(new Error('no such provider')))).damage?.kind, 'file');
  });

  it('is not read on when it is closed', async () => {
    const recording = new OpenedRecording(
      { bytes: lasting(60) },
      { pickBudgetBytes: 1_000_000, loadReader: () => import('../../../src/attachment/recordingMessages') },
    );
    recording.close();
    await recording.whole;
    assert.equal(recording.model?.process, undefined);
  });
});

/** A recording of a client that only beats, every ten seconds. */
function lasting(seconds: number): Uint8Array {
  const messages: Uint8Array[] = [recordingHeader()];
  const clock = (second: number) => ({
    monotonicNs: BigInt(second) * 1_000_000_000n,
    wallUnixNs: 1_700_000_000_000_000_000n + BigInt(second) * 1_000_000_000n,
  });
  let sequence = 0;
  const add = (body: Parameters<typeof create<typeof WatchResponseSchema>>[1]) =>
    messages.push(encodeRecorded(create(WatchResponseSchema, { ...body, sequence: ++sequence })));
  add({ body: { case: 'process', value: { instance: 'a', protocolMajor: 1, clock: clock(0) } } });
  add({ body: { case: 'snapshotBegin', value: {} } });
  add({ body: { case: 'snapshotEnd', value: {} } });
  for (let second = 10; second <= seconds; second += 10)
    add({ body: { case: 'heartbeat', value: { clock: clock(second) } } });
  return Buffer.concat(messages);
}
