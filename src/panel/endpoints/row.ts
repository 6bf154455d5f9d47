import type { ChannelView, EndpointRow, State } from '../../messages/panel';
import { button, capped, element, foreign, setAttribute, setChildren, setStyle, setText, show } from '../dom';
import { age, briefAge } from '../format';
import { icon, key } from '../glyphs';
import { t } from '../l10n';
import type { Looks } from '../looks';
import type { Store } from '../store';
import { columns } from './columns';
import type { Reading } from './reading';
import { Sparkline } from './sparkline';

/** At and below it go-zero's p2c_ewma holds an endpoint for unhealthy. */
const throttleSuccess = 500;

/** What all rows of a frame have in common. */
export interface TableScene {
  readonly channel: ChannelView;
  readonly looks: Looks;
  /** The share that fills a bar. */
  readonly scale: number;
  /** The equal share; 0: no endpoint is READY. */
  readonly fair: number;
  /** The moment that is read out is not now. */
  readonly past: boolean;
  /** Those that came later are new. */
  readonly newSinceMs: number;
}

export type Control = 'key' | 'name' | 'why';

/** A row of the table, which shows one endpoint after the other. */
export class EndpointTableRow {
  readonly element = element('tr', { role: 'row' });
  readonly sparkline = new Sparkline();
  readonly controls: Readonly<Record<Control, HTMLButtonElement>>;
  private readonly label = foreign('');
  private readonly newAge = element('span', 'new-age');
  private readonly fresh = element('span', 'new', element('span', 'new-word', ` ${t('new')}`), this.newAge);
  private readonly bar = element('span', 'bar');
  private readonly tick = element('span', 'fair-tick');
  private readonly numbers = new Map(columns.map(({ name }) => [name, element('td', { class: name, role: 'cell' })]));
  private readonly state = element('td', { class: 'state', role: 'cell' });
  private readonly stateWord = element('span', 'word');
  private readonly stateAge = element('span', 'age');
  private readonly stateIcon = element('span', 'state-icon');
  private drawnLook = '';
  private endpoint: EndpointRow | undefined;

  constructor(private readonly store: Store) {
    this.controls = {
      key: button('key-button', () => this.endpoint && store.toggleLine(this.endpoint.slot)),
      name: button('name-button', () => this.toggleFilter(), this.label),
      why: button('why', () => this.ask(), t('why?')),
    };
    const { key: line, name, why } = this.controls;
    this.state.append(element('span', 'not-ready', this.stateWord, this.stateAge), this.stateIcon, why);
    this.element.append(
      element('td', { class: 'key', role: 'cell' }, line, this.bar, this.tick),
      element('th', { class: 'name', scope: 'row', role: 'rowheader' }, name, this.fresh),
      element('td', { class: 'trend', role: 'cell' }),
      ...this.numbers.values(),
      this.state,
    );
    this.element.children[2]!.append(this.sparkline.element);
    this.element.addEventListener('pointerenter', () => store.setHover({ endpoint: this.endpoint?.id ?? null }));
    this.element.addEventListener('pointerleave', () => store.setHover({ endpoint: null }));
    this.element.addEventListener('click', ({ target }) => {
      if (!(target as Element).closest('button')) this.toggleFilter();
    });
  }

  /** Why it was taken, and why not; asked again, the answer is closed. */
  ask(): void {
    const { id } = this.endpoint ?? {};
    if (id !== undefined) this.store.askWhy(this.store.query.ask === id ? null : id);
  }

  private toggleFilter(): void {
    if (this.endpoint) this.store.toggleWord(wordOf(this.endpoint.label));
  }

  /** Only one row's controls are in the order of the tab key: the others are reached with the arrows. */
  setTabbable(tabbable: boolean): void {
    const tabIndex = tabbable ? 0 : -1;
    for (const control of Object.values(this.controls)) if (control.tabIndex !== tabIndex) control.tabIndex = tabIndex;
  }

  render(endpoint: EndpointRow, reading: Reading, scene: TableScene): void {
    this.renderName(endpoint, scene);
    this.renderCounters(endpoint);
    this.endpoint = endpoint;
    const ready = reading.state === 'READY';
    if (this.element.classList.contains('absent') === ready) this.element.classList.toggle('absent', !ready);
    this.renderNumbers(reading, scene.channel.atMs);
    this.renderState(endpoint, reading, scene);
    const part = (share: number) => `${(Math.min(1, share / scene.scale) * 100).toFixed(2)}%`;
    setStyle(this.bar, 'width', part(reading.share ?? 0));
    show(this.tick, scene.fair > 0);
    setStyle(this.tick, 'left', part(scene.fair));
  }

  private renderName(endpoint: EndpointRow, scene: TableScene): void {
    const { store } = this;
    const { key: line, name, why } = this.controls;
    const look = scene.looks.of(endpoint.id);
    const hidden = store.hiddenSlots.has(endpoint.slot);
    const selected = store.words.includes(wordOf(endpoint.label));
    const asked = store.query.ask === endpoint.id;
    const signature = JSON.stringify([look, hidden, selected, asked, endpoint.label, endpoint.addresses]);
    this.renderNew(endpoint, scene);
    if (signature === this.drawnLook && this.endpoint?.id === endpoint.id) return;
    this.drawnLook = signature;
    const label = capped(endpoint.label);
    setChildren(line, [key(look)]);
    this.element.className = look.colour === null ? 'series-other' : `series-${look.colour}`;
    for (const [className, on] of Object.entries({ 'line-off': hidden, selected, asked }))
      this.element.classList.toggle(className, on);
    setText(this.label, label);
    setAttribute(name, 'title', capped(endpoint.addresses.join('\n')));
    setAttribute(name, 'aria-pressed', String(selected));
    setAttribute(line, 'aria-pressed', String(!hidden));
    setAttribute(line, 'aria-label', t('Line of {0} in the charts', label));
    setAttribute(why, 'aria-label', t('Why {0}, and why not?', label));
    setAttribute(why, 'aria-pressed', String(asked));
    setAttribute(this.element, 'data-vscode-context', menuContext(endpoint.id));
  }

  /** A quiet sign with its age. */
  private renderNew({ addedMs }: EndpointRow, { channel: { atMs }, newSinceMs }: TableScene): void {
    const isNew = addedMs !== null && addedMs > newSinceMs && addedMs <= atMs;
    show(this.fresh, isNew);
    if (!isNew) return;
    setText(this.newAge, ` ${briefAge(atMs - addedMs)}`);
    setAttribute(this.fresh, 'title', t('Known for {0}', age(atMs - addedMs)));
  }

  /** The exact counters, for whoever reads the panel by machine; there is no room for them in a row. */
  private renderCounters({ id, addresses, picks, started, neverStarted, failures }: EndpointRow): void {
    const counters = {
      id,
      addresses: capped(addresses.join(' '), 2000),
      picks,
      started,
      'never-started': neverStarted,
      failures,
    };
    for (const [name, value] of Object.entries(counters)) setAttribute(this.element, `data-${name}`, String(value));
  }

  private renderNumbers(reading: Reading, atMs: number): void {
    for (const { name, value, text } of columns) {
      const cell = this.numbers.get(name)!;
      const number = value(reading);
      const shown = number === null ? '' : text(number, atMs);
      const warns = number !== null && isWrong(name, number);
      if (cell.classList.contains('red') !== warns) {
        setText(cell, '');
        cell.classList.toggle('red', warns);
      }
      if (!warns) setText(cell, shown);
      else if (cell.textContent !== shown) setChildren(cell, [icon('warning'), document.createTextNode(shown)]);
    }
    // A narrow table has no room for the column.
    const peak = this.numbers.get('peak')!.textContent;
    setAttribute(this.numbers.get('lag')!, 'title', peak === '' ? null : t('Peak {0} ms', peak));
  }

  private renderState(endpoint: EndpointRow, { state, stateSinceMs }: Reading, { channel, past }: TableScene): void {
    const ready = state === 'READY';
    const failing = isFailing(state);
    setText(this.stateWord, ready ? '' : state);
    setText(this.stateAge, ready || stateSinceMs === null ? '' : briefAge(channel.atMs - stateSinceMs));
    if (this.state.classList.contains('red') !== failing) this.state.classList.toggle('red', failing);
    const error = past ? '' : endpoint.error;
    setAttribute(this.state, 'title', capped([state, error].filter(Boolean).join(': ')));
    if (this.stateIcon.dataset.state === state) return;
    this.stateIcon.dataset.state = state;
    setChildren(this.stateIcon, [
      icon(ready ? 'tick' : failing ? 'cross' : 'ring'),
      ...(ready ? [element('span', 'sr-only', state)] : []),
    ]);
  }
}

export function isFailing(state: State): boolean {
  return state === 'TRANSIENT_FAILURE' || state === 'SHUTDOWN';
}

function isWrong(column: string, value: number): boolean {
  return (column === 'success' && value <= throttleSuccess) || (column === 'failures' && value > 0);
}

/** The endpoint as a word of the filter: in quotation marks where it would mean something else. */
function wordOf(label: string): string {
  const plain = /^[^\s"|<>-][^\s"|]*$/.test(label);
  return plain ? label : `"${label.replaceAll('"', '')}"`;
}

/** For VS Code's own context menu. */
function menuContext(endpoint: number): string {
  return JSON.stringify({ webviewSection: 'endpoint', endpoint, preventDefaultContextMenuItems: true });
}
