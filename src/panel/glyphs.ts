import { setAttribute } from './dom';
import type { State } from '../messages/panel';
import { colourClass, type Look } from './looks';

/** Small pictures as SVG. Each is hidden from assistive technology: a word says the same beside it. */

const namespace = 'http://www.w3.org/2000/svg';

function svg(width: number, height: number, className: string): SVGSVGElement {
  const made = document.createElementNS(namespace, 'svg');
  made.setAttribute('viewBox', `0 0 ${width} ${height}`);
  made.setAttribute('width', String(width));
  made.setAttribute('height', String(height));
  made.setAttribute('class', className);
  made.setAttribute('aria-hidden', 'true');
  return made;
}

function path(d: string, className: string): SVGPathElement {
  const made = document.createElementNS(namespace, 'path');
  made.setAttribute('d', d);
  made.setAttribute('class', className);
  return made;
}

/** Solid for a chosen candidate, hollow for the losing one. */
export function mark(look: Look, solid: boolean): SVGSVGElement {
  const made = svg(10, 10, '');
  made.append(path('', ''));
  setMark(made, look, solid);
  return made;
}

/** Makes another mark of it. */
export function setMark(made: SVGSVGElement, look: Look, solid: boolean): void {
  const shape = made.firstElementChild!;
  setAttribute(made, 'class', `mark ${colourClass(look)}`);
  setAttribute(shape, 'd', look.mark);
  setAttribute(shape, 'class', solid ? 'solid' : 'hollow');
}

/** Line and mark as in the charts. */
export function key(look: Look): SVGSVGElement {
  const made = svg(22, 10, `key ${colourClass(look)}`);
  for (const [from, to] of [
    [0, 5.5],
    [16.5, 22],
  ]) {
    const line = path(`M${from} 5H${to}`, 'line');
    line.setAttribute('stroke-dasharray', look.dash.map((length) => length / 2).join(' '));
    made.append(line);
  }
  const shape = path(look.mark, 'solid');
  shape.setAttribute('transform', 'translate(6 0)');
  made.append(shape);
  return made;
}

const icons = {
  tick: 'M1.5 7.5l3.5 3.5L13.5 3.5',
  cross: 'M4.8 4.8l5.4 5.4M10.2 4.8l-5.4 5.4M7.5 1a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z',
  bareCross: 'M3 3l9 9M12 3l-9 9',
  ring: 'M7.5 1.5a6 6 0 1 0 0 12a6 6 0 1 0 0-12z',
  warning: 'M7.5 1.5l6.5 12h-13zM7.5 6v3.5M7.5 11v1',
  diamond: 'M7.5 2l5.5 5.5l-5.5 5.5l-5.5-5.5z',
  chevron: 'M3 5l4.5 4.5L12 5',
  funnel: 'M1.5 2.5h12l-4.5 5.5v4.5l-3 1.5v-6z',
  up: 'M7.5 13V2.5M3 7l4.5-4.5L12 7',
  down: 'M7.5 2v10.5M3 8l4.5 4.5L12 8',
  close: 'M3 3l9 9M12 3l-9 9',
  save: 'M7.5 1.5v8M4.5 6.5l3 3l3-3M1.5 10v3.5h12v-3.5',
  pause: 'M5 2.5v10M10 2.5v10',
  arc: 'M7.5 1.5a6 6 0 0 1 6 6',
  more: 'M2 6.5h2v2h-2zM6.5 6.5h2v2h-2zM11 6.5h2v2h-2z',
  play: 'M4.5 2.5l7.5 5l-7.5 5z',
  openInEditor: 'M7 2.5h-4.5v10h10v-4.5M9 2.5h3.5v3.5M12.5 2.5l-5.5 5.5',
  dot: 'M7.5 3.5a4 4 0 1 0 0 8a4 4 0 1 0 0-8z',
} as const;

export type IconName = keyof typeof icons;

export function icon(name: IconName, className = ''): SVGSVGElement {
  const made = svg(15, 15, `icon ${className}`.trim());
  made.append(path(icons[name], name === 'dot' || name === 'more' ? 'solid' : 'stroke'));
  return made;
}

/** A tick for READY, a cross for what cannot be picked and has failed, a ring for what is on its way. */
export function stateIcon(state: State): SVGSVGElement {
  if (state === 'READY') return icon('tick');
  return icon(isFailing(state) ? 'cross' : 'ring');
}

export function isFailing(state: State): boolean {
  return state === 'TRANSIENT_FAILURE' || state === 'SHUTDOWN';
}
