/** Drawing by hand: sharp at any pixel density, in CSS pixels. */

/** Fits the canvas to its box and wipes it. */
export function wipe(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, fontFamily: string): void {
  const { clientWidth, clientHeight } = canvas;
  const ratio = window.devicePixelRatio;
  const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  context.font = `11px ${fontFamily}`;
}

export interface Stroke {
  readonly colour: string;
  readonly dash?: readonly number[];
}

export function vertical(
  context: CanvasRenderingContext2D,
  x: number,
  top: number,
  bottom: number,
  { colour, dash = [] }: Stroke,
): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash([...dash]);
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, bottom);
  context.stroke();
  context.setLineDash([]);
}

export interface Glyph {
  /** In a box of 10 by 10. */
  readonly path: string;
  readonly colour: string;
  /** Width of the outline; undefined: filled. */
  readonly outline?: number;
}

/** Draws around a middle. */
export function glyph(
  context: CanvasRenderingContext2D,
  { path, colour, outline }: Glyph,
  x: number,
  y: number,
  scale = 1,
): void {
  context.save();
  context.translate(x - 5 * scale, y - 5 * scale);
  context.scale(scale, scale);
  if (outline === undefined) {
    context.fillStyle = colour;
    context.fill(new Path2D(path));
  } else {
    context.strokeStyle = colour;
    context.lineWidth = outline;
    context.stroke(new Path2D(path));
  }
  context.restore();
}

export function text(
  context: CanvasRenderingContext2D,
  words: string,
  x: number,
  y: number,
  colour: string,
  align: CanvasTextAlign = 'left',
): void {
  context.fillStyle = colour;
  context.textAlign = align;
  context.textBaseline = 'middle';
  context.fillText(words, x, y);
}
