import type { Candidate, Inspection, Neighbour, PickRow, RejectedCandidate } from '../../messages/panel';
import { button, capped, element, foreign, setChildren, show } from '../dom';
import { count, duration, latency, shortMethod, threeDigits } from '../format';
import { footnotes, formula } from './formula';
import { icon } from '../glyphs';
import { rich, t, type Part } from '../l10n';
import { parts } from './parts';
import { load, sentence } from './sentence';
import { namedEndpoints, type Looks } from '../looks';
import type { Store } from '../store';
import './inspector.css';

/** One pick explained: the sentence, the numbers as a formula, the branch in three steps, what became of it. */
export class Inspector {
  readonly element = element('section', { class: 'inspector', 'aria-label': t('The selected pick') });
  private drawn = '';

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
    private readonly move: (from: number, by: number) => void,
  ) {}

  render(): void {
    const { channel, inspecting } = this.store;
    const inspection = inspecting ? channel?.inspection : undefined;
    show(this.element, inspection !== undefined);
    if (!channel || !inspection) {
      this.drawn = '';
      return;
    }
    const names = new Map(namedEndpoints(channel).map(({ id, label }) => [id, label]));
    const signature = JSON.stringify([inspection, [...names]]);
    // Made anew only when it says something else: the focus on its buttons stays.
    if (signature === this.drawn) return;
    this.drawn = signature;
    const name = (endpoint: number) => capped(names.get(endpoint) ?? t('an endpoint that is gone'), 80);
    this.draw(inspection, name);
  }

  private draw(inspection: Inspection, name: (endpoint: number) => string): void {
    const focused = document.activeElement?.getAttribute('data-action') ?? '';
    const hadFocus = this.element.contains(document.activeElement);
    const { pick } = inspection;
    setChildren(this.element, [
      this.heading(pick),
      element('p', 'sentence', ...parts(sentence(inspection, name))),
      ...(pick.candidates.length > 0 ? [this.formula(inspection, name)] : []),
      ...footnotes(pick).map((text) => element('p', 'footnote', text)),
      this.steps(inspection, name),
    ]);
    if (hadFocus) this.element.querySelector<HTMLElement>(`[data-action="${focused}"]`)?.focus();
  }

  private formula(inspection: Inspection, name: (endpoint: number) => string): HTMLElement {
    return formula(inspection, this.looks, name, (endpoint) => this.store.askWhy(endpoint));
  }

  private heading(pick: PickRow): HTMLElement {
    const action = (name: string, label: string, glyph: 'up' | 'down' | 'close', run: () => void) =>
      button({ class: 'icon-button', 'aria-label': label, title: label, 'data-action': name }, run, icon(glyph));
    return element(
      'div',
      'heading',
      element('h2', '', t('Pick {0}', count(pick.key))),
      foreign(shortMethod(pick.method), { class: 'muted', title: capped(pick.method) }),
      action('newer', t('Newer pick'), 'up', () => this.move(pick.key, -1)),
      action('older', t('Older pick'), 'down', () => this.move(pick.key, 1)),
      action('close', t('Close (Esc)'), 'close', () => this.store.closeInspector()),
    );
  }

  private steps(inspection: Inspection, name: (endpoint: number) => string): HTMLElement {
    const { pick } = inspection;
    const rows: [string, Node[]][] = [...branch(inspection), ...rejected(pick, name)];
    if (pick.endpoint !== null) rows.push([t('outcome'), parts(outcome(pick))]);
    const then = this.then(inspection);
    if (then) rows.push([t('then'), [document.createTextNode(then)]]);
    // 0: the client does not tell.
    if (inspection.generation.id !== 0) rows.push([t('generation'), parts(generation(inspection))]);
    const list = element('dl', 'steps');
    for (const [term, description] of rows) list.append(element('dt', '', term), element('dd', '', ...description));
    if (pick.endpoint !== null && (inspection.before ?? inspection.after)) {
      list.append(
        element('dt', '', t('on {0}', name(pick.endpoint))),
        element('dd', '', ...this.neighbours(inspection)),
      );
    }
    return list;
  }

  private then({ pick, lagBeforeNs }: Inspection): string | undefined {
    const after = pick.outcome?.lagAfterNs;
    if (after === null || after === undefined) return undefined;
    return lagBeforeNs === null || lagBeforeNs === 0
      ? t('lag {0} ms', threeDigits(after / 1e6))
      : t('lag {0} → {1} ms', threeDigits(lagBeforeNs / 1e6), threeDigits(after / 1e6));
  }

  private neighbours({ before, after }: Inspection): Node[] {
    const link = (neighbour: Neighbour, action: string, text: string) =>
      button({ class: 'link', 'data-action': action }, () => this.store.inspect(neighbour.key), text);
    const links: Node[] = [];
    if (before) links.push(link(before, 'before', `‹ ${t('{0} before', duration(before.ms))}`));
    if (before && after) links.push(document.createTextNode(' · '));
    if (after) links.push(link(after, 'after', `${t('{0} after', duration(after.ms))} ›`));
    return links;
  }
}

/** The branch of p2c_ewma that was taken, as three steps; the one that decided is bold. */
function branch(inspection: Inspection): [string, Node[]][] {
  const { explanation, pick, policy } = inspection;
  if (policy !== 'p2c_ewma' || pick.candidates.length < 2 || !('winner' in explanation) || !('loser' in explanation))
    return [];
  const { verdict } = explanation;
  const draws = pick.rejected.length + 1;
  const [a, b] = pick.candidates as [Candidate, Candidate];
  const draw =
    verdict === 'unhealthy'
      ? rich('**none of {0} draws healthy: the last kept**', draws)
      : rich('both drawn, draw {0} kept', draws);
  const healthyDraw = a.healthy && b.healthy ? rich('both healthy, draw {0} kept', draws) : draw;
  const other = pick.candidates.find(({ endpoint }) => endpoint !== pick.endpoint) ?? b;
  return [
    [t('1 draw'), parts(verdict === 'unhealthy' ? draw : healthyDraw)],
    [t('2 compare'), parts(compare(verdict, a, b))],
    [t('3 force?'), parts(force(verdict, verdict === 'forced' ? chosenOf(pick) : other))],
  ];
}

function chosenOf(pick: PickRow): Candidate {
  return pick.candidates.find(({ endpoint }) => endpoint === pick.endpoint) ?? pick.candidates[0]!;
}

function compare(verdict: string, a: Candidate, b: Candidate): Part[] {
  const sign = (a.score ?? 0) < (b.score ?? 0) ? '<' : (a.score ?? 0) > (b.score ?? 0) ? '>' : '=';
  const compared = `${load(a)} ${sign} ${load(b)}`;
  if (verdict === 'tie') return rich('**{0}: the first drawn kept**', compared);
  return verdict === 'lower' ? rich('**{0}: lower load taken**', compared) : rich('{0}: lower load leads', compared);
}

function force(verdict: string, { idleMs }: Candidate): Part[] {
  if (verdict === 'forced') {
    return idleMs === null
      ? rich('**loser never picked: yes, taken**')
      : rich('**loser picked {0} ago: yes, taken**', duration(idleMs));
  }
  return idleMs === null ? rich('loser never picked: no') : rich('loser picked {0} ago: no', duration(idleMs));
}

/** The pairs that were drawn before, and left because one of them was unhealthy. */
function rejected(pick: PickRow, name: (endpoint: number) => string): [string, Node[]][] {
  if (pick.rejected.length === 0) return [];
  const drawn = ({ endpoint, success }: RejectedCandidate) =>
    success === null ? name(endpoint) : t('{0} at {1}', name(endpoint), Math.round(success));
  const draws = pick.rejected.map((pair) => element('span', 'foreign draw', pair.map(drawn).join(' · ')));
  return [[t('rejected'), draws]];
}

function generation({ generation: { id, ageMs, historyLost } }: Inspection): Part[] {
  const old = ageMs === null ? '' : duration(ageMs);
  if (historyLost)
    return ageMs === null ? rich('{0}, history lost', id) : rich('{0}, {1} old, history lost with it', id, old);
  return ageMs === null ? [{ text: String(id), strong: false }] : rich('{0}, {1} old', id, old);
}

function outcome({ outcome: ended }: PickRow): Part[] {
  if (!ended) return rich('still in flight');
  if (ended.code === '') return rich('**never started**: the call was picked for again');
  if (ended.latencyMs === null && ended.code === 'OK') return [{ text: ended.code, strong: true }];
  if (ended.latencyMs === null) return rich('**{0}**, never started', ended.code);
  return rich('**{0}** after **{1} ms**', ended.code, latency(ended.latencyMs));
}
