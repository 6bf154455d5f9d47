import { create } from '@bufbuild/protobuf';
import { DropsSchema } from '@pickscope/protocol/messages';
import { encode, numbered } from './batches';
import type { Dropped, WatchSink } from './watch';

/** Who takes the messages of one stream. */
export interface Reader {
  /** Whether it has not taken yet what it was given. */
  readonly full: boolean;
  /** @param message A WatchResponse, encoded. */
  take(message: Uint8Array): void;
  /** It has missed what it cannot do without: the stream ends. */
  abort(): void;
}

/** One stream as its reader gets it: numbers the messages, and adds up what it leaves out. */
export class Outlet implements WatchSink {
  private sequence = 0;
  private picks = 0;
  private completions = 0;

  constructor(private readonly reader: Reader) {}

  get full(): boolean {
    return this.reader.full;
  }

  write(body: Uint8Array): void {
    this.reader.take(numbered(++this.sequence, body));
  }

  drop({ picks, completions, cause }: Dropped): void {
    this.picks += picks;
    this.completions += completions;
    const value = create(DropsSchema, { picks: BigInt(this.picks), completions: BigInt(this.completions), cause });
    this.write(encode({ case: 'drops', value }));
  }

  abort(): void {
    this.reader.abort();
  }
}
