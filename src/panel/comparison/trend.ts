import { setAttribute } from '../dom';

const namespace = 'http://www.w3.org/2000/svg';
/** Of the drawing; it is stretched to its place. */
const height = 10;

/** Picks a second over the window, as one line without an axis: whether it rises or falls. */
export class Trend {
  readonly element = document.createElementNS(namespace, 'svg');
  private readonly line = document.createElementNS(namespace, 'path');

  constructor() {
    setAttribute(this.element, 'class', 'trend');
    setAttribute(this.element, 'aria-hidden', 'true');
    setAttribute(this.element, 'preserveAspectRatio', 'none');
    setAttribute(this.line, 'vector-effect', 'non-scaling-stroke');
    this.element.append(this.line);
  }

  render(values: Float64Array | undefined): void {
    setAttribute(this.element, 'viewBox', `0 0 ${Math.max(1, (values?.length ?? 1) - 1)} ${height}`);
    setAttribute(this.line, 'd', values ? pathOf(values) : '');
  }
}

/** Broken where nobody watched. */
function pathOf(values: Float64Array): string {
  const highest = values.reduce((most, value) => (value > most ? value : most), 0);
  let path = '';
  let pen = 'M';
  for (const [index, value] of values.entries()) {
    if (Number.isNaN(value)) {
      pen = 'M';
      continue;
    }
    const y = highest > 0 ? height - 1 - (value / highest) * (height - 2) : height - 1;
    path += `${pen}${index} ${y.toFixed(1)}`;
    pen = 'L';
  }
  return path;
}
