import { createReadStream } from 'node:fs';
import path from 'node:path';
import { toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  PickReason,
  PickResult,
  WatchResponseSchema,
  type CompletionBatchSchema,
  type PickBatchSchema,
} from '@pickscope/protocol/messages';
import { readRecording } from '@pickscope/protocol/recording';
import { decodeMessage } from '../../src/attachment/decode';
import type { ChartView, ClientChoice, Frame, PickRow, Query } from '../../src/messages/panel';
import { ClientModel } from '../../src/model/clientModel';
import { software } from '../../src/model/process';
import { FakeClient, type FakeBackend } from '../unit/model/fakeClient';

/*
 * A small seeded run of p2c_ewma in virtual time, sent through the decoder into the extension's own model, which answers
 * the panel's queries: what the panel is shown in a plain page is what the host would send.
 */

/** What answers the panel, as the host does. */
export interface Answers {
  frame(query: Query): Frame;
  chart(query: Query): ChartView | undefined;
}

export interface FeedOptions {
  readonly seed?: number;
  /** Mean latency of each backend; the last one flaps. */
  readonly meansMs?: readonly number[];
  readonly picksPerSecond?: number;
  readonly addresses?: readonly string[];
  readonly methods?: readonly string[];
  readonly target?: string;
  readonly client?: ClientChoice;
  /** For single picks; room for all, if left out. */
  readonly pickBudgetBytes?: number;
}

/** A pick that the run itself does not make, and what became of its call. */
export interface AddedPick {
  /** COMPLETED, if left out. */
  readonly result?: PickResult;
  readonly reason?: PickReason;
  /** Bits of PickFlag. */
  readonly flags?: number;
  /** Index of the chosen backend; undefined: none was. */
  readonly backend?: number;
  readonly candidates?: readonly { readonly backend: number; readonly score: number }[];
  /** Of a pick that failed or was dropped. */
  readonly code?: number;
  readonly method?: string;
  readonly end?: { readonly code: number; readonly latencyMs: number };
}

export const client: ClientChoice = {
  id: 'fake',
  name: 'orders-api',
  pid: 48213,
  folder: 'orders-api',
  language: 'node',
  attached: true,
};

export const firstQuery: Query = { windowSeconds: 120, points: 120, filter: '', rows: { skip: 0, limit: 60 } };

/** 14:00:50 in UTC, some day. */
export const startMs = Date.UTC(2026, 10, 22, 14, 0, 50);
const downError = 'connect ECONNREFUSED 10.0.0.5:50051';
const upMs = 26_000;
const downMs = 14_000;
/** Ids on the wire: of the channel, the policy, and then of the backends. */
const [channelId, policyId, firstBackendId] = [1, 2, 3];
const defaultMethods = [
  '/shop.Cart/GetCart',
  '/shop.Cart/GetCart',
  '/shop.Cart/GetCart',
  '/shop.Cart/ListItems',
  '/shop.Cart/PutItem',
  '/shop.Cart/Checkout',
];

export class Feed implements Answers {
  readonly model: ClientModel;
  readonly source: FakeClient;
  private readonly choice: ClientChoice;
  private readonly flapping: string;
  private flapInMs = upMs - 2000;
  private up = true;
  private applied = 0;
  private added = 0;

  constructor({ seed = 7, picksPerSecond = 150, methods = defaultMethods, ...options }: FeedOptions = {}) {
    const { target = 'cart.shop.svc:50051' } = options;
    const backends = backendsOf(options);
    this.model = new ClientModel({ pickBudgetBytes: options.pickBudgetBytes ?? 40 * 1024 * 1024 });
    this.choice = options.client ?? client;
    this.flapping = backends.at(-1)!.address;
    this.source = new FakeClient({ backends, seed, picksPerSecond, methods, startMs, target }).attach();
    this.receive();
  }

  get nowMs(): number {
    return this.source.nowMs;
  }

  /** Lets virtual time pass. */
  run(ms: number): this {
    for (let leftMs = ms; leftMs > 0;) {
      const partMs = Math.min(leftMs, this.flapInMs);
      this.source.run(partMs);
      leftMs -= partMs;
      this.flapInMs -= partMs;
      if (this.flapInMs === 0) this.flap();
    }
    this.receive();
    return this;
  }

  /** Sends what the client did since. */
  receive(): void {
    const { messages } = this.source.flush();
    for (; this.applied < messages.length; this.applied++)
      this.model.apply(decodeMessage(toBinary(WatchResponseSchema, messages[this.applied]!)));
  }

  /** All single picks, newest first. */
  picks(): readonly PickRow[] {
    const rows = { skip: 0, limit: 1_000_000 };
    return this.model.view({ ...firstQuery, rows }, this.nowMs)!.picks;
  }

  add(pick: AddedPick): PickRow {
    const call = 900_000 + ++this.added;
    if (pick.method !== undefined) this.say({ case: 'strings', value: { ids: [call], values: [pick.method] } });
    this.say({ case: 'picks', value: this.pickBatch(call, pick) });
    if (pick.end) this.say({ case: 'completions', value: this.completionBatch(call, pick, pick.end) });
    this.receive();
    return this.picks()[0]!;
  }

  frame(query: Query): Frame {
    return frameOf(this.model, query, this.nowMs, {
      place: 'side',
      attachment: { state: 'live', client: this.choice, paused: query.untilMs !== undefined },
      clients: [
        this.choice,
        { id: 'other', name: 'checkout', pid: 51_002, folder: 'checkout', language: 'go', attached: false },
      ],
    });
  }

  chart(query: Query): ChartView | undefined {
    return this.model.chart(query, this.nowMs);
  }

  private say(body: Parameters<FakeClient['say']>[0]): void {
    this.source.say(body);
  }

  private flap(): void {
    this.up = !this.up;
    this.flapInMs = this.up ? upMs : downMs;
    if (this.up) this.source.recover(this.flapping);
    else this.source.fail(this.flapping, downError);
  }

  private pickBatch(call: number, pick: AddedPick): MessageInitShape<typeof PickBatchSchema> {
    const { backend, candidates = [], code = 0, method, result = PickResult.COMPLETED } = pick;
    return {
      ...this.row(call, method),
      generation: [this.source.generation],
      policy: [policyId],
      result: [result],
      reason: [pick.reason ?? PickReason.UNSPECIFIED],
      endpoint: [idOf(backend)],
      code: [code],
      flags: [pick.flags ?? 0],
      candidateCount: [candidates.length],
      candidateEndpoint: candidates.map((one) => idOf(one.backend)),
      candidateLagNs: candidates.map(({ score }) => score ** 2),
      candidateSuccess: candidates.map(() => 1000),
      candidateInflight: candidates.map(() => 0),
      candidateScore: candidates.map(({ score }) => score),
      candidateIdleNs: candidates.map(() => 1e6),
      candidateHealthy: candidates.map(() => true),
    };
  }

  private completionBatch(
    call: number,
    { backend, method }: AddedPick,
    { code, latencyMs }: NonNullable<AddedPick['end']>,
  ): MessageInitShape<typeof CompletionBatchSchema> {
    return {
      ...this.row(call, method),
      endpoint: [idOf(backend)],
      code: [code],
      latencyNs: [latencyMs * 1e6],
      lagNs: [NaN],
      success: [NaN],
      inflight: [0],
    };
  }

  private row(call: number, method: string | undefined) {
    return {
      rows: 1,
      baseTimeNs: this.source.nowNs,
      timeDeltaNs: [0],
      baseCall: BigInt(call),
      callDelta: [0],
      attempt: [1],
      channel: [channelId],
      method: [method === undefined ? 1 : call],
    };
  }
}

/** A recording, as the host answers from it when it is opened. */
export class Recorded implements Answers {
  private constructor(
    readonly model: ClientModel,
    private readonly file: string,
  ) {}

  static async open(file: string): Promise<Recorded> {
    const model = new ClientModel({ pickBudgetBytes: 40 * 1024 * 1024 });
    for await (const message of readRecording(createReadStream(file))) model.apply(message);
    return new Recorded(model, path.basename(file));
  }

  frame(query: Query): Frame {
    const { name, pid, folder, language } = this.model.process!;
    const recorded = { id: this.file, name, pid, folder, language, attached: true };
    return frameOf(this.model, query, 0, {
      place: 'recording',
      attachment: { state: 'recording', client: recorded, file: this.file, read: 1, damage: '' },
      clients: [recorded],
    });
  }

  chart(query: Query): ChartView | undefined {
    return this.model.chart(query, 0);
  }
}

/** What the host would send of this client. */
export function frameOf(
  model: ClientModel,
  query: Query,
  nowMs: number,
  part: Pick<Frame, 'place' | 'attachment' | 'clients'>,
): Frame {
  const channel = model.view(query, nowMs);
  const reach = model.reach(nowMs);
  return {
    ...part,
    channels: model.channels(nowMs),
    ...(channel && { channel }),
    ...(reach && { reach }),
    software: model.process ? software(model.process) : '',
    limitations: model.process?.limitations ?? [],
    refusedCalls: model.refusedCalls,
  };
}

function backendsOf({ meansMs = [2, 5, 10, 40, 8], addresses }: FeedOptions): FakeBackend[] {
  return meansMs.map((latencyMs, index) => ({
    address: addresses?.[index] ?? `10.0.0.${index + 1}:50051`,
    latencyMs,
    errors: latencyMs === 10 ? 0.004 : 0,
    tail: 0.4,
  }));
}

function idOf(backend: number | undefined): number {
  return backend === undefined ? 0 : firstBackendId + backend;
}
