import { randomBytes } from 'node:crypto';
import { Uri, type Webview } from 'vscode';

/** The page that loads the panel: nothing but our own script and style sheet. */
export function panelHtml(webview: Webview, extensionRoot: Uri, language: string): string {
  const nonce = randomBytes(16).toString('base64');
  const source = (name: string) => webview.asWebviewUri(Uri.joinPath(extensionRoot, 'dist', name)).toString();
  return `<!DOCTYPE html>
<html lang="${/^[\w-]+$/.test(language) ? language : 'en'}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy"
    content="default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${source('panel.css')}">
  <title>Pickscope</title>
</head>
<body>
  <script nonce="${nonce}" src="${source('panel.js')}"></script>
</body>
</html>`;
}
