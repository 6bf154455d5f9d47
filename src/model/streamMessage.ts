import type { CompletionBatch, PickBatch, WatchResponse } from '@pickscope/protocol/messages';

/** A batch whose columns are read by index only: arrays, as protobuf-es makes them, or typed arrays. */
type InColumns<Batch> = {
  readonly [Name in Exclude<keyof Batch, '$typeName' | '$unknown'>]: Batch[Name] extends readonly boolean[]
    ? ArrayLike<boolean | number>
    : Batch[Name] extends readonly number[]
      ? ArrayLike<number>
      : Batch[Name];
};

export type PickColumns = InColumns<PickBatch>;
export type CompletionColumns = InColumns<CompletionBatch>;

/** A message of a stream or a recording, however it was decoded. A WatchResponse is one. */
export interface StreamMessage {
  readonly sequence: number;
  readonly body:
    | Exclude<WatchResponse['body'], { case: 'picks' | 'completions' }>
    | { readonly case: 'picks'; readonly value: PickColumns }
    | { readonly case: 'completions'; readonly value: CompletionColumns };
}
