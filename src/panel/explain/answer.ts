import type { Answer, ChannelView } from '../../messages/panel';
import { button, capped, element, foreign, setChildren, setText, show, withNodes } from '../dom';
import { count, duration, timeOfDay } from '../format';
import { icon, isFailing, mark, stateIcon } from '../glyphs';
import { t } from '../l10n';
import { namedEndpoints, type Looks } from '../looks';
import type { Store } from '../store';
import { AllPicks } from './allPicks';
import { answerText } from './answerText';
import { filterOf, type Category } from './categories';
import { finding, question, type Asked, type Side } from './finding';
import { Opponents } from './opponents';
import { parts } from './parts';
import './answer.css';

/** ms; a live answer is read, so its numbers change no faster. */
const readingTime = 1000;
const mostStates = 8;
const mostLosses = 3;

/** Why an endpoint was taken in a span of time, and why not. */
export class AnswerView {
  readonly element = element('section', 'answer');
  private readonly heading = element('h2');
  private readonly span = element('p', 'muted small');
  private readonly sentence = element('p', 'sentence');
  private readonly allPicks = new AllPicks((category) => this.picksOf(category));
  private readonly opponents = new Opponents((endpoint) => this.store.askWhy(endpoint));
  private readonly states = element('ol', 'states-in-span');
  private readonly losses = element('p', 'small losses');
  private readonly other: HTMLButtonElement;
  private readonly copied = element('span', { class: 'muted small', role: 'status' });
  private side: Side = 'whyNot';
  private drawn = '';
  private subject = '';
  private drawnAt = -Infinity;

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
  ) {
    const close = t('Close (Esc)');
    this.other = button('link small', () => this.turn());
    this.element.setAttribute('aria-label', t('Why an endpoint was taken, and why not'));
    this.element.append(
      element(
        'div',
        'heading',
        this.heading,
        button({ class: 'icon-button', 'aria-label': close, title: close }, () => store.askWhy(null), icon('close')),
      ),
      this.span,
      this.sentence,
      this.allPicks.element,
      this.opponents.element,
      this.states,
      this.losses,
      element(
        'p',
        'actions',
        this.other,
        button('link small', () => void this.copy(), t('Copy as text')),
        this.copied,
      ),
    );
  }

  render(): void {
    const { channel, explained, query } = this.store;
    const answer = explained === 'endpoint' ? channel?.answer : undefined;
    show(this.element, answer !== undefined);
    if (!channel || !answer) {
      this.drawn = '';
      return;
    }
    const subject = JSON.stringify([answer.endpoint, this.side, query.selection, query.untilMs, query.windowSeconds]);
    const now = performance.now();
    if (subject === this.subject && channel.live && now - this.drawnAt < readingTime) return;
    const signature = JSON.stringify([subject, answer, namedEndpoints(channel).map(({ label }) => label)]);
    // Made anew only when it says something else: what is selected in it, and the focus, stay.
    if (signature === this.drawn) return;
    if (this.drawn === '') requestAnimationFrame(() => this.heading.scrollIntoView({ block: 'nearest' }));
    [this.subject, this.drawn, this.drawnAt] = [subject, signature, now];
    this.draw(channel, answer);
  }

  private turn(): void {
    this.side = this.side === 'why' ? 'whyNot' : 'why';
    this.copied.textContent = '';
    this.render();
  }

  private async copy(): Promise<void> {
    const { channel } = this.store;
    if (!channel?.answer) return;
    const asked = this.askedOf(channel, channel.answer);
    await navigator.clipboard.writeText(answerText(asked, namesOf(channel)));
    this.copied.textContent = t('Copied.');
  }

  private askedOf({ policyPath, scoreOrder, endpoints }: ChannelView, answer: Answer): Asked {
    const fairShare = endpoints.find(({ id }) => id === answer.endpoint)?.fairShare ?? 0;
    return { answer, side: this.side, policy: capped(policyPath.at(-1) ?? '', 60), scoreOrder, fairShare };
  }

  private draw(channel: ChannelView, answer: Answer): void {
    const look = this.looks.of(answer.endpoint);
    const names = namesOf(channel);
    const name = element('span', 'endpoint-name', mark(look, true), ' ', foreign(names(answer.endpoint)));
    setChildren(this.heading, withNodes(question(this.side), [name]));
    setText(this.span, `${spanText(answer)}, ${sourceOf(answer, channel)}`);
    const said = parts(finding(this.askedOf(channel, answer)));
    if (this.sentence.textContent !== said.map(({ textContent }) => textContent).join(''))
      setChildren(this.sentence, said);
    this.allPicks.render(answer, channel.scoreOrder, look);
    this.opponents.render(answer, this.side, channel, this.looks, names);
    this.drawStates(answer);
    this.drawLosses(answer);
    setText(this.other, this.side === 'why' ? t('Why not this one?') : t('Why this one?'));
  }

  /** Filters the list by what the category is of. */
  private picksOf(category: Category): (() => void) | undefined {
    const { channel } = this.store;
    const asked =
      channel && [...channel.endpoints, ...channel.formerEndpoints].find(({ id }) => id === channel.answer?.endpoint);
    const filter = asked && filterOf(category, asked.addresses[0] ?? asked.label);
    return filter === undefined ? undefined : () => this.store.setFilter(filter);
  }

  private drawStates({ states, span }: Answer): void {
    const told = states.length > 1 || states.some(({ state }) => state !== 'READY');
    show(this.states, told);
    if (!told) return;
    const shown = states.slice(-mostStates);
    const rows = shown.map(({ sinceMs, state, error, removed }, index) => {
      const until = shown[index + 1]?.sinceMs ?? span.toMs;
      return element(
        'li',
        isFailing(state) && !removed ? 'red' : '',
        element('time', 'muted', timeOfDay(Math.max(sinceMs, span.fromMs))),
        removed ? icon('ring') : stateIcon(state),
        element(
          'span',
          '',
          `${removed ? t('not among the resolver’s addresses') : state} `,
          element('span', 'muted', duration(until - Math.max(sinceMs, span.fromMs))),
        ),
        error === '' ? null : foreign(error, { class: 'muted error', title: capped(error, 2000) }),
      );
    });
    setChildren(this.states, rows);
  }

  private drawLosses({ historyLossesMs: losses }: Answer): void {
    show(this.losses, losses.length > 0);
    if (losses.length === 0) return;
    const links = losses
      .slice(-mostLosses)
      .map((atMs) => button('link', () => this.store.goTo(atMs), timeOfDay(atMs)))
      .flatMap((link, index) => (index === 0 ? [link] : [document.createTextNode(', '), link]));
    const more = losses.length > mostLosses ? ` ${t('and {0} more', count(losses.length - mostLosses))}` : '';
    setChildren(this.losses, [
      element('span', 'muted', t('history lost'), ' '),
      ...links,
      element('span', 'muted', more),
    ]);
  }
}

function namesOf(channel: ChannelView): (endpoint: number) => string {
  const names = new Map(namedEndpoints(channel).map(({ id, label }) => [id, label]));
  return (endpoint) => capped(names.get(endpoint) ?? t('an endpoint that is gone'), 80);
}

export function spanText({ span }: Answer): string {
  return t('{0} to {1}', timeOfDay(span.fromMs), timeOfDay(span.toMs));
}

function sourceOf({ source, total }: Answer, { oldestPickMs }: ChannelView): string {
  if (source === 'picks') return t('from {0} single picks', count(total));
  return oldestPickMs === null
    ? t('from aggregates by the second')
    : t('from aggregates by the second, as single picks go back to {0} only', timeOfDay(oldestPickMs));
}
