import { basename } from 'node:path';
import { l10n } from 'vscode';
import type { Attachment } from '../attachment/attachment';
import type { Attachments } from '../attachment/attachments';
import { knownClients } from '../attachment/knownClients';
import type { Recorder } from '../attachment/recorder';
import type { Discovery } from '../discovery/discovery';
import type { AttachablePrograms } from '../launch/attachablePrograms';
import type { AttachmentView, ClientChoice, Frame, Query } from '../messages/panel';
import type { ClientModel } from '../model/clientModel';
import { comparison, type ComparedClient } from '../model/comparison';
import { software } from '../model/process';
import { attachmentView, clientChoice } from './attachmentView';

/** Where what a panel shows comes from: an attached client, or a recording. */
export interface PanelSource {
  readonly place: Frame['place'];
  /** What knows the answers; undefined: nothing is there. */
  modelOf(query: Query): ClientModel | undefined;
  /** The moment that counts as now where the wall clock says nowMs. */
  atMs(nowMs: number): number;
  frame(query: Query, nowMs: number): Frame;
  /** Another one when a frame for this query may say something else. */
  version(query: Query): number;
  /** Whether ages on display move on, though nothing happens. */
  readonly ages: boolean;
}

/** The part of a frame that a model answers. */
export function modelParts(
  model: ClientModel | undefined,
  query: Query,
  nowMs: number,
): Pick<Frame, 'channels' | 'channel' | 'software' | 'limitations' | 'refusedCalls' | 'reach'> {
  const channel = model?.view(query, nowMs);
  const reach = model?.reach(nowMs);
  return {
    channels: model?.channels(nowMs) ?? [],
    ...(channel && { channel }),
    ...(reach && { reach }),
    software: model?.process ? software(model.process) : '',
    limitations: model?.process?.limitations ?? [],
    refusedCalls: model?.refusedCalls ?? 0,
  };
}

export interface LiveSourceOptions {
  readonly attachments: Attachments;
  readonly discovery: Discovery;
  readonly programs: AttachablePrograms;
  readonly recorder: Recorder;
  /** Counts what else alters frames: clients that come and go, their states, recordings. */
  readonly changes: () => number;
}

/** Attached clients: the one that the query names, else the one that is selected for all panels. */
export class LiveSource implements PanelSource {
  readonly ages = true;
  /** The client of this panel as it was seen last: it may be detached. */
  #last: { readonly client: ClientChoice; readonly detachedMs: number | undefined } | undefined;

  constructor(
    readonly place: 'side' | 'editor',
    private readonly options: LiveSourceOptions,
    /** As the client was called before the window was reloaded. */
    private readonly name = '',
  ) {}

  attachmentOf({ client }: Query): Attachment | undefined {
    const { attachments } = this.options;
    return client === undefined ? attachments.selected : attachments.get(client);
  }

  modelOf(query: Query): ClientModel | undefined {
    return this.attachmentOf(query)?.model;
  }

  atMs(nowMs: number): number {
    return nowMs;
  }

  version(query: Query): number {
    const others = query.compare === 'clients' ? this.options.attachments.all.map(({ model }) => model) : [];
    const models = others.length > 0 ? others : [this.modelOf(query)];
    return models.reduce((sum, model) => sum + (model?.version ?? 0), this.options.changes());
  }

  frame(query: Query, nowMs: number): Frame {
    const { attachments, discovery, recorder } = this.options;
    const attachment = this.attachmentOf(query);
    const recording = attachment && recorder.of(attachment.id);
    const parts = modelParts(attachment?.model, query, nowMs);
    const others = attachments.all.filter((each) => each !== attachment).map(comparedClient);
    const compared = attachment && comparison(comparedClient(attachment), others, query, nowMs);
    return {
      place: this.place,
      attachment: this.#attachmentView(attachment, query, nowMs),
      clients: knownClients(attachments.all, discovery.clients).map(({ id, identity, attachment: attached }) =>
        clientChoice(id, identity, attached !== undefined),
      ),
      ...parts,
      ...(compared && { comparison: compared }),
      ...(recording && {
        recording: { file: basename(recording.file), sinceMs: recording.sinceMs, bytes: recording.bytes },
      }),
      ...keptOf(attachment),
    };
  }

  #attachmentView(attachment: Attachment | undefined, query: Query, nowMs: number): AttachmentView {
    const { client } = query;
    if (client === undefined || attachment) {
      if (attachment)
        this.#last = { client: clientChoice(attachment.id, attachment.identity, false), detachedMs: undefined };
      return attachmentView(attachment, query.untilMs !== undefined, this.options.programs.on, nowMs);
    }
    const last = this.#last?.client.id === client ? this.#last : undefined;
    const gone = last?.client ?? { id: client, name: this.name, pid: 0, folder: '', language: '', attached: false };
    const atMs = last?.detachedMs ?? nowMs;
    this.#last = { client: gone, detachedMs: atMs };
    const reason = l10n.t('This client is not attached any more.');
    return { state: 'lost', client: gone, atMs, reason, nextTryMs: null, tries: 0 };
  }
}

function comparedClient({ id, identity, model, state }: Attachment): ComparedClient {
  return { client: clientChoice(id, identity, true), model, live: state.kind === 'live' };
}

function keptOf(attachment: Attachment | undefined): Pick<Frame, 'kept'> {
  const seconds = attachment?.model.process?.keepSeconds ?? 0;
  if (attachment?.state.kind !== 'live' || seconds === 0) return {};
  return { kept: { seconds, untilMs: attachment.state.sinceMs } };
}
