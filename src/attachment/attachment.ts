import { ClientModel } from '../model/clientModel';
import { Connection, type ConnectionOptions } from './connection';
import { idOf, type Target } from './target';

export interface AttachmentOptions extends ConnectionOptions {
  readonly pickBudgetBytes: number;
  /** By which it was known before the window was reloaded. */
  readonly id?: string;
}

/** One attached client: a connection that feeds a model. */
export class Attachment extends Connection {
  /** Stable as long as it is attached, across restarts of the client and reloads of the window. */
  readonly id: string;
  readonly model: ClientModel;

  constructor(target: Target, options: AttachmentOptions, lostMs?: number) {
    const model = new ClientModel({ pickBudgetBytes: options.pickBudgetBytes });
    super(target, model, options, lostMs);
    this.id = options.id ?? idOf(target);
    this.model = model;
  }
}
