import { setAttribute } from '../dom';

const namespace = 'http://www.w3.org/2000/svg';
const height = 16;
/** It is as wide as to show so many values; more are averaged. */
const mostPoints = 36;

/** Picks/s over the window as a small line; drawn when the chart is another one, never for a frame. */
export class Sparkline {
  readonly element = document.createElementNS(namespace, 'svg');
  private readonly line = document.createElementNS(namespace, 'path');
  private drawn: Float64Array | undefined;
  private drawnMost = NaN;

  constructor() {
    this.element.setAttribute('class', 'sparkline');
    this.element.setAttribute('aria-hidden', 'true');
    this.element.setAttribute('preserveAspectRatio', 'none');
    this.line.setAttribute('vector-effect', 'non-scaling-stroke');
    this.element.append(this.line);
  }

  /** @param most Of all endpoints: their lines are of one scale. */
  draw(values: Float64Array | undefined, most: number): void {
    if (values === this.drawn && most === this.drawnMost) return;
    this.drawn = values;
    this.drawnMost = most;
    const points = values ? averaged(values) : [];
    setAttribute(this.element, 'viewBox', `0 0 ${Math.max(1, points.length - 1)} ${height}`);
    setAttribute(this.line, 'd', pathOf(points, most));
  }
}

function averaged(values: Float64Array): number[] {
  const together = Math.ceil(values.length / mostPoints);
  return Array.from({ length: Math.ceil(values.length / together) }, (_, index) => {
    const part = values.subarray(index * together, (index + 1) * together).filter((value) => !Number.isNaN(value));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** Broken where nothing is known. */
function pathOf(values: readonly number[], most: number): string {
  let path = '';
  let connected = false;
  for (const [index, value] of values.entries()) {
    const known = !Number.isNaN(value);
    const y = height - 0.5 - (value / most) * (height - 1);
    if (known) path += `${connected ? 'L' : 'M'}${index} ${y.toFixed(1)}`;
    connected = known;
  }
  return path;
}
