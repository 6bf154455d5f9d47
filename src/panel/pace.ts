/** What the host sends by itself. */
export type Shown = 'frame' | 'chart';

/** ms; what costs no more comes as often as the host has it. */
const lightMs = { frame: 12, chart: 10 };
/** What drawing costs beyond that is at most this part of the time, for frames and for charts that nobody asked for. */
const part = 0.01;
/** ms; however long drawing takes, what is shown is hardly older. */
const longestRestMs = { frame: 1000, chart: 2000 };

/**
 * How long the panel rests after it has drawn something, by what that cost: with a graphics card ten frames a second cost
 * little, while a processor that draws gets fewer of them to draw.
 */
export class Pace {
  /** ms of the page's thread for one of each; the last ones weigh most. */
  private readonly costMs = { frame: 0, chart: 0 };
  /** Since the last one came. */
  private readonly spentMs = { frame: 0, chart: 0 };
  private readonly afterwards = new MessageChannel();

  constructor() {
    this.afterwards.port1.onmessage = ({ data }: MessageEvent<{ readonly what: Shown; readonly beganMs: number }>) => {
      this.spentMs[data.what] += performance.now() - data.beganMs;
    };
  }

  /** To be called before something is drawn within one of the browser's frames: styles, layout and painting come after it. */
  measure(what: Shown): void {
    this.afterwards.port2.postMessage({ what, beganMs: performance.now() });
  }

  /** After one that has just come, ms. */
  restAfter(what: Shown): number {
    this.costMs[what] = (this.costMs[what] + this.spentMs[what]) / 2;
    this.spentMs[what] = 0;
    const beyondMs = Math.max(0, this.costMs[what] - lightMs[what]);
    return Math.min(beyondMs / part, longestRestMs[what]);
  }
}
