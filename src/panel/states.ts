import { importLines, programKinds, programNames, type ProgramKind } from '../messages/importLines';
import type { AttachmentView, ClientChoice, ConnectingStep, Frame } from '../messages/panel';
import { button, capped, element, foreign, setChildren, show, withNodes } from './dom';
import { age, count, duration, exactTime, timeOfDay } from './format';
import { icon } from './glyphs';
import { t } from './l10n';
import { namedEndpoints } from './looks';
import type { Store } from './store';
import './states.css';

/** What stands in place of the data, or above it, in each state but live. */
export class States {
  readonly element = element('div', 'states');
  private drawn = '';

  constructor(private readonly store: Store) {}

  render(): void {
    const { frame } = this.store;
    const content = frame && contentOf(frame);
    const signature = frame ? signatureOf(frame) : '';
    if (signature !== this.drawn) {
      this.drawn = signature;
      setChildren(this.element, content ? [this.draw(frame, content)] : []);
    }
    show(this.element, content !== undefined);
  }

  private draw(frame: Frame, content: Content): Node {
    switch (content.state) {
      case 'none':
        return frame.clients.length === 0
          ? this.noneFound(content.programsAttachable)
          : this.noneAttached(frame.clients);
      case 'connecting':
        return this.connecting(content.steps);
      case 'lost':
        return this.lost(content);
      case 'refused':
        return this.refused(content);
      case 'recording':
        return this.recording(content);
    }
  }

  private noneFound(attachable: boolean): Node {
    return element(
      'section',
      'empty',
      element('p', 'lead', t('No gRPC client to attach to.')),
      ...this.startedHere(attachable),
      ...programKinds.map((kind) => this.importLine(kind)),
      element('p', 'muted', ...this.otherWays()),
    );
  }

  /** The shortest way: Node programs stay as they are. */
  private startedHere(attachable: boolean): Node[] {
    if (attachable) {
      const now = t(
        'What you start in a new terminal, or debug, shows up here by itself: Node as it is, Go with its import.',
      );
      return [element('p', '', now)];
    }
    return [
      element('p', 'muted', t('What you start in the terminal, or debug: Node as it is, Go with its import.')),
      button('primary wide', () => this.store.command({ name: 'makeAttachable' }), t('Make programs attachable')),
    ];
  }

  private importLine(kind: ProgramKind): Node {
    const name = programNames[kind];
    return element(
      'div',
      'import',
      element('h2', '', kind === 'node' ? t('{0}, started elsewhere', name) : name),
      button(
        { class: 'link', 'aria-label': t('Copy Line for {0}', name) },
        () => this.store.command({ name: 'copyImportLine', of: kind }),
        t('Copy Line'),
      ),
      element('pre', '', element('code', '', ...breakable(importLines[kind]))),
    );
  }

  private noneAttached(clients: readonly ClientChoice[]): Node {
    const rows = clients.map((client) => {
      const name = foreign(client.name, { class: 'name', title: client.folder });
      const attach = () => this.store.command({ name: 'attach', client: client.id });
      return element(
        'li',
        '',
        element('span', 'client', name, element('span', 'muted', ` ${client.pid}`)),
        button(
          { class: 'primary', 'aria-label': t('Attach to {0} {1}', client.name, client.pid) },
          attach,
          t('Attach'),
        ),
        foreign(`${client.folder} · ${client.language}`, { class: 'muted small folder' }),
      );
    });
    return element(
      'section',
      'empty',
      element(
        'p',
        'lead',
        clients.length === 1 ? t('A client can be attached to.') : t('{0} clients can be attached to.', clients.length),
      ),
      element('ul', 'clients', ...rows),
      element(
        'p',
        'muted',
        link(t('Enter an address'), () => this.store.command({ name: 'enterAddress' })),
      ),
    );
  }

  /** "Also by environment variable, or enter an address." with the links where the language wants them. */
  private otherWays(): Node[] {
    const links = [
      link(t('environment variable'), () => this.store.command({ name: 'openHelp', topic: 'environment' })),
      link(t('enter an address'), () => this.store.command({ name: 'enterAddress' })),
    ];
    return withNodes(t('Also by {0}, or {1}.'), links);
  }

  private connecting(steps: readonly ConnectingStep[]): Node {
    const rows = steps.map((step) =>
      element(
        'li',
        step.done ? 'done' : '',
        icon(step.done ? 'tick' : 'arc', step.done ? 'muted' : 'turning'),
        element('span', '', wordsOf(step)),
        element('span', 'muted', duration(step.ms)),
      ),
    );
    return element(
      'section',
      'connecting',
      element('div', 'progress'),
      element('ol', '', ...rows),
      button('secondary', () => this.store.command({ name: 'detach' }), t('Cancel')),
    );
  }

  private lost(lost: Extract<AttachmentView, { state: 'lost' }>): Node {
    return this.banner(
      'warning',
      [
        element('p', '', foreign(lost.reason), ' ', element('span', 'muted', timeOfDay(lost.atMs))),
        element('p', 'muted', nextTry(lost.nextTryMs, lost.tries)),
        ...(this.store.channel ? [element('p', 'muted', t('What was received stays.'))] : []),
      ],
      [
        button('primary', () => this.store.command({ name: 'retryNow' }), t('Retry Now')),
        button('secondary', () => this.store.command({ name: 'detach' }), t('Detach')),
      ],
    );
  }

  private refused(refused: Extract<AttachmentView, { state: 'refused' }>): Node {
    const retry = () => button('primary', () => this.store.command({ name: 'retryNow' }), t('Retry Now'));
    const first = {
      wrongToken: () => button('primary', () => this.store.command({ name: 'enterToken' }), t('Enter Token…')),
      versionMismatch: () =>
        button('primary', () => this.store.command({ name: 'openHelp', topic: 'protocol' }), t('Show Versions')),
      notPickscope: () => button('primary', () => this.store.command({ name: 'enterAddress' }), t('Enter Address…')),
      wrongCertificate: retry,
      badRoots: retry,
      tooManyWatchers: retry,
    }[refused.cause]();
    const { nextTryMs, tries } = refused;
    return this.banner(
      nextTryMs === null ? 'error' : 'warning',
      [
        element('p', '', foreign(refused.reason)),
        ...(nextTryMs === null ? [] : [element('p', 'muted', nextTry(nextTryMs, tries))]),
      ],
      [
        first,
        button('secondary', () => this.store.command({ name: 'detach' }), t('Detach')),
        button('secondary', () => this.store.command({ name: 'showLog' }), t('Show Log')),
      ],
    );
  }

  private recording({ read, damage }: Extract<AttachmentView, { state: 'recording' }>): Node {
    const another = button(
      'primary',
      () => this.store.command({ name: 'openRecording' }),
      t('Open Another Recording…'),
    );
    if (damage !== '') {
      const rest = this.store.channel ? [element('p', 'muted', t('What was read up to there is shown.'))] : [];
      return this.banner('warning', [element('p', '', foreign(damage)), ...rest], [another]);
    }
    if (read < 1) {
      const line = element('p', 'muted', t('Reading the recording, {0} %', Math.floor(read * 100)));
      return element('section', 'connecting', element('div', 'progress'), line);
    }
    return element('section', 'empty', element('p', 'lead', t('This recording holds no channel.')), another);
  }

  private banner(kind: 'warning' | 'error', paragraphs: readonly Node[], actions: readonly Node[]): Node {
    return element(
      'section',
      `banner ${kind}`,
      icon(kind === 'warning' ? 'warning' : 'cross'),
      element('div', '', ...paragraphs, element('div', 'actions', ...actions)),
    );
  }
}

type Content = Exclude<AttachmentView, { state: 'live' }>;

/** A recording that is read whole, and holds something, speaks for itself. */
function contentOf({ attachment, channel }: Frame): Content | undefined {
  if (attachment.state === 'live') return undefined;
  if (attachment.state !== 'recording') return attachment;
  return attachment.read < 1 || attachment.damage !== '' || !channel ? attachment : undefined;
}

/** Changes whenever the words do; a countdown counts whole seconds. */
function signatureOf(frame: Frame): string {
  const { attachment } = frame;
  const countdown = 'nextTryMs' in attachment ? nextTry(attachment.nextTryMs, attachment.tries) : '';
  return JSON.stringify([attachment, attachment.state === 'none' ? frame.clients : [], countdown]);
}

function wordsOf(step: ConnectingStep): string {
  switch (step.step) {
    case 'connect':
      return step.done ? t('Connected') : t('Connecting');
    case 'describe':
      if (!step.done) return t('Asking who is there');
      return step.protocol ? t('Token accepted, protocol {0}', step.protocol) : t('Token accepted');
    case 'snapshot':
      return step.done ? t('Snapshot received') : t('Waiting for the snapshot');
  }
}

function nextTry(atMs: number | null, tries: number): string {
  if (atMs === null) return t('Waiting for the client to come back.');
  const left = Math.max(0, Math.ceil((atMs - Date.now()) / 1000));
  if (left === 0) return t('Trying again now.');
  return tries === 0
    ? t('Trying again in {0} s.', left)
    : t('Trying again in {0} s; tries so far: {1}.', left, count(tries));
}

/** Where it is too long for its line, it goes on after a slash. */
function breakable(path: string): (Node | string)[] {
  return path.split(/(?<=\/)/).flatMap((part, index) => (index === 0 ? [part] : [element('wbr'), part]));
}

function link(text: string, onClick: () => void): HTMLElement {
  return button('link', onClick, text);
}

/** Attached, but no call was made within the window. */
export class Idle {
  readonly element = element('section', 'idle');
  private readonly lead = element('p', 'lead');
  private readonly more = element('p', 'muted');

  constructor(private readonly store: Store) {
    this.element.append(this.lead, this.more);
  }

  render(): void {
    const { channel, query } = this.store;
    const idle = channel !== undefined && isIdle(channel.atMs, channel.lastPickMs, query.windowSeconds);
    show(this.element, idle);
    if (!idle) return;
    const { lastPickMs, atMs, picksSeen } = channel;
    if (lastPickMs === null) {
      this.lead.textContent = t('No call yet.');
      this.more.textContent = t('Attached and watching; the first pick appears here at once.');
      return;
    }
    this.lead.textContent = t('No call for {0}.', age(atMs - lastPickMs));
    this.more.textContent = t(
      'Attached and watching; the next pick appears here at once. {0} picks since attaching, the last at {1}.',
      count(picksSeen),
      timeOfDay(lastPickMs),
    );
  }
}

export function isIdle(atMs: number, lastPickMs: number | null, windowSeconds: number): boolean {
  return lastPickMs === null || atMs - lastPickMs > windowSeconds * 1000;
}

/** Says changes of state to those who listen; never samples. */
export class Announcer {
  readonly element = element('div', { class: 'sr-only', role: 'status', 'aria-live': 'polite' });
  private last = '';

  constructor(private readonly store: Store) {}

  render(): void {
    const { frame, paused, query } = this.store;
    if (!frame) return;
    const { attachment } = frame;
    const name = attachment.state === 'none' ? '' : attachment.client.name;
    const state =
      paused && query.untilMs !== undefined ? t('Paused at {0}', exactTime(query.untilMs)) : stateName(attachment);
    const said = `${name} ${state} ${this.asked()}`.trim();
    if (said === this.last) return;
    this.last = said;
    this.element.textContent = said;
  }

  /** An answer, which opens away from the focus. */
  private asked(): string {
    const { channel, explained } = this.store;
    if (!channel?.answer || explained !== 'endpoint') return '';
    const { endpoint } = channel.answer;
    const label = namedEndpoints(channel).find(({ id }) => id === endpoint)?.label ?? '';
    return t('Answered: why not {0}', capped(label, 80));
  }
}

export function stateName(attachment: AttachmentView): string {
  switch (attachment.state) {
    case 'none':
      return t('Not attached');
    case 'connecting':
      return t('Connecting');
    case 'live':
      return t('Live');
    case 'lost':
      return t('Lost');
    case 'refused':
      return t('Refused');
    case 'recording':
      return t('Recording');
  }
}
