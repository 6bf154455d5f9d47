import type { EventRow, State } from '../messages/panel';
import { button, capped, element, foreign, setAttribute, setChildren, setText, show } from './dom';
import { count, timeOfDay } from './format';
import { icon, type IconName } from './glyphs';
import { t } from './l10n';
import type { Store } from './store';
import './events.css';

/** Resolver updates, generations, changes of state with their errors: newest first. */
export class Events {
  readonly element = element('section', 'events');
  private readonly toggle: HTMLButtonElement;
  private readonly latest = element('span', 'muted latest');
  private readonly list = element('ol');
  private readonly rows = new Map<number, HTMLElement>();

  constructor(private readonly store: Store) {
    this.toggle = button('section-toggle', () => store.toggleSection('events'), icon('chevron'), t('Events'));
    this.element.append(element('div', 'section-head', this.toggle, this.latest), this.list);
  }

  render(): void {
    const { channel, open } = this.store;
    const events = channel?.events ?? [];
    show(this.element, events.length > 0);
    setAttribute(this.toggle, 'aria-expanded', String(open.events));
    show(this.list, open.events);
    show(this.latest, !open.events);
    const [newest] = events;
    if (newest && !open.events) setText(this.latest, `${timeOfDay(newest.timeMs)} ${wordsOf(newest).text}`);
    if (open.events) this.renderRows(events);
  }

  private renderRows(events: readonly EventRow[]): void {
    const present = new Set(events.map(({ key }) => key));
    for (const key of this.rows.keys()) if (!present.has(key)) this.rows.delete(key);
    setChildren(
      this.list,
      events.map((event) => {
        let row = this.rows.get(event.key);
        if (!row) this.rows.set(event.key, (row = eventRow(event)));
        return row;
      }),
    );
  }
}

interface Words {
  readonly glyph: IconName;
  readonly red?: boolean;
  readonly text: string;
  /** What the client said of it. */
  readonly error?: string;
}

function eventRow(event: EventRow): HTMLElement {
  const { glyph, red = false, text, error = '' } = wordsOf(event);
  return element(
    'li',
    red ? 'red-event' : '',
    element('time', 'muted', timeOfDay(event.timeMs)),
    icon(glyph, red ? 'red' : 'muted'),
    element(
      'span',
      'text',
      foreign(text),
      error === '' ? null : foreign(error, { class: 'error muted', title: capped(error, 2000) }),
    ),
  );
}

function wordsOf(event: EventRow): Words {
  switch (event.kind) {
    case 'resolver':
      return resolverWords(event);
    case 'generation':
      return generationWords(event);
    case 'endpointState':
    case 'subconnState':
      return stateWords(event);
    case 'endpointAdded':
      return { glyph: 'dot', text: t('{0} added', capped(event.address, 80)) };
    case 'endpointRemoved':
      return { glyph: 'ring', text: t('{0} removed', capped(event.address, 80)) };
    case 'channelState':
      return { glyph: glyphOf(event.to), red: isFailure(event.to), text: t('channel {0} → {1}', event.from, event.to) };
    case 'policy':
      return { glyph: 'dot', text: t('policy {0}', capped(event.path.join(' › '), 160)), error: event.note };
    case 'restart':
      return { glyph: 'warning', text: t('the client restarted, pid {0}', event.pid) };
    case 'drops':
      return {
        glyph: 'warning',
        text: t('{0} picks and {1} completions dropped', count(event.picks), count(event.completions)),
      };
  }
}

function resolverWords(event: Extract<EventRow, { kind: 'resolver' }>): Words {
  if (event.error !== '') return { glyph: 'cross', red: true, text: t('resolver failed'), error: event.error };
  const shown = event.addresses
    .slice(0, 6)
    .map((address) => capped(address, 60))
    .join(', ');
  const more = event.count > 6 ? ', …' : '';
  return { glyph: 'dot', text: t('resolver: {0} addresses', count(event.count)), error: `${shown}${more}` };
}

function generationWords(event: Extract<EventRow, { kind: 'generation' }>): Words {
  const cause = {
    resolverUpdate: () => t('resolver update'),
    endpointReady: () => t('an endpoint became READY'),
    endpointNotReady: () => t('an endpoint left READY'),
    unknown: () => '',
  }[event.cause]();
  const text = t('generation {0}, {1} ready', event.generation, event.ready);
  const notes = [cause, event.historyLost ? t('history lost') : ''].filter(Boolean).join(', ');
  return { glyph: 'diamond', text, error: notes };
}

function stateWords(event: Extract<EventRow, { kind: 'endpointState' | 'subconnState' }>): Words {
  const address = capped(event.address, 80);
  const text =
    event.kind === 'endpointState'
      ? t('{0} {1} → {2}', address, event.from, event.to)
      : t('subconn {0} {1} → {2}', address, event.from, event.to);
  return { glyph: glyphOf(event.to), red: isFailure(event.to), text, error: event.error };
}

function isFailure(state: State): boolean {
  return state === 'TRANSIENT_FAILURE';
}

function glyphOf(state: State): IconName {
  if (state === 'READY') return 'tick';
  return isFailure(state) ? 'bareCross' : 'ring';
}
