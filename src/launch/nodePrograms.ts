import { Buffer } from 'node:buffer';
import process from 'node:process';
import { debug, EventEmitter, l10n, Uri, workspace } from 'vscode';
import type { DebugConfiguration, DebugConfigurationProvider, Disposable, ExtensionContext } from 'vscode';
import { requireOption, variable, withPreload } from './nodeOptions';

const memoryKey = 'nodeAttachable';

/** Types of debug configurations that start Node: the one that people write, and js-debug's own for it. */
const debugTypes = ['node', 'pwa-node'];

type Context = Pick<
  ExtensionContext,
  'environmentVariableCollection' | 'extensionUri' | 'globalStorageUri' | 'workspaceState'
>;

/**
 * Makes Node programs attachable that are started in the integrated terminal or by the debugger, without a change to
 * them: the library's preload goes before them by NODE_OPTIONS. Off until a person switches it on for the workspace.
 */
export class NodePrograms implements DebugConfigurationProvider {
  readonly #changed = new EventEmitter<undefined>();
  readonly onDidChange = this.#changed.event;
  /** Path of the preload while switched on. */
  #preload: string | undefined;
  readonly #registered: Disposable[];

  constructor(private readonly context: Context) {
    this.#registered = debugTypes.map((type) => debug.registerDebugConfigurationProvider(type, this));
  }

  get on(): boolean {
    return this.#preload !== undefined;
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
    return this.#preload === undefined
      ? configuration
      : withPreload(configuration, this.#preload, process.env[variable]);
  }

  dispose(): void {
    for (const each of this.#registered) each.dispose();
    this.#changed.dispose();
  }

  async #begin(): Promise<void> {
    this.#preload = await this.#placePreload();
    const terminals = this.context.environmentVariableCollection;
    terminals.description = l10n.t('Pickscope can attach to Node programs that are started here.');
    terminals.append(variable, ` ${requireOption(this.#preload)}`);
    this.#changed.fire(undefined);
  }

  #end(): void {
    this.#preload = undefined;
    this.context.environmentVariableCollection.clear();
    this.#changed.fire(undefined);
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
