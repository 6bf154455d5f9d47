import assert from 'node:assert/strict';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import { retainedBytes } from '../../../libraries/node/test/server/debugClient';
import { ClientModel } from '../../../src/model/clientModel';
import { queryOf } from './queries';

const rows = 10_000_000;
const rowsPerBatch = 4000;
const rowsPerSecond = 20_000;
const endpoints = 20;
const startNs = 1_000_000_000n;
const wallNs = 1_768_485_720_000_000_000n;

type Body = NonNullable<MessageInitShape<typeof WatchResponseSchema>['body']>;

/** A column of a batch. */
function column(value: (row: number) => number, length = rowsPerBatch): number[] {
  return Array.from({ length }, (_, row) => value(row));
}

const endpointOf = (row: number) => 2 + (row % endpoints);
const common = {
  rows: rowsPerBatch,
  timeDeltaNs: column(() => 1e9 / rowsPerSecond),
  callDelta: column(() => 1),
  channel: column(() => 1),
  endpoint: column(endpointOf),
};
const picks = create(WatchResponseSchema, {
  body: {
    case: 'picks',
    value: {
      ...common,
      result: column(() => 1),
      reason: column((row) => row % 9),
      candidateCount: column(() => 2),
      candidateEndpoint: column(endpointOf, 2 * rowsPerBatch),
      candidateLagNs: column((row) => row * 1e3, 2 * rowsPerBatch),
      candidateScore: column((row) => row, 2 * rowsPerBatch),
    },
  },
});
const completions = create(WatchResponseSchema, {
  body: { case: 'completions', value: { ...common, latencyNs: column((row) => row * 1e3), lagNs: column(() => 1e6) } },
});

/** Endpoints, pickers, connections, methods and channels come and go, as long as it lasts. */
function churn(index: number): Body[] {
  const id = 1000 + index;
  const entities = [
    { case: 'endpoint' as const, value: { id, channel: 1, addresses: [`10.1.${index}:1`], state: 3 } },
    { case: 'endpoint' as const, value: { id: id - 5, channel: 1, removed: true } },
    { case: 'generation' as const, value: { id, channel: 1, endpoints: [2, 3] } },
    { case: 'subconn' as const, value: { id, endpoints: [2], address: 'x', state: 3 } },
    { case: 'policy' as const, value: { id, channel: 1, name: `p${index % 50}`, removed: index % 2 === 0 } },
    { case: 'channel' as const, value: { id, target: `t${index}` } },
    { case: 'channel' as const, value: { id, target: `t${index}`, closed: true } },
    { case: 'resolverUpdate' as const, value: { channel: 1, addresses: ['x'.repeat(200)] } },
  ];
  return [
    { case: 'strings', value: { ids: [id], values: [`/m/${id}`] } },
    { case: 'changes', value: { changes: entities.map((entity) => ({ timeNs: nowOf(index), entity })) } },
    { case: 'heartbeat', value: { clock: clockOf(index) } },
  ];
}

function nowOf(index: number): bigint {
  return startNs + (BigInt(index) * BigInt(rowsPerBatch) * 1_000_000_000n) / BigInt(rowsPerSecond);
}

function clockOf(index: number) {
  return { monotonicNs: nowOf(index), wallUnixNs: wallNs + nowOf(index) };
}

function begin(model: ClientModel): void {
  const tell = (body: Body) => model.apply(create(WatchResponseSchema, { body }));
  tell({ case: 'process', value: { instance: 'a', clock: clockOf(0) } });
  tell({ case: 'snapshotBegin', value: {} });
  const value = { id: 1, target: 'dns:///cart' };
  const held = column((row) => row + 2, endpoints).map((id) => ({
    case: 'endpoint' as const,
    value: { id, channel: 1, addresses: [`10.0.0.${id}:1`], state: 3 },
  }));
  tell({
    case: 'changes',
    value: { changes: [{ case: 'channel' as const, value }, ...held].map((entity) => ({ entity })) },
  });
  tell({ case: 'snapshotEnd', value: {} });
}

describe('A model that lives long', () => {
  it('holds as much memory after ten million picks and their completions as after five', () => {
    const model = new ClientModel({ pickBudgetBytes: 40 * 1024 * 1024 });
    begin(model);
    const begun = performance.now();
    let early = 0;
    const batches = rows / rowsPerBatch;
    for (let index = 0; index < batches; index++) {
      for (const { body } of [picks, completions])
        if (body.case === 'picks' || body.case === 'completions')
          Object.assign(body.value, { baseTimeNs: nowOf(index), baseCall: BigInt(index * rowsPerBatch) });
      model.apply(picks);
      model.apply(completions);
      for (const body of churn(index)) model.apply(create(WatchResponseSchema, { body }));
      if (index % 50 === 0) model.view(queryOf({ filter: 'ok' }), Number(wallNs) / 1e6);
      if (index === batches / 2) early = retainedBytes();
    }
    const seconds = (performance.now() - begun) / 1000;
    const grown = (retainedBytes() - early) / 1e6;
    console.log(
      `    ${rows} picks and completions in ${seconds.toFixed(1)} s, ${Math.round(early / 1e6)} MB held after half of them, ` +
        `${grown.toFixed(1)} MB more at the end`,
    );
    assert.ok(grown < 5, `grown by ${grown.toFixed(1)} MB`);
    const view = model.view(queryOf({ channel: model.channels(0)[0]!.id }), 0)!;
    assert.equal(view.picksSeen, rows);
  });
});
