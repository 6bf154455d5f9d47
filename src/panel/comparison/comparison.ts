import type { ComparedCell, ComparedChannel, ComparedEndpoint, Comparison, Frame } from '../../messages/panel';
import { button, capped, element, foreign, setAttribute, setChildren, setStyle, setText, show } from '../dom';
import { count, percent, rate, threeDigits } from '../format';
import { icon, isFailing, mark, stateIcon } from '../glyphs';
import { t } from '../l10n';
import { lookOf } from '../looks';
import { describeTerm } from '../terms';
import type { Store } from '../store';
import { Trend } from './trend';
import './comparison.css';

/** The same endpoints as several channels see them: an endpoint a row, a channel a column. */
export class ComparisonView {
  readonly element = element('section', 'comparison');
  private readonly title = element('h2');
  private readonly subtitle = element('p', 'muted small');
  private readonly kinds: Readonly<Record<'clients' | 'channels', HTMLButtonElement>>;
  private readonly nothing: HTMLElement;
  private readonly nothingText = element('p', 'muted');
  private readonly head = element('tr', { role: 'row' });
  private readonly body = element('tbody', { role: 'rowgroup' });
  private readonly scroller: HTMLElement;
  private readonly noRoom = element('p', 'muted small no-room');
  private readonly rows = new Map<string, Row>();
  private drawnHead = '';

  constructor(private readonly store: Store) {
    const close = t('Close the comparison (Esc)');
    this.kinds = {
      clients: button('kind', () => store.compare('clients'), t('Other clients')),
      channels: button('kind', () => store.compare('channels'), t('All channels')),
    };
    this.nothing = element(
      'div',
      'empty',
      this.nothingText,
      button('primary', () => store.compare(undefined), t('Back to the Channel')),
    );
    // Roles are said, since styles that stack the cells of a narrow table would take them from it.
    const table = element('table', { role: 'table', 'aria-label': t('Endpoints as each channel sees them') });
    table.append(element('thead', { role: 'rowgroup' }, this.head), this.body);
    this.scroller = element(
      'div',
      { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': t('Comparison') },
      table,
    );
    this.element.append(
      element(
        'div',
        'heading',
        this.title,
        element('span', { class: 'kinds', role: 'group', 'aria-label': t('Compare') }, ...Object.values(this.kinds)),
        button(
          { class: 'icon-button', 'aria-label': close, title: close },
          () => store.compare(undefined),
          icon('close'),
        ),
      ),
      this.subtitle,
      this.scroller,
      this.noRoom,
      this.nothing,
    );
  }

  render(): void {
    const { frame, query } = this.store;
    const shown = frame !== undefined && query.compare !== undefined && frame.attachment.state !== 'none';
    show(this.element, shown);
    if (!shown) return;
    for (const [kind, made] of Object.entries(this.kinds))
      setAttribute(made, 'aria-pressed', String(kind === query.compare));
    show(this.kinds.clients, frame.place !== 'recording');
    const { comparison } = frame;
    const comparable = comparison !== undefined;
    const noRoom = comparable ? noRoomText(comparison) : '';
    show(this.noRoom, noRoom !== '');
    setText(this.noRoom, noRoom);
    show(this.scroller, comparable);
    show(this.subtitle, comparable);
    show(this.nothing, !comparable);
    setText(this.title, query.compare === 'channels' ? t('All channels') : t('Clients side by side'));
    if (comparable) this.renderTable(frame, comparison);
    else setText(this.nothingText, nothingToCompare(frame, query.compare));
  }

  private renderTable(frame: Frame, { columns, rows }: Comparison): void {
    const differ = differences(columns);
    const shared = [differ.target ? '' : capped(columns[0]!.target), differ.policy ? '' : capped(columns[0]!.policy)];
    setText(this.subtitle, shared.filter((each) => each !== '').join(' · '));
    this.renderHead(frame, columns, differ);
    const names = columns.map((column) => briefName(column, differ));
    for (const row of rows) this.rowOf(row).render(row, names);
    const present = new Set(rows.map(keyOf));
    for (const key of this.rows.keys()) if (!present.has(key)) this.rows.delete(key);
    setChildren(
      this.body,
      rows.map((row) => this.rowOf(row).element),
    );
  }

  private rowOf(row: ComparedEndpoint): Row {
    const key = keyOf(row);
    let made = this.rows.get(key);
    if (!made) this.rows.set(key, (made = new Row()));
    return made;
  }

  /** Made anew where other channels are compared; else only its numbers change. */
  private renderHead(frame: Frame, columns: readonly ComparedChannel[], differ: Differences): void {
    const own = ({ client, channel }: ComparedChannel) =>
      frame.attachment.state !== 'none' && client.id === frame.attachment.client.id && channel === frame.channel?.id;
    const signature = JSON.stringify([
      columns.map((each) => [each.client, each.channel, each.target, own(each)]),
      differ,
    ]);
    if (signature !== this.drawnHead) {
      this.drawnHead = signature;
      setChildren(this.head, [
        element('th', { scope: 'col', role: 'columnheader', class: 'corner' }, t('endpoint')),
        ...columns.map((column) => this.columnHead(column, differ, own(column))),
      ]);
    }
    for (const [index, column] of columns.entries()) renderFigures(this.head.children[index + 1]!, column);
  }

  private columnHead(column: ComparedChannel, differ: Differences, own: boolean): HTMLTableCellElement {
    const { client, channel } = column;
    const names = [
      differ.client ? foreign(`${client.name}${client.pid === 0 ? '' : ` ${client.pid}`}`, { class: 'name' }) : null,
      differ.target ? foreign(column.target, { class: differ.client ? 'muted' : 'name' }) : null,
      differ.policy ? foreign(column.policy, { class: 'muted' }) : null,
    ];
    const fairness = element('span', 'fairness');
    describeTerm(fairness, 'fairness');
    return element(
      'th',
      { scope: 'col', role: 'columnheader', ...(own && { class: 'own', 'aria-current': 'true' }) },
      button(
        { class: 'channel', title: capped(`${client.folder} · ${client.language}\n${column.target}`) },
        () => this.store.chooseClient(client.id, channel),
        ...names,
        own ? element('span', 'muted shown-here', t('shown here')) : null,
      ),
      element('span', 'figures muted', element('span', 'rate'), fairness),
    );
  }
}

/** What tells the columns apart, and so has to be said in each. */
interface Differences {
  readonly client: boolean;
  readonly name: boolean;
  readonly target: boolean;
  readonly policy: boolean;
}

function differences(columns: readonly ComparedChannel[]): Differences {
  const several = (of: (column: ComparedChannel) => string) => new Set(columns.map(of)).size > 1;
  return {
    client: several(({ client }) => client.id),
    name: several(({ client }) => client.name),
    target: several(({ target }) => target),
    policy: several(({ policy }) => policy),
  };
}

/** What a screen has no room for is not sent, either. */
function noRoomText({ columnsLeftOut, rowsLeftOut }: Comparison): string {
  const columns = columnsLeftOut > 0 ? t('Channels: {0} more have no room here', count(columnsLeftOut)) : '';
  const rows = rowsLeftOut > 0 ? t('Endpoints: {0} more have no room here', count(rowsLeftOut)) : '';
  return [columns, rows].filter((each) => each !== '').join(' · ');
}

/** Of processes of one program, the number tells them apart. */
function briefName({ client, target }: ComparedChannel, differ: Differences): string {
  const name = differ.name ? client.name : differ.client ? String(client.pid) : '';
  return [name, differ.target ? target : ''].filter(Boolean).join(' ');
}

function renderFigures(head: Element, { fairness, live, picksPerSecond }: ComparedChannel): void {
  head.classList.toggle('lost', !live);
  setText(head.querySelector('.rate')!, live ? t('{0} picks/s', rate(picksPerSecond)) : t('Lost'));
  setText(head.querySelector('.fairness')!, fairness === null ? '' : t('fairness {0}', fairness.toFixed(2)));
}

function nothingToCompare({ attachment, channel }: Frame, compare: 'clients' | 'channels' | undefined): string {
  if (compare === 'channels') return t('This client has no other channel to compare with.');
  const target = channel?.target ?? (attachment.state === 'none' ? '' : attachment.client.name);
  return t(
    'No other attached client has a channel to {0}. Attach to one that has, and it shows up here.',
    capped(target),
  );
}

function keyOf({ addresses }: ComparedEndpoint): string {
  return addresses.join(' ');
}

/** An endpoint, and how each channel does with it. */
class Row {
  readonly element = element('tr', { role: 'row' });
  private readonly name = element('th', { scope: 'row', role: 'rowheader' });
  private cells: Cell[] = [];
  private drawn = '';

  render({ label, slot, addresses, cells }: ComparedEndpoint, columns: readonly string[]): void {
    const signature = JSON.stringify([label, slot, columns]);
    if (signature !== this.drawn) {
      this.drawn = signature;
      const look = lookOf(slot);
      this.element.className = `series-${look.colour}`;
      setChildren(
        this.name,
        [mark(look, true), ' ', foreign(label)].map((part) => node(part)),
      );
      setAttribute(this.name, 'title', capped(addresses.join('\n')));
      this.cells = columns.map((column) => new Cell(column));
      setChildren(this.element, [this.name, ...this.cells.map((cell) => cell.element)]);
    }
    // One scale for all columns: the bars of a row are compared with each other.
    for (const [index, cell] of cells.entries()) this.cells[index]!.render(cell);
  }
}

function node(part: Node | string): Node {
  return typeof part === 'string' ? document.createTextNode(part) : part;
}

class Cell {
  readonly element = element('td', { role: 'cell' });
  private readonly share = element('span', 'share');
  private readonly bar = element('span', 'bar');
  private readonly tick = element('span', 'fair-tick');
  private readonly lag = element('span', 'lag');
  private readonly state = element('span', 'state');
  private readonly trend = new Trend();
  private drawnState = '';

  /** @param column is said in the cell where the table is too narrow for columns. */
  constructor(column: string) {
    const of = foreign(column, { class: 'of muted', 'aria-hidden': 'true' });
    const scale = element('span', { class: 'scale', 'aria-hidden': 'true' }, this.bar, this.tick);
    this.element.append(element('div', 'cell', of, this.share, this.lag, this.state, scale, this.trend.element));
  }

  render(cell: ComparedCell | null): void {
    this.element.classList.toggle('unknown', cell === null);
    this.renderState(cell);
    const ready = cell?.state === 'READY';
    setText(this.share, ready && cell.share !== null ? `${percent(cell.share)} %` : cell === null ? '–' : '');
    setText(this.lag, ready && cell.lagMs !== null ? t('{0} ms', threeDigits(cell.lagMs)) : '');
    setStyle(this.bar, 'width', `${((ready ? (cell.share ?? 0) : 0) * 100).toFixed(2)}%`);
    show(this.tick, ready && cell.fairShare > 0);
    setStyle(this.tick, 'left', `${((cell?.fairShare ?? 0) * 100).toFixed(2)}%`);
    this.trend.render(cell?.trend);
  }

  private renderState(cell: ComparedCell | null): void {
    const word = cell === null ? t('not known there') : cell.state === 'READY' ? '' : cell.state;
    if (word === this.drawnState) return;
    this.drawnState = word;
    this.state.classList.toggle('red', cell !== null && isFailing(cell.state));
    setChildren(this.state, word === '' || cell === null ? [node(word)] : [stateIcon(cell.state), node(word)]);
  }
}
