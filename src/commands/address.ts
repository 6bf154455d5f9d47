import { commands as vscodeCommands, l10n, window, type Disposable } from 'vscode';
import { parseAddress } from '../attachment/address';
import type { Attachments } from '../attachment/attachments';
import type { Tokens } from '../attachment/tokens';
import { commands, views } from '../contributions';
import type { Discovery } from '../discovery/discovery';

export interface AddressCommandsOptions {
  readonly attachments: Attachments;
  readonly discovery: Discovery;
  readonly tokens: Tokens;
}

/** Attaching to an address that a person enters, and the token for it. */
export function registerAddressCommands(options: AddressCommandsOptions): Disposable[] {
  return [
    vscodeCommands.registerCommand(commands.enterAddress, () => enterAddress(options)),
    vscodeCommands.registerCommand(commands.enterToken, () => enterTokenAgain(options)),
  ];
}

async function enterAddress({ attachments, discovery, tokens }: AddressCommandsOptions): Promise<void> {
  const address = await askAddress();
  if (address === undefined) return;
  await discovery.scan();
  const client = discovery.clients.find(({ descriptor }) => descriptor.address === address)?.descriptor;
  if (client) attachments.attach({ kind: 'client', client });
  else {
    if ((await tokens.get(address)) === '' && !(await askToken(address, tokens))) return;
    attachments.attach({ kind: 'address', address });
  }
  await vscodeCommands.executeCommand(`${views.picks}.focus`);
}

/** After a wrong token. That of a discovered client is in its descriptor: there is nothing to enter, only to try again. */
async function enterTokenAgain({ attachments, tokens }: AddressCommandsOptions): Promise<void> {
  const { selected } = attachments;
  if (!selected) return;
  const { target } = selected;
  if (target.kind === 'client' || (await askToken(target.address, tokens))) attachments.retry(selected.id);
}

async function askAddress(): Promise<string | undefined> {
  const text = await window.showInputBox({
    title: l10n.t('Attach to Address'),
    prompt: l10n.t('The path of a socket, host:port, or https://host:port for TLS'),
    placeHolder: '127.0.0.1:7700',
    ignoreFocusOut: true,
    validateInput: (value) =>
      parseAddress(value) === undefined
        ? l10n.t(
            'Enter an absolute path of at most 103 bytes, or host:port with a port from 1 to 65535, after https:// where it speaks TLS.',
          )
        : undefined,
  });
  return text === undefined ? undefined : parseAddress(text);
}

/** Whether a token was entered. */
async function askToken(address: string, tokens: Tokens): Promise<boolean> {
  const token = await window.showInputBox({
    title: l10n.t('Token for {0}', address),
    prompt: l10n.t('The value of PICKSCOPE_TOKEN that the client was started with. It is kept in the secret storage.'),
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) =>
      /^[\x21-\x7e]{1,1024}$/.test(value.trim()) ? undefined : l10n.t('A token is made of printable ASCII characters.'),
  });
  if (token === undefined) return false;
  await tokens.set(address, token.trim());
  return true;
}
