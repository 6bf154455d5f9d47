import { basename } from 'node:path';
import { workspace, type Uri, type CustomDocument, type CustomReadonlyEditorProvider, type WebviewPanel } from 'vscode';
import { OpenedRecording, type OpenedRecordingOptions } from '../attachment/openedRecording';
import type { AttachmentView, Frame, Query } from '../messages/panel';
import type { ClientModel } from '../model/clientModel';
import { comparison } from '../model/comparison';
import { damageText } from './failureText';
import type { Panels } from './panels';
import { modelParts, type PanelSource } from './panelSource';

class RecordingDocument implements CustomDocument {
  readonly recording: OpenedRecording;

  constructor(
    readonly uri: Uri,
    options: OpenedRecordingOptions,
  ) {
    this.recording = new OpenedRecording(uri.scheme === 'file' ? { path: uri.fsPath } : bytesOf(uri), options);
  }

  dispose(): void {
    this.recording.close();
  }
}

async function bytesOf(uri: Uri): Promise<{ bytes: Uint8Array }> {
  return { bytes: await workspace.fs.readFile(uri) };
}

/** Shows a recording in an editor tab, in the same panel as a live client. */
export class RecordingEditor implements CustomReadonlyEditorProvider<RecordingDocument> {
  constructor(
    private readonly panels: Panels,
    private readonly options: () => OpenedRecordingOptions,
  ) {}

  openCustomDocument(uri: Uri): RecordingDocument {
    return new RecordingDocument(uri, this.options());
  }

  resolveCustomEditor({ uri, recording }: RecordingDocument, panel: WebviewPanel): void {
    this.panels.open(panel, new RecordingSource(recording, basename(uri.path)));
  }
}

/** What a file tells of a client. */
export class RecordingSource implements PanelSource {
  readonly place = 'recording';
  readonly ages = false;

  constructor(
    private readonly recording: OpenedRecording,
    private readonly file: string,
  ) {}

  modelOf(): ClientModel | undefined {
    return this.recording.model;
  }

  /** Its end is its newest moment, whatever the time is now. */
  atMs(): number {
    return 0;
  }

  version(): number {
    const { model, read } = this.recording;
    return (model?.version ?? 0) + read;
  }

  frame(query: Query, nowMs: number): Frame {
    const { model } = this.recording;
    const attachment = this.#attachmentView();
    const compared = model && comparison({ client: attachment.client, model, live: true }, [], query, nowMs);
    const parts = modelParts(model, query, nowMs);
    return { place: 'recording', attachment, clients: [], ...parts, ...(compared && { comparison: compared }) };
  }

  #attachmentView(): Extract<AttachmentView, { state: 'recording' }> {
    const { model, read, damage } = this.recording;
    const { name = '', pid = 0, folder = '', language = '' } = model?.process ?? {};
    const client = { id: this.file, name, pid, folder, language, attached: false };
    return { state: 'recording', client, file: this.file, read, damage: damage ? damageText(damage) : '' };
  }
}
