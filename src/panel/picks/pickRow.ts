import type { Candidate, PickRow, Reason, ScoreOrder } from '../../messages/panel';
import { capped, element, foreign, setAttribute, setChildren, setStyle, setText, show } from '../dom';
import { clock, exactLoad, exactTime, latency, shortMethod } from '../format';
import { glossary } from '../glossary';
import { mark, setMark } from '../glyphs';
import { t } from '../l10n';
import type { Look, Looks } from '../looks';
import { isCompared, strongest } from './candidates';
import type { Edge } from './edges';

/** What all rows are drawn by. */
export interface PickRowContext {
  readonly names: ReadonlyMap<number, string>;
  readonly looks: Looks;
  readonly order: ScoreOrder;
  /** Another one: names, looks or order are others. */
  readonly version: string;
}

/** A row of the list, which shows one pick after the other. */
export class PickTableRow {
  readonly element = element('tr', { role: 'row' });
  pick: PickRow | undefined;
  index = -1;
  private version = '';
  private drawnOutcome: PickRow['outcome'] | undefined;
  private readonly minute = element('span', 'minute');
  private readonly seconds = element('span');
  private readonly edgeText = element('span', 'edge-text');
  private readonly edgeBrief = element('span', { class: 'edge-brief', 'aria-hidden': 'true' });
  private readonly edge = element('span', 'edge', this.edgeText, this.edgeBrief);
  private readonly time = element('td', 'time', this.edge, this.minute, this.seconds);
  private readonly methodName = foreign('');
  private readonly method = element('td', 'method', this.methodName);
  private readonly a = new CandidateCell('a');
  private readonly b = new CandidateCell('b');
  private readonly single = new SingleCell();
  private readonly tag = element('span');
  private readonly reason = element('td', 'reason', this.tag);
  private readonly outcome = element('td', 'outcome');
  private readonly ms = element('td', 'ms');

  constructor() {
    for (const cell of [...this.cells([this.a.cell, this.b.cell]), this.single.cell])
      cell.setAttribute('role', 'gridcell');
    this.element.tabIndex = -1;
  }

  update(pick: PickRow, index: number, context: PickRowContext): void {
    if (this.index !== index) setAttribute(this.element, 'aria-rowindex', String(index + 2));
    this.index = index;
    if (this.pick?.key !== pick.key || this.version !== context.version) this.draw(pick, context);
    if (!sameOutcome(this.drawnOutcome, pick.outcome)) this.drawOutcome(pick);
    this.pick = pick;
  }

  choose(selected: boolean, focusable: boolean): void {
    if (this.element.classList.contains('selected') !== selected) this.element.classList.toggle('selected', selected);
    setAttribute(this.element, 'aria-selected', String(selected));
    const tabIndex = focusable ? 0 : -1;
    if (this.element.tabIndex !== tabIndex) this.element.tabIndex = tabIndex;
  }

  /** What stands on its upper edge; undefined: nothing. */
  separate(edge: Edge | undefined): void {
    show(this.edge, edge !== undefined);
    if (!edge) return;
    setText(this.edgeText, edge.text);
    setText(this.edgeBrief, edge.brief);
  }

  private cells(choice: readonly HTMLElement[]): HTMLElement[] {
    return [this.time, this.method, ...choice, this.reason, this.outcome, this.ms];
  }

  private draw(pick: PickRow, context: PickRowContext): void {
    this.version = context.version;
    this.drawnOutcome = undefined;
    const { hourMinute, seconds, milliseconds } = clock(pick.timeMs);
    setAttribute(this.element, 'data-key', String(pick.key));
    setAttribute(this.element, 'data-reason', pick.reason);
    setText(this.minute, `${hourMinute.slice(3)}:`);
    setText(this.seconds, `${seconds}.${milliseconds}`);
    setAttribute(this.time, 'title', exactTime(pick.timeMs));
    setText(this.methodName, capped(shortMethod(pick.method)));
    setAttribute(this.method, 'title', capped(pick.method));
    this.drawChoice(pick, context);
    this.drawReason(pick);
  }

  private drawChoice(pick: PickRow, context: PickRowContext): void {
    const compared = isCompared(pick);
    setChildren(this.element, this.cells(compared ? [this.a.cell, this.b.cell] : [this.single.cell]));
    if (!compared) {
      this.single.draw(pick, context);
      return;
    }
    const [a, b] = strongest(pick, context.order, 2) as [Candidate, Candidate];
    // Bars compare the candidates of one pick: the longer one is full.
    const longest = Math.max(a.score!, b.score!);
    this.a.draw(a, a.endpoint === pick.endpoint, longest, context);
    this.b.draw(b, b.endpoint === pick.endpoint, longest, context);
  }

  /** What is the rule is muted; what is rare is tagged. */
  private drawReason({ reason }: PickRow): void {
    const plain = commonReasons.has(reason);
    const refused = reason === 'failed' || reason === 'dropped';
    setAttribute(this.tag, 'class', refused ? 'tag red' : plain ? 'muted' : 'tag');
    setText(this.tag, reasonWord(reason));
    setAttribute(this.tag, 'title', reason === 'raced' ? glossary.raced().means : null);
  }

  private drawOutcome(pick: PickRow): void {
    const { outcome } = pick;
    this.drawnOutcome = outcome;
    const code = outcome?.code ?? pick.code ?? '';
    const failed = code !== '' && code !== 'OK';
    setAttribute(this.ms, 'class', failed ? 'ms red' : 'ms');
    setText(this.ms, millisecondsOf(pick));
    setAttribute(this.ms, 'title', outcome ? capped(outcome.code) : null);
    setAttribute(this.outcome, 'class', `outcome foreign ${failed ? 'red' : 'muted'}`);
    setText(this.outcome, failed ? `✕ ${capped(code)}` : code);
  }
}

/** One of two that were compared: mark, load, and a bar. */
class CandidateCell {
  readonly cell: HTMLTableCellElement;
  private readonly mark = mark(noLook, true);
  private readonly number = element('span');
  private readonly bar = element('span');

  constructor(private readonly side: 'a' | 'b') {
    this.cell = element('td', '', element('div', 'candidate', this.mark, this.number, this.bar));
  }

  draw({ endpoint, score }: Candidate, chosen: boolean, longest: number, context: PickRowContext): void {
    const look = context.looks.of(endpoint);
    const number = exactLoad(score!);
    const name = nameOf(endpoint, context);
    const title = chosen ? t('{0}, chosen', name) : name;
    setAttribute(this.cell, 'class', `${this.side} ${chosen ? 'chosen' : 'loser'}`);
    setAttribute(this.cell, 'title', title);
    setAttribute(this.cell, 'aria-label', `${title} ${number}`);
    setAttribute(this.cell, 'data-endpoint', String(endpoint));
    setMark(this.mark, look, chosen);
    setAttribute(this.number, 'class', number.length > 4 ? 'number long' : 'number');
    setText(this.number, number);
    setAttribute(this.bar, 'class', `bar ${look.colour === null ? 'series-other' : `series-${look.colour}`}`);
    setStyle(this.bar, '--part', longest > 0 ? Math.max(0.02, score! / longest).toFixed(3) : '0');
  }
}

/** One candidate, or none: nothing is compared, the name says more. */
class SingleCell {
  readonly cell: HTMLTableCellElement;
  private readonly mark = mark(noLook, true);
  private readonly text = foreign('');

  constructor() {
    this.cell = element('td', 'single', this.mark, this.text);
  }

  draw(pick: PickRow, context: PickRowContext): void {
    const { endpoint, code } = pick;
    setAttribute(this.cell, 'data-endpoint', endpoint === null ? null : String(endpoint));
    setAttribute(this.mark, 'hidden', endpoint === null ? '' : null);
    if (endpoint !== null) {
      setMark(this.mark, context.looks.of(endpoint), true);
      this.say(nameOf(endpoint, context), 'chosen-name');
    } else if (pick.reason === 'queued') this.say(t('no endpoint'), 'muted');
    else this.say(`✕ ${capped(code ?? '')}`, 'red');
  }

  private say(text: string, className: string): void {
    setText(this.text, text);
    setAttribute(this.text, 'class', `foreign ${className}`);
    setAttribute(this.cell, 'title', text);
  }
}

const noLook: Look = { colour: null, dash: [], mark: '' };

function nameOf(endpoint: number, { names }: PickRowContext): string {
  return capped(names.get(endpoint) ?? t('an endpoint that is gone'), 80);
}

/** Frames come anew ten times a second: an outcome is known by what it says, not by which object it is. */
function sameOutcome(one: PickRow['outcome'] | undefined, other: PickRow['outcome']): boolean {
  if (one === undefined || one === null || other === null) return one === other;
  return one.code === other.code && one.latencyMs === other.latencyMs;
}

function millisecondsOf({ outcome, reason }: PickRow): string {
  if (!outcome) return reason === 'queued' || reason === 'failed' || reason === 'dropped' ? '' : '…';
  const text = outcome.latencyMs === null ? '–' : latency(outcome.latencyMs);
  return outcome.code === 'OK' || outcome.code === '' ? text : `✕ ${text}`;
}

const commonReasons: ReadonlySet<Reason> = new Set(['lower', 'untold', 'only', 'turn', 'key']);

const reasonWords: Readonly<Record<Reason, () => string>> = {
  lower: () => t('lower'),
  tie: () => t('tie'),
  forced: () => t('forced'),
  only: () => t('only'),
  unhealthy: () => t('sick'),
  probe: () => t('probe'),
  turn: () => t('turn'),
  key: () => t('key'),
  nokey: () => t('no key'),
  raced: () => t('raced'),
  untold: () => '–',
  queued: () => t('queued'),
  failed: () => t('refused'),
  dropped: () => t('dropped'),
};

export function reasonWord(reason: Reason): string {
  return reasonWords[reason]();
}
