import type { AttachmentView, ChannelView, ClientChoice, EndpointRow, Frame } from '../messages/panel';
import { Chooser, type Choice } from './chooser';
import { button, capped, element, foreign, setAttribute, setChildren, setText, show } from './dom';
import { count, exactTime, playingTime, rate, size, windowLength } from './format';
import { icon } from './glyphs';
import { t } from './l10n';
import { Menu, type MenuItem } from './menu';
import { stateName } from './states';
import type { Store } from './store';
import './header.css';

/** Lengths of the time axis to choose from, s. */
const windows: readonly number[] = [10, 30, 120, 300, 900];

/** Who is attached, which channel is shown, how it is: three lines, or one where there is room. */
export class Header {
  readonly element = element('header', 'header');
  private readonly client: Chooser;
  private readonly file = foreign('', { class: 'file' });
  private readonly channel: Chooser;
  private readonly window: Chooser;
  private readonly state: HTMLButtonElement;
  private readonly stateIcon = element('span', 'state-icon');
  private readonly stateText = element('span');
  private readonly policy = foreign('', { class: 'policy' });
  private readonly parents = foreign('', { class: 'parents' });
  private readonly health = element('span', 'health');
  private readonly rate = element('span', 'rate');
  private readonly newer = element('span', 'muted newer');
  private readonly back: HTMLButtonElement;
  private readonly toEditor: HTMLButtonElement;
  private readonly record: HTMLButtonElement;
  private readonly recorded = element('span', 'muted');
  private readonly recording: HTMLElement;
  private readonly lines: readonly HTMLElement[];

  /** @param showKeys opens the list of keys. */
  constructor(
    private readonly store: Store,
    private readonly showKeys: () => void,
  ) {
    this.client = new Chooser(t('Client'), (value) => this.chooseClient(value));
    this.channel = new Chooser(t('Channel'), (value) => this.chooseChannel(value));
    this.window = new Chooser(t('Length of the time axis'), (value) => this.chooseWindow(Number(value)));
    this.window.element.classList.add('window');
    this.state = button('state', () => (store.paused ? store.resume() : store.pause()), this.stateIcon, this.stateText);
    this.back = button('link back', () => store.resume(), t('Back to live'));
    this.toEditor = this.tool('to-editor', t('Open in Editor'), 'openInEditor', () =>
      store.command({ name: 'openInEditor' }),
    );
    this.record = this.tool('record', t('Record to a File…'), 'dot', () => store.command({ name: 'record' }));
    this.recording = this.recordingLine();
    const menu = new Menu(t('More actions'), () => this.actions());
    const tools = element('span', 'tools', this.toEditor, this.record, menu.element);
    this.lines = [
      element('div', 'line', this.channel.element, element('span', 'policies', this.parents, this.policy)),
      element(
        'div',
        'line',
        this.health,
        element('span', 'right', this.window.element, this.rate, this.newer, this.back),
      ),
    ];
    this.element.append(
      element('div', 'line', this.client.element, this.file, element('span', 'right first', tools, this.state)),
      ...this.lines,
      this.recording,
    );
  }

  private tool(name: string, label: string, glyph: 'dot' | 'openInEditor', run: () => void): HTMLButtonElement {
    return button({ class: `icon-button ${name}`, 'aria-label': label, title: label }, run, icon(glyph));
  }

  private recordingLine(): HTMLElement {
    const stop = button('link', () => this.store.command({ name: 'stopRecording' }), t('Stop'));
    const what = element('span', 'what', icon('dot', 'red'), element('b', '', t('Recording')), this.recorded);
    return element('div', 'line recording', what, stop);
  }

  render(): void {
    const { frame } = this.store;
    const attached = frame !== undefined && frame.attachment.state !== 'none';
    show(this.element, attached);
    if (!attached) return;
    this.element.dataset.place = frame.place;
    this.renderClient(frame);
    this.renderState(frame);
    this.renderTools(frame);
    const { channel } = frame;
    for (const line of this.lines) show(line, channel !== undefined);
    if (channel) this.renderChannel(frame, channel);
  }

  // ── Who ────────────────────────────────────────────────────────────────────────────────────────────────────────

  private renderClient({ attachment, clients, place, software }: Frame): void {
    if (attachment.state === 'none') return;
    const { client } = attachment;
    show(this.client.element, attachment.state !== 'recording');
    show(this.file, attachment.state === 'recording');
    if (attachment.state === 'recording') {
      setText(this.file, capped(attachment.file));
      setAttribute(this.file, 'title', capped(`${client.name}${pidOf(client)}\n${client.folder}\n${software}`, 500));
      return;
    }
    const others = clients.some(({ id }) => id === client.id) ? clients : [client, ...clients];
    const comparable = clients.filter(({ attached }) => attached).length > 1;
    this.client.render(
      [foreign(client.name, { class: 'name' }), element('span', 'muted pid', pidOf(client))],
      [
        ...others.map((each) => ({ value: `client ${each.id}`, text: `${each.name}${pidOf(each)}  ${each.folder}` })),
        ...(comparable ? [{ value: 'compare', text: t('Compare with other clients…') }] : []),
        ...(place === 'side' ? attachChoices() : []),
      ],
      `client ${client.id}`,
    );
    setAttribute(this.client.element, 'title', capped(`${client.folder}\n${software}`.trim(), 500));
  }

  private chooseClient(value: string): void {
    if (value === 'compare') this.store.compare('clients');
    else if (value === 'attachTo' || value === 'enterAddress' || value === 'detach')
      this.store.command({ name: value });
    else this.store.chooseClient(value.slice('client '.length));
  }

  private chooseChannel(value: string): void {
    if (value === 'compare') this.store.compare('channels');
    else this.store.chooseChannel(Number(value));
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

  // ── What to do with it ─────────────────────────────────────────────────────────────────────────────────────────

  private renderTools({ attachment, place, recording }: Frame): void {
    show(this.toEditor, place === 'side');
    show(this.record, mayRecord(attachment) && !recording);
    show(this.recording, recording !== undefined);
    if (!recording) return;
    const elapsed = playingTime(Math.max(0, Date.now() - recording.sinceMs));
    setText(this.recorded, `${elapsed} · ${size(recording.bytes)}`);
    setAttribute(this.recorded, 'title', capped(recording.file));
  }

  private actions(): MenuItem[] {
    const { frame } = this.store;
    if (!frame) return [];
    const { attachment, channels, channel, clients, place, recording } = frame;
    const command = (
      text: string,
      name: 'record' | 'stopRecording' | 'exportPicks' | 'exportPicture' | 'openInEditor' | 'openRecording',
    ) => {
      return { text, run: () => this.store.command({ name }) };
    };
    const ifAny = (there: boolean, item: MenuItem) => (there ? [item] : []);
    const others = clients.filter(({ attached }) => attached).length > 1 && place !== 'recording';
    return [
      ...ifAny(place === 'side', command(t('Open in Editor'), 'openInEditor')),
      ...ifAny(mayRecord(attachment) && !recording, command(t('Record to a File…'), 'record')),
      ...ifAny(recording !== undefined, command(t('Stop Recording'), 'stopRecording')),
      command(t('Open Recording…'), 'openRecording'),
      ...ifAny(channel !== undefined, command(t('Export Picks…'), 'exportPicks')),
      ...ifAny(channel !== undefined, command(t('Export Picture…'), 'exportPicture')),
      ...ifAny(others, { text: t('Compare with Other Clients'), run: () => this.store.compare('clients') }),
      ...ifAny(channels.length > 1, { text: t('Compare All Channels'), run: () => this.store.compare('channels') }),
      { text: t('Keys'), run: this.showKeys },
    ];
  }

  // ── The channel, and when ──────────────────────────────────────────────────────────────────────────────────────

  private renderChannel(frame: Frame, channel: ChannelView): void {
    this.channel.render(
      [foreign(channel.target)],
      [
        ...frame.channels.map(({ id, target, closed }) => ({
          value: String(id),
          text: closed ? t('{0}, closed', target) : target,
        })),
        ...(frame.channels.length > 1 ? [{ value: 'compare', text: t('Compare all channels…') }] : []),
      ],
      String(channel.id),
    );
    const path = channel.policyPath;
    setText(
      this.parents,
      capped(
        path
          .slice(0, -1)
          .map((policy) => `${policy} › `)
          .join(''),
      ),
    );
    setText(this.policy, capped(path.at(-1) ?? ''));
    setAttribute(this.policy, 'title', capped(path.join(' › ')));
    this.renderTime(frame, channel);
  }

  private renderTime({ place, reach }: Frame, channel: ChannelView): void {
    const { query, comparing } = this.store;
    // In a recording, the bar below says which moment it is.
    const paused = this.store.paused && place !== 'recording';
    show(this.rate, !paused);
    show(this.newer, paused);
    show(this.back, paused);
    show(this.window.element, !comparing);
    this.element.classList.toggle('past', paused);
    setText(this.rate, t('{0} picks/s', rate(channel.picksPerSecond)));
    setText(this.newer, t('{0} newer', count(channel.newer)));
    const reachSeconds = place === 'recording' && reach ? (reach.toMs - reach.fromMs) / 1000 : 0;
    this.renderWindow(query.windowSeconds, reachSeconds);
    if (paused && query.untilMs !== undefined) this.renderMoment(query.untilMs);
    else this.renderHealth(channel.endpoints);
  }

  private renderMoment(timeMs: number): void {
    const text = t('at {0}', exactTime(timeMs));
    this.health.className = 'health';
    if (this.health.textContent !== text) setChildren(this.health, [document.createTextNode(text)]);
  }

  private renderHealth(endpoints: readonly EndpointRow[]): void {
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

  /** Zoomed, it is as long as none of those to choose from. */
  private renderWindow(seconds: number, reachSeconds: number): void {
    const whole = reachSeconds > windows.at(-1)! ? [reachSeconds] : [];
    const lengths = [...new Set([...windows, ...whole, seconds])].sort((a, b) => a - b);
    const choices: Choice[] = lengths.map((each) => ({ value: String(each), text: windowLength(each) }));
    this.window.render([document.createTextNode(windowLength(seconds))], choices, String(seconds));
  }

  private chooseWindow(seconds: number): void {
    this.store.zoom(seconds / this.store.query.windowSeconds);
  }
}

function attachChoices(): Choice[] {
  return [
    { value: 'attachTo', text: t('Attach to another client…') },
    { value: 'enterAddress', text: t('Enter an address…') },
    { value: 'detach', text: t('Detach') },
  ];
}

function mayRecord({ state }: AttachmentView): boolean {
  return state === 'live' || state === 'lost';
}

function pidOf({ pid }: ClientChoice): string {
  return pid === 0 ? '' : ` ${pid}`;
}
