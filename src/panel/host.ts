import type { ToHost, ToPanel } from '../messages/panel';

/** The only door to the extension host. `Kept` is what the panel keeps for itself when it is thrown away. */
export class Host<Kept> {
  private readonly api = acquireVsCodeApi<Kept>();

  post(message: ToHost): void {
    this.api.postMessage(message);
  }

  listen(receive: (message: ToPanel) => void): void {
    // VS Code delivers only the extension's own messages here: the page's frame is closed to others.
    window.addEventListener('message', (event: MessageEvent<ToPanel>) => receive(event.data));
  }

  /** What the panel kept for itself when it was last thrown away. */
  restore(): Kept | undefined {
    return this.api.getState();
  }

  persist(state: Kept): void {
    this.api.setState(state);
  }
}
