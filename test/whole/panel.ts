import type { Reason } from '../../src/messages/panel';
import type { FrameLocator, Locator } from '../host/workbench.mjs';

export interface ShownEndpoint {
  readonly address: string;
  readonly picks: number;
  readonly started: number;
  readonly neverStarted: number;
  readonly failures: number;
}

export interface ShownPick {
  readonly reason: Reason;
  /** Loads as they are written in the list, in the order drawn, and whether each is marked as chosen. */
  readonly candidates: readonly { readonly load: string; readonly chosen: boolean }[];
}

/** What a person sees in the panel, read off its document. */
export class ShownPanel {
  constructor(readonly frame: FrameLocator) {}

  /** The header's state: live, lost, refused, connecting. */
  state(name: string): Locator {
    return this.frame.locator(`.header button.state[data-state="${name}"]`);
  }

  text(text: string | RegExp): Locator {
    return this.frame.getByText(text).filter({ visible: true }).first();
  }

  get client(): Locator {
    return this.frame.locator('.header .chooser .chosen').first();
  }

  async openEvents(): Promise<void> {
    const closed = this.frame.locator('.events .section-toggle[aria-expanded="false"]');
    if ((await closed.count()) > 0) await closed.click();
  }

  endpoints(): Promise<ShownEndpoint[]> {
    return this.frame.locator('.endpoints tbody tr').evaluateAll((all) =>
      all.map((row) => ({
        address: row.getAttribute('data-addresses') ?? '',
        picks: Number(row.getAttribute('data-picks')),
        started: Number(row.getAttribute('data-started')),
        neverStarted: Number(row.getAttribute('data-never-started')),
        failures: Number(row.getAttribute('data-failures')),
      })),
    );
  }

  picks(): Promise<ShownPick[]> {
    return this.frame.locator('.picks tbody tr[data-key]').evaluateAll((rows) =>
      rows.map((row) => ({
        reason: row.getAttribute('data-reason') as Reason,
        candidates: [...row.querySelectorAll('td.a, td.b')].map((cell) => ({
          load: cell.querySelector('.number')?.textContent ?? '',
          chosen: cell.classList.contains('chosen'),
        })),
      })),
    );
  }
}
