import { setStyle } from '../dom';

/** Drawing by hand: sharp at any pixel density, in CSS pixels. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A canvas with a context that is drawn anew each time. */
export class Sheet {
  readonly context: CanvasRenderingContext2D;

  constructor(readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext('2d')!;
  }

  /** Fits the canvas to its size and wipes it. */
  wipe({ width, height }: Size, fontFamily: string, ratio = window.devicePixelRatio): CanvasRenderingContext2D {
    const { canvas, context } = this;
    const [pixelWidth, pixelHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== pixelWidth) canvas.width = pixelWidth;
    if (canvas.height !== pixelHeight) canvas.height = pixelHeight;
    setStyle(canvas, 'width', `${width}px`);
    setStyle(canvas, 'height', `${height}px`);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = fontOf(fontFamily);
    return context;
  }
}

export function fontOf(fontFamily: string): string {
  return `11px ${fontFamily}`;
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
    context.fill(shapeOf(path));
  } else {
    context.strokeStyle = colour;
    context.lineWidth = outline;
    context.stroke(shapeOf(path));
  }
  context.restore();
}

/** Paths are few, and drawn a thousand times. */
const shapes = new Map<string, Path2D>();

function shapeOf(path: string): Path2D {
  let shape = shapes.get(path);
  if (!shape) shapes.set(path, (shape = new Path2D(path)));
  return shape;
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
