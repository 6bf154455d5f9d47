import * as grpc from '@grpc/grpc-js';
import type { WatchRequestSchema } from '@pickscope/protocol/messages';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Recorder } from '../../src/recorder/recorder';
import { openServer, type ListenOptions, type OpenServer } from '../../src/server/listen';
import { describeProcess } from '../../src/server/process';
import { StalledReader, Watcher } from './debugClient';
import { Feed } from './feed';

/** A debug server that tells of a recorder of its own, in a folder of its own, with those that watch it. */
export class Serving {
  readonly feed: Feed;
  private readonly token = randomBytes(32).toString('hex');
  private readonly readers: { close(): void }[] = [];
  private server: OpenServer | undefined;

  private constructor(
    readonly recorder: Recorder,
    /** Its runtime folder. */
    readonly folder: string,
  ) {
    this.feed = new Feed(recorder);
  }

  static async start(options: ListenOptions = {}): Promise<Serving> {
    const serving = new Serving(new Recorder(), mkdtempSync(path.join(tmpdir(), 'ps-')));
    const { PICKSCOPE_RUNTIME_DIR: variable } = process.env;
    process.env.PICKSCOPE_RUNTIME_DIR = serving.folder;
    const instance = randomBytes(16).toString('hex');
    const describe = () => describeProcess(instance, 'cart', ['1.14.0']);
    serving.server = await openServer(grpc, serving.recorder, describe, { token: serving.token, ...options });
    if (variable === undefined) delete process.env.PICKSCOPE_RUNTIME_DIR;
    else process.env.PICKSCOPE_RUNTIME_DIR = variable;
    return serving;
  }

  get past() {
    return this.server!.past;
  }

  /** How to reach it. */
  get access(): { readonly address: string; readonly token: string } {
    return { address: this.server!.address, token: this.token };
  }

  watch(request: MessageInitShape<typeof WatchRequestSchema> = {}): Watcher {
    const { address, token } = this.access;
    const watcher = new Watcher(address, token, request);
    this.readers.push(watcher);
    return watcher;
  }

  /** One that does not read before it is told to. */
  stall(request: MessageInitShape<typeof WatchRequestSchema> = {}): StalledReader {
    const { address, token } = this.access;
    const reader = new StalledReader(address, token, request);
    this.readers.push(reader);
    return reader;
  }

  close(): void {
    for (const reader of this.readers) reader.close();
    this.server?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
