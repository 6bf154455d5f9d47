import path from 'node:path';
import { commands as vscodeCommands, l10n, Uri, window, type Disposable, type LogOutputChannel } from 'vscode';
import type { Attachment } from '../attachment/attachment';
import type { Attachments } from '../attachment/attachments';
import type { KnownClient } from '../attachment/knownClients';
import type { Recorder, Recording } from '../attachment/recorder';
import { commands, recordingExtension, tabs } from '../contributions';
import { plainLabel } from '../views/plainLabel';
import { recordingFailureText } from '../views/failureText';
import type { Panels } from '../views/panels';
import { askFileToWrite } from './fileToWrite';
import { panelFor } from './panel';

export interface RecordingCommandsOptions {
  readonly attachments: Attachments;
  readonly panels: Panels;
  readonly recorder: Recorder;
  readonly log: LogOutputChannel;
}

/** Writing what a client sends to a file, and opening such files. */
export function registerRecordingCommands(options: RecordingCommandsOptions): Disposable[] {
  const { recorder, log } = options;
  recorder.on('failed', (recording, failure) => {
    const reason = recordingFailureText(failure, recording.name);
    log.warn(`The recording ${recording.file} ended: ${reason}`);
    void window.showErrorMessage(l10n.t('{0} is not recorded any more. {1}', plainLabel(recording.name), reason));
  });
  return [
    vscodeCommands.registerCommand(commands.record, (...args: unknown[]) => record(options, args)),
    vscodeCommands.registerCommand(commands.stopRecording, (...args: unknown[]) => stop(options, args)),
    vscodeCommands.registerCommand(commands.openRecording, openRecording),
  ];
}

/** @param args A client, and a file, where a keybinding or another extension names them. */
async function record(options: RecordingCommandsOptions, args: readonly unknown[]): Promise<void> {
  const attachment = attachmentFor(options, args);
  if (!attachment || options.recorder.of(attachment.id)) return;
  const [, named] = args;
  const file = named instanceof Uri ? named.fsPath : await askFile(attachment.identity.name);
  if (file === undefined) return;
  try {
    await options.recorder.start(attachment, file);
  } catch (error) {
    options.log.warn(`The recording ${file} could not begin.`, error);
    const reason = error instanceof Error ? error.message : String(error);
    void window.showErrorMessage(l10n.t('Nothing is recorded: the file cannot be written. ({0})', reason));
  }
}

async function stop(options: RecordingCommandsOptions, args: readonly unknown[]): Promise<void> {
  const { recorder } = options;
  const attachment = attachmentFor(options, args);
  const [only] = recorder.all;
  const client = attachment && recorder.of(attachment.id) ? attachment.id : only?.client;
  const recording = client === undefined ? undefined : await recorder.stop(client);
  if (recording) void offerToOpen(recording);
}

async function offerToOpen({ file }: Recording): Promise<void> {
  const show = l10n.t('Open');
  const chosen = await window.showInformationMessage(l10n.t('Recorded to {0}.', path.basename(file)), show);
  if (chosen === show) await vscodeCommands.executeCommand('vscode.openWith', Uri.file(file), tabs.recording);
}

/** @param chosen A file, where a keybinding or another extension names one. */
async function openRecording(chosen?: unknown): Promise<void> {
  const filters = { [l10n.t('Recordings of Pickscope')]: [recordingExtension] };
  const files = chosen instanceof Uri ? [chosen] : await window.showOpenDialog({ filters, canSelectMany: true });
  for (const file of files ?? []) await vscodeCommands.executeCommand('vscode.openWith', file, tabs.recording);
}

/** Of a tree item, of an id, or else of the panel that the command is for. */
function attachmentFor(
  { attachments, panels }: RecordingCommandsOptions,
  args: readonly unknown[],
): Attachment | undefined {
  // A tree item's element, an id, or whatever a title bar passes on.
  const [client] = args as [KnownClient | string | null | undefined];
  const id = typeof client === 'object' ? client?.id : client;
  if (typeof id === 'string') return attachments.get(id);
  const { source, query } = panelFor(panels, args);
  const named = source.place === 'editor' ? query?.client : undefined;
  return named === undefined ? attachments.selected : attachments.get(named);
}

function askFile(client: string): Promise<string | undefined> {
  return askFileToWrite({
    title: l10n.t('Record {0}', client),
    saveLabel: l10n.t('Record'),
    name: `${fileName(client)}-${timestamp(new Date())}`,
    extension: recordingExtension,
    kind: l10n.t('Recordings of Pickscope'),
  });
}

/** A client's name is untrusted: nothing of a path is left of it. */
function fileName(client: string): string {
  return (
    client
      .replace(/[^\p{L}\p{N}_-]+/gu, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 64) || 'client'
  );
}

/** 20260314-140322, as the reader's clock has it. */
function timestamp(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
