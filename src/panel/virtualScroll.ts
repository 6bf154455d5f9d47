import { setStyle } from './dom';

/** px; browsers lay out little more, and up to here a row's place is exact to the pixel. A whole number of rows of 24 or 32 px. */
const tallest = 7_999_968;
/** px at both ends of a taller content in which the scroll bar goes as far as the content does. */
const exactEnds = 240_000;

/**
 * Where the rows of one height are that a scroller has in view, however many there are. Content that is taller than a
 * browser can lay out is mapped: what is near is scrolled to exactly, while a drag of the scroll bar goes in proportion.
 */
export class VirtualScroll {
  private rows = 0;
  /** How much further down the rows are than the scroll bar says, px; whole rows. */
  private offset = 0;
  private scrollTop = 0;
  private viewHeight = 0;

  /**
   * @param body holds the rows, each to be placed at its top by `place`
   * @param pitch height of a row, px
   * @param headHeight of what sticks to the top of the scroller, px
   * @param onMove other rows are in view, or they lie elsewhere
   */
  constructor(
    private readonly scroller: HTMLElement,
    private readonly body: HTMLElement,
    private readonly pitch: number,
    private readonly headHeight: number,
    private readonly onMove: () => void,
  ) {
    scroller.addEventListener('scroll', () => this.scrolled(), { passive: true });
    scroller.addEventListener('scrollend', () => this.settle(), { passive: true });
    new ResizeObserver(() => this.measure()).observe(scroller);
  }

  /** px of the content above what is in view. */
  get top(): number {
    return this.scrollTop + this.offset;
  }

  /** Index of the first row in view. */
  get first(): number {
    return Math.min(Math.floor(this.top / this.pitch), Math.max(0, this.rows - 1));
  }

  /** How many rows there is room for in view, those that are cut included. */
  get room(): number {
    return Math.ceil(this.viewHeight / this.pitch) + 1;
  }

  setRows(rows: number): void {
    if (rows === this.rows) return;
    this.rows = rows;
    setStyle(this.body, 'height', `${this.height}px`);
    if (this.top > this.lastTop || (this.hidden === 0 && this.offset !== 0)) this.anchor(this.top);
  }

  place(row: HTMLElement, index: number): void {
    setStyle(row, 'transform', `translateY(${index * this.pitch - this.offset}px)`);
  }

  /** Scrolls no further than it takes to have the row wholly in view. */
  reveal(index: number): void {
    const top = index * this.pitch;
    if (top < this.top) this.anchor(top);
    else if (top + this.pitch > this.top + this.viewHeight) this.anchor(top + this.pitch - this.viewHeight);
  }

  toStart(): void {
    if (this.top > 0) this.anchor(0);
  }

  private get contentHeight(): number {
    return this.rows * this.pitch;
  }

  private get height(): number {
    return Math.min(this.contentHeight, tallest);
  }

  /** The top where the last row is at the bottom of the view. */
  private get lastTop(): number {
    return Math.max(0, this.contentHeight - this.viewHeight);
  }

  /** The same of the scroll bar. */
  private get lowest(): number {
    return Math.max(0, this.height - this.viewHeight);
  }

  private measure(): void {
    const viewHeight = Math.max(0, this.scroller.clientHeight - this.headHeight);
    if (viewHeight === this.viewHeight) return;
    this.viewHeight = viewHeight;
    this.onMove();
  }

  private scrolled(): void {
    const { scrollTop } = this.scroller;
    if (scrollTop === this.scrollTop) return;
    const far = Math.abs(scrollTop - this.scrollTop) > 2 * this.viewHeight;
    this.scrollTop = scrollTop;
    if (far) this.offset = this.wholeRows(this.contentAt(scrollTop) - scrollTop);
    else if (scrollTop === 0 || scrollTop >= this.lowest) this.settle();
    this.onMove();
  }

  /** Near steps leave the scroll bar behind: it goes to where it belongs when they end, or at its ends. */
  private settle(): void {
    if (this.hidden > 0 && this.top < this.lastTop) this.anchor(this.top);
  }

  /** Brings this px of the content to the top of the view. */
  private anchor(top: number): void {
    const wanted = Math.min(Math.max(top, 0), this.lastTop);
    this.offset = this.wholeRows(wanted - this.barAt(wanted));
    this.scrollTop = Math.round(wanted - this.offset);
    this.scroller.scrollTop = this.scrollTop;
    this.onMove();
  }

  private wholeRows(px: number): number {
    return Math.round(px / this.pitch) * this.pitch;
  }

  /** px of the content that belong to those of the scroll bar: the same at both ends, in proportion between. */
  private contentAt(bar: number): number {
    const { hidden } = this;
    if (hidden === 0 || bar <= exactEnds) return bar;
    const between = this.lowest - 2 * exactEnds;
    return bar + hidden * Math.min(1, (bar - exactEnds) / between);
  }

  private barAt(content: number): number {
    const { hidden } = this;
    if (hidden === 0 || content <= exactEnds) return content;
    const between = this.lowest - 2 * exactEnds;
    return Math.max(content - hidden, exactEnds + ((content - exactEnds) * between) / (between + hidden));
  }

  /** How much taller the content is than what is laid out, px. */
  private get hidden(): number {
    return this.contentHeight - this.height;
  }
}
