import { Buffer } from 'node:buffer';
import process from 'node:process';
import { debug, EventEmitter, l10n, Uri, workspace } from 'vscode';
import type { DebugConfiguration, DebugConfigurationProvider, Disposable, ExtensionContext } from 'vscode';
import { requireOption, variable, withPreload } from './nodeOptions';
import { pickscopeVariable, switchedOn, withPickscope } from './pickscopeVariable';

/** From when this was of Node alone: what was switched on stays on. */
const memoryKey = 'nodeAttachable';

/** Types of debug configurations that start Node: the one that people write, and js-debug's own for it. */
const nodeTypes = ['node', 'pwa-node'];

/** Where a person sets variables for terminals, by platform. */
const terminalSettings = 'terminal.integrated.env';

type Context = Pick<
  ExtensionContext,
  'environmentVariableCollection' | 'extensionUri' | 'globalStorageUri' | 'workspaceState'
>;

/**
 * Makes programs attachable that are started in the integrated terminal or by the debugger. Node programs need no
 * change: the library's preload goes before them by NODE_OPTIONS. Programs that hold the library, as every Go program
 * has to, are switched on by PICKSCOPE. Off until a person switches it on for the workspace.
 */
export class AttachablePrograms implements DebugConfigurationProvider {
  readonly #changed = new EventEmitter<undefined>();
  readonly onDidChange = this.#changed.event;
  /** Path of the preload while switched on. */
  #preload: string | undefined;
  readonly #registered: Disposable[];

  constructor(private readonly context: Context) {
    this.#registered = [
      // Those of "*" are asked last: by then the Go extension has put together what variables its program gets.
      debug.registerDebugConfigurationProvider('*', this),
      workspace.onDidChangeConfiguration((event) => {
        if (this.on && event.affectsConfiguration(terminalSettings)) this.#setVariables();
      }),
    ];
  }

  get on(): boolean {
    return this.#preload !== undefined;
  }

  /** What a person has set PICKSCOPE to for terminals, which stays; null: that it is not to be set; undefined: nothing. */
  get ownValue(): string | null | undefined {
    const own = workspace.getConfiguration(terminalSettings).get<Record<string, string | null>>(platform()) ?? {};
    return Object.hasOwn(own, pickscopeVariable) ? own[pickscopeVariable] : process.env[pickscopeVariable];
  }

  /** As it was left in this workspace. One that is not trusted gets nothing, whatever was switched on before. */
  async restore(): Promise<void> {
    if (workspace.isTrusted && this.context.workspaceState.get<boolean>(memoryKey)) await this.#begin();
    else this.#end();
  }

  /** @throws Error if the preload cannot be put in its place. */
  async set(on: boolean): Promise<void> {
    if (on) await this.#begin();
    else this.#end();
    await this.context.workspaceState.update(memoryKey, on);
  }

  resolveDebugConfigurationWithSubstitutedVariables(_: unknown, configuration: DebugConfiguration): DebugConfiguration {
    if (this.#preload === undefined) return configuration;
    if (configuration.type === 'go') return withPickscope(configuration, process.env[pickscopeVariable]);
    if (!nodeTypes.includes(configuration.type)) return configuration;
    return withPreload(configuration, this.#preload, process.env[variable]);
  }

  dispose(): void {
    for (const each of this.#registered) each.dispose();
    this.#changed.dispose();
  }

  async #begin(): Promise<void> {
    this.#preload = await this.#placePreload();
    this.#setVariables();
    this.#changed.fire(undefined);
  }

  #end(): void {
    this.#preload = undefined;
    this.context.environmentVariableCollection.clear();
    this.#changed.fire(undefined);
  }

  #setVariables(): void {
    const terminals = this.context.environmentVariableCollection;
    terminals.description = l10n.t('Pickscope can attach to Node and Go programs that are started here.');
    terminals.append(variable, ` ${requireOption(this.#preload!)}`);
    if (this.ownValue === undefined) terminals.replace(pickscopeVariable, switchedOn);
    else terminals.delete(pickscopeVariable);
  }

  /**
   * Terminals outlive an update of the extension, whose folder then goes away, and Node does not start where a preload
   * is missing: so it lies in a folder that stays. Written only where it differs, as programs may just be loading it.
   */
  async #placePreload(): Promise<string> {
    const { extensionUri, globalStorageUri } = this.context;
    const placed = Uri.joinPath(globalStorageUri, 'register.cjs');
    const shipped = await workspace.fs.readFile(Uri.joinPath(extensionUri, 'dist', 'preload', 'register.cjs'));
    const present = await workspace.fs.readFile(placed).then(
      (bytes) => bytes,
      () => undefined,
    );
    if (!present || !Buffer.from(present).equals(shipped)) await workspace.fs.writeFile(placed, shipped);
    return placed.fsPath;
  }
}

/** As the setting's name says it. */
function platform(): string {
  if (process.platform === 'win32') return 'windows';
  return process.platform === 'darwin' ? 'osx' : 'linux';
}
