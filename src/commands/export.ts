import path from 'node:path';
import {
  commands as vscodeCommands,
  env,
  l10n,
  ProgressLocation,
  Uri,
  window,
  type Disposable,
  type LogOutputChannel,
  type QuickPickItem,
} from 'vscode';
import { writeBytes } from '../attachment/privateFile';
import { writeLines } from '../attachment/textFile';
import { commands } from '../contributions';
import type { Redaction } from '../messages/panel';
import type { PanelHost } from '../views/panelHost';
import type { Panels } from '../views/panels';
import { askFileToWrite } from './fileToWrite';
import { panelFor } from './panel';

type Format = 'csv' | 'jsonl';

/** What a panel shows, to a file for others to read. */
export function registerExportCommands(panels: Panels, log: LogOutputChannel): Disposable[] {
  const guarded =
    (run: (panel: PanelHost) => Promise<void>) =>
    async (...args: unknown[]) => {
      try {
        await run(panelFor(panels, args));
      } catch (error) {
        log.error('An export failed.', error);
        void window.showErrorMessage(
          l10n.t('Nothing is exported: {0}', error instanceof Error ? error.message : String(error)),
        );
      }
    };
  return [
    vscodeCommands.registerCommand(commands.exportPicks, guarded(exportPicks)),
    vscodeCommands.registerCommand(commands.exportPicture, guarded(exportPicture)),
  ];
}

async function exportPicks(panel: PanelHost): Promise<void> {
  const { model, query, source } = panel;
  if (!model || !query) return;
  // As it is when the command is given: a live view goes on.
  const nowMs = source.atMs(Date.now());
  const shown = { ...query, untilMs: query.untilMs ?? model.reach(nowMs)?.toMs };
  const format = await askFormat();
  const redaction = format && (await askRedaction());
  if (!redaction) return;
  const kind = format === 'csv' ? l10n.t('CSV') : l10n.t('JSON lines');
  const file = await askFileToWrite({ ...exporting(), name: 'picks', extension: format, kind });
  if (!file) return;
  const options = { location: ProgressLocation.Notification, title: l10n.t('Exporting picks'), cancellable: true };
  const written = await window.withProgress(options, (progress, cancelled) =>
    writeLines(model.exportPicks(shown, nowMs, format, redaction), file, {
      isCancelled: () => cancelled.isCancellationRequested,
      onProgress: (count) => progress.report({ message: count.toLocaleString(env.language) }),
    }),
  );
  if (written === undefined) return;
  const count = format === 'csv' ? Math.max(0, written - 1) : written;
  await offerToOpen(file, count === 1 ? l10n.t('1 pick written.') : l10n.t('{0} picks written.', count));
}

async function exportPicture(panel: PanelHost): Promise<void> {
  const redaction = await askRedaction();
  if (!redaction) return;
  const png = await panel.picture(redaction);
  const file = await askFileToWrite({ ...exporting(), name: 'pickscope', extension: 'png', kind: l10n.t('Pictures') });
  if (!file) return;
  await writeBytes(png, file);
  await offerToOpen(file, l10n.t('Picture written.'));
}

async function askFormat(): Promise<Format | undefined> {
  const items: (QuickPickItem & { format: Format })[] = [
    { label: l10n.t('CSV'), detail: l10n.t('One row a pick, for spreadsheets'), format: 'csv' },
    {
      label: l10n.t('JSON lines'),
      detail: l10n.t('One object a pick with all of its candidates, for programs'),
      format: 'jsonl',
    },
  ];
  return (await window.showQuickPick(items, { title: l10n.t('Export Picks') }))?.format;
}

async function askRedaction(): Promise<Redaction | undefined> {
  const addresses = { label: l10n.t('Addresses'), detail: l10n.t('“endpoint 1” in their place, and no targets') };
  const methods = { label: l10n.t('Methods'), detail: l10n.t('“method 1” in their place') };
  const chosen = await window.showQuickPick([addresses, methods], {
    title: l10n.t('Leave out'),
    placeHolder: l10n.t('What must not leave this machine; nothing, if none is chosen'),
    canPickMany: true,
  });
  return chosen && { addresses: chosen.includes(addresses), methods: chosen.includes(methods) };
}

function exporting() {
  return { title: l10n.t('Export'), saveLabel: l10n.t('Export') };
}

async function offerToOpen(file: string, said: string): Promise<void> {
  const open = l10n.t('Open File');
  const chosen = await window.showInformationMessage(`${path.basename(file)}: ${said}`, open);
  if (chosen === open) await vscodeCommands.executeCommand('vscode.open', Uri.file(file));
}
