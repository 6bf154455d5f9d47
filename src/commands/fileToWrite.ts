import { homedir } from 'node:os';
import { l10n, Uri, window, workspace } from 'vscode';

export interface FileToWrite {
  readonly title: string;
  readonly saveLabel: string;
  /** What is proposed, without its extension. */
  readonly name: string;
  /** Without its dot. */
  readonly extension: string;
  /** What such files are called. */
  readonly kind: string;
}

/** Asks where a file shall be written; undefined: nowhere. It is on this machine's disk, as it may be large, or grow. */
export async function askFileToWrite({
  title,
  saveLabel,
  name,
  extension,
  kind,
}: FileToWrite): Promise<string | undefined> {
  const folder = workspace.workspaceFolders?.[0]?.uri ?? Uri.file(homedir());
  const chosen = await window.showSaveDialog({
    title,
    saveLabel,
    filters: { [kind]: [extension] },
    defaultUri: Uri.joinPath(folder, `${name}.${extension}`),
  });
  if (!chosen || chosen.scheme === 'file') return chosen?.fsPath;
  void window.showErrorMessage(l10n.t('Choose a file on the disk of the machine that Pickscope runs on.'));
  return undefined;
}
