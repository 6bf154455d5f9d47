import { colours } from './looks';

/** The colours of the theme as a canvas can read them: neither variables nor mixes. */
export interface Palette {
  readonly series: readonly string[];
  readonly fills: readonly string[];
  readonly other: string;
  readonly otherFill: string;
  readonly foreground: string;
  readonly muted: string;
  readonly grid: string;
  readonly red: string;
  readonly background: string;
  readonly selection: string;
  /** Over the brushed part of the axis, and its edges. */
  readonly brush: string;
  readonly frame: string;
  readonly overview: string;
  readonly fontFamily: string;
}

/** @param colour index of a series' colour; null: it is one of the folded ones. */
export function seriesColour({ series, other }: Palette, colour: number | null): string {
  return colour === null ? other : series[colour]!;
}

/** Resolves the variables of panel.css through an element, since only the style engine can mix colours. */
export class Theme {
  palette: Palette;
  private readonly probe = document.createElement('span');

  constructor(private readonly onChange: () => void) {
    this.probe.hidden = true;
    // Else forced colours would make one of all that are mixed.
    this.probe.style.setProperty('forced-color-adjust', 'none');
    document.body.append(this.probe);
    this.palette = this.read();
    const observer = new MutationObserver(() => this.refresh());
    // VS Code changes the body's class and the variables on the root when the theme changes.
    observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'data-place'] });
    matchMedia('(forced-colors: active)').addEventListener('change', () => this.refresh());
  }

  private refresh(): void {
    const palette = this.read();
    if (JSON.stringify(palette) === JSON.stringify(this.palette)) return;
    this.palette = palette;
    this.onChange();
  }

  private read(): Palette {
    const indices = Array.from({ length: colours }, (_, index) => index);
    return {
      series: indices.map((index) => this.resolve(`--series-${index}`)),
      fills: indices.map((index) => this.resolve(`--fill-${index}`)),
      other: this.resolve('--series-other'),
      otherFill: this.resolve('--fill-other'),
      foreground: this.resolve('--foreground'),
      muted: this.resolve('--muted'),
      grid: this.resolve('--grid'),
      red: this.resolve('--red'),
      background: this.resolve('--background'),
      selection: this.resolve('--selection'),
      brush: this.resolve('--brush'),
      frame: this.resolve('--frame'),
      overview: this.resolve('--overview'),
      fontFamily: getComputedStyle(document.body).fontFamily,
    };
  }

  private resolve(variable: string): string {
    this.probe.style.setProperty('color', `var(${variable})`);
    return getComputedStyle(this.probe).color;
  }
}
