import type { ToHost, ToPanel } from '../messages/panel';
import type { PersistedState } from './store';

/** The only door to the extension host. */
export class Host {
  private readonly api = acquireVsCodeApi<PersistedState>();

  post(message: ToHost): void {
    this.api.postMessage(message);
  }

  listen(receive: (message: ToPanel) => void): void {
    // VS Code delivers only the extension's own messages here: the page's frame is closed to others.
    window.addEventListener('message', (event: MessageEvent<ToPanel>) => receive(event.data));
  }

  /** What the panel kept for itself when it was last thrown away. */
  restore(): PersistedState | undefined {
    return this.api.getState();
  }

  persist(state: PersistedState): void {
    this.api.setState(state);
  }
}
