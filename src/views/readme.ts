import { commands, Uri, workspace } from 'vscode';

/** Opens the extension's own README. A package has it in lower case, the repository in upper case. */
export async function showReadme(extensionRoot: Uri): Promise<void> {
  const entries = await workspace.fs.readDirectory(extensionRoot);
  const name = entries.map(([entry]) => entry).find((entry) => entry.toLowerCase() === 'readme.md');
  if (name !== undefined) await commands.executeCommand('markdown.showPreview', Uri.joinPath(extensionRoot, name));
}
