import type { ChannelView, ClientChoice, EndpointRow, Frame } from '../messages/panel';
import { button, capped, element, foreign, setAttribute, setChildren, setText, show } from './dom';
import { count, exactTime, rate } from './format';
import { icon } from './glyphs';
import { t } from './l10n';
import { stateName } from './states';
import type { Store } from './store';
import './header.css';

/** Who is attached, which channel is shown, how it is: three lines, or one where there is room. */
export class Header {
  readonly element = element('header', 'header');
  private readonly client: Chooser;
  private readonly channel: Chooser;
  private readonly state: HTMLButtonElement;
  private readonly stateIcon = element('span', 'state-icon');
  private readonly stateText = element('span');
  private readonly policy = foreign('', { class: 'policy' });
  private readonly parents = foreign('', { class: 'parents' });
  private readonly health = element('span', 'health');
  private readonly rate = element('span', 'rate');
  private readonly newer = element('span', 'muted newer');
  private readonly back: HTMLButtonElement;

  constructor(private readonly store: Store) {
    this.client = new Chooser(t('Client'), (value) => this.chooseClient(value));
    this.channel = new Chooser(t('Channel'), (value) => store.chooseChannel(Number(value)));
    this.state = button('state', () => (store.paused ? store.resume() : store.pause()), this.stateIcon, this.stateText);
    this.back = button('link back', () => store.resume(), t('Back to live'));
    this.element.append(
      element('div', 'line', this.client.element, this.state),
      element('div', 'line', this.channel.element, element('span', 'policies', this.parents, this.policy)),
      element('div', 'line', this.health, element('span', 'right', this.rate, this.newer, this.back)),
    );
  }

  render(): void {
    const { frame } = this.store;
    const attached = frame !== undefined && frame.attachment.state !== 'none';
    show(this.element, attached);
    if (!attached) return;
    this.renderClient(frame);
    this.renderState(frame);
    const { channel } = frame;
    for (const line of [...this.element.children].slice(1)) show(line as HTMLElement, channel !== undefined);
    if (channel) this.renderChannel(frame, channel);
  }

  private renderClient(frame: Frame): void {
    if (frame.attachment.state === 'none') return;
    const { client } = frame.attachment;
    const others = frame.clients.some((each) => each.id === client.id) ? frame.clients : [client, ...frame.clients];
    this.client.render(
      [foreign(client.name, { class: 'name' }), element('span', 'muted', pidOf(client))],
      [
        ...others.map((each) => ({ value: `client ${each.id}`, text: `${each.name}${pidOf(each)}  ${each.folder}` })),
        { value: 'attachTo', text: t('Attach to another client…') },
        { value: 'enterAddress', text: t('Enter an address…') },
        { value: 'detach', text: t('Detach') },
      ],
      `client ${client.id}`,
    );
    setAttribute(this.client.element, 'title', capped(client.folder));
  }

  private chooseClient(value: string): void {
    if (value === 'attachTo' || value === 'enterAddress' || value === 'detach') {
      this.store.command({ name: value });
      return;
    }
    const id = value.slice('client '.length);
    const choice = this.store.frame?.clients.find((client) => client.id === id);
    if (choice) this.store.command({ name: choice.attached ? 'select' : 'attach', client: id });
  }

  private renderState(frame: Frame): void {
    const { attachment } = frame;
    const paused = this.store.paused && attachment.state === 'live';
    const shown = paused ? 'paused' : attachment.state;
    setText(this.stateText, paused ? t('Paused') : stateName(attachment));
    if (this.state.dataset.state !== shown) {
      this.state.dataset.state = shown;
      const glyph = { live: 'dot', paused: 'pause', lost: 'warning', refused: 'cross' } as const;
      setChildren(this.stateIcon, shown in glyph ? [icon(glyph[shown as keyof typeof glyph])] : []);
    }
    this.state.disabled = attachment.state !== 'live' || !frame.channel;
    setAttribute(
      this.state,
      'title',
      this.state.disabled ? null : paused ? t('Back to live (Space)') : t('Pause (Space)'),
    );
  }

  private renderChannel(frame: Frame, channel: ChannelView): void {
    this.channel.render(
      [foreign(channel.target)],
      frame.channels.map(({ id, target, closed }) => ({
        value: String(id),
        text: closed ? t('{0}, closed', target) : target,
      })),
      String(channel.id),
    );
    setText(
      this.parents,
      capped(
        channel.policyPath
          .slice(0, -1)
          .map((policy) => `${policy} › `)
          .join(''),
      ),
    );
    setText(this.policy, capped(channel.policyPath.at(-1) ?? ''));
    setAttribute(this.policy, 'title', capped(channel.policyPath.join(' › ')));
    this.renderHealth(channel.endpoints);
    const { paused, query } = this.store;
    show(this.rate, !paused);
    show(this.newer, paused);
    show(this.back, paused);
    setText(this.rate, t('{0} picks/s', rate(channel.picksPerSecond)));
    setText(this.newer, t('{0} newer', count(channel.newer)));
    if (paused && query.untilMs !== undefined) {
      setChildren(this.health, [document.createTextNode(t('at {0}', exactTime(query.untilMs)))]);
      this.health.className = 'health';
    }
  }

  private renderHealth(endpoints: readonly EndpointRow[]): void {
    if (this.store.paused) return;
    const notReady = endpoints.filter((endpoint) => endpoint.state !== 'READY');
    const failing = notReady.some(({ state }) => state === 'TRANSIENT_FAILURE' || state === 'SHUTDOWN');
    const text =
      notReady.length === 0
        ? t('{0} of {0} ready', endpoints.length)
        : t('{0} of {1} not ready', notReady.length, endpoints.length);
    const className = failing ? 'health failing' : 'health';
    if (this.health.className === className && this.health.textContent === text) return;
    this.health.className = className;
    setChildren(this.health, [...(failing ? [icon('cross')] : []), document.createTextNode(text)]);
  }
}

function pidOf({ pid }: ClientChoice): string {
  return pid === 0 ? '' : ` ${pid}`;
}

interface Choice {
  readonly value: string;
  readonly text: string;
}

/** A native select, for its keyboard and its list; drawn as the text that it chooses. */
class Chooser {
  readonly element: HTMLElement;
  private readonly label = element('span', 'chosen');
  private readonly select = element('select');
  private drawn = '';

  constructor(name: string, onChoose: (value: string) => void) {
    this.element = element('span', 'chooser', this.label, icon('chevron'), this.select);
    this.select.setAttribute('aria-label', name);
    this.select.addEventListener('change', () => {
      const { value } = this.select;
      // What is chosen is shown when the host says so.
      this.drawn = '';
      onChoose(value);
    });
  }

  render(label: readonly Node[], choices: readonly Choice[], chosen: string): void {
    const signature = JSON.stringify([choices, chosen]);
    // An open list must not change under the reader.
    if (
      signature === this.drawn ||
      (this.drawn !== '' && document.activeElement === this.select && this.sameChosen(chosen))
    )
      return;
    this.drawn = signature;
    setChildren(this.label, label);
    setChildren(
      this.select,
      choices.map(({ value, text }) => {
        const option = element('option', '', capped(text, 120));
        option.value = value;
        return option;
      }),
    );
    this.select.value = chosen;
  }

  private sameChosen(chosen: string): boolean {
    return this.select.value === chosen;
  }
}
