import type { TimeSpan } from '../messages/panel';
import { button, element, setAttribute, setChildren, setText, show } from './dom';
import { age, playingTime, timeOfDay } from './format';
import { icon } from './glyphs';
import { t } from './l10n';
import type { Store } from './store';
import './replay.css';

const speeds: readonly number[] = [1, 4, 16];
/** ms between two moments that are asked for while it plays. */
const step = 100;

/** The time bar of a recording: plays it, and goes to any moment of it. */
export class Replay {
  readonly element = element('section', { class: 'replay', 'aria-label': t('Time of the recording') });
  private readonly toggle: HTMLButtonElement;
  private readonly speed = element('select', { title: t('Speed'), 'aria-label': t('Speed') });
  private readonly slider = element('input', { type: 'range', 'aria-label': t('Moment of the recording') });
  private readonly clock = element('span', 'clock');
  private readonly progress = element('span', 'muted progress-of');
  private timer: ReturnType<typeof setInterval> | undefined;
  private drawn: boolean | undefined;
  private steppedAt = 0;

  constructor(private readonly store: Store) {
    this.toggle = button('icon-button', () => this.playOrPause());
    for (const speed of speeds) {
      const option = element('option', '', `× ${speed}`);
      option.value = String(speed);
      this.speed.append(option);
    }
    this.slider.step = String(step);
    this.slider.min = '0';
    this.slider.addEventListener('input', () => this.seek());
    this.element.append(this.toggle, this.clock, this.slider, this.progress, this.speed);
    document.addEventListener('visibilitychange', () => document.hidden && this.pause());
  }

  get playing(): boolean {
    return this.timer !== undefined;
  }

  render(): void {
    const { frame, query } = this.store;
    const reach = frame?.place === 'recording' && frame.channel ? frame.reach : undefined;
    show(this.element, reach !== undefined);
    if (!reach) {
      this.pause();
      return;
    }
    // Who reads a pick, or brushes a part of the time, reads it standing still.
    if (query.inspect !== undefined || query.selection) this.pause();
    this.renderToggle();
    const lengthMs = reach.toMs - reach.fromMs;
    const atMs = this.momentIn(reach);
    this.slider.max = String(Math.ceil(lengthMs / step) * step);
    this.slider.value = String(atMs - reach.fromMs);
    const elapsed = t('{0}, {1} of {2}', timeOfDay(atMs), age(atMs - reach.fromMs), age(lengthMs));
    setAttribute(this.slider, 'aria-valuetext', elapsed);
    setText(this.clock, timeOfDay(atMs));
    setText(this.progress, `${playingTime(atMs - reach.fromMs)} / ${playingTime(lengthMs)}`);
  }

  playOrPause(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  /** From where it is; from the begin where it is at the end. */
  play(): void {
    const { frame } = this.store;
    if (this.playing || frame?.place !== 'recording' || !frame.reach) return;
    const atEnd = this.momentIn(frame.reach) >= frame.reach.toMs;
    this.store.select(undefined);
    this.store.closeInspector();
    this.store.showMoment(atEnd ? frame.reach.fromMs : this.momentIn(frame.reach));
    this.steppedAt = performance.now();
    this.timer = setInterval(() => this.advance(), step);
    this.renderToggle();
  }

  pause(): void {
    if (!this.playing) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.renderToggle();
  }

  private advance(): void {
    const { reach } = this.store.frame ?? {};
    const now = performance.now();
    const passed = (now - this.steppedAt) * Number(this.speed.value);
    this.steppedAt = now;
    if (!reach) return;
    const next = this.momentIn(reach) + passed;
    if (next >= reach.toMs) this.pause();
    this.store.showMoment(next);
  }

  /** Without a moment, a recording is shown at its end. */
  private momentIn({ toMs }: TimeSpan): number {
    return Math.min(this.store.query.untilMs ?? toMs, toMs);
  }

  private seek(): void {
    const { reach } = this.store.frame ?? {};
    if (reach) this.store.showMoment(reach.fromMs + Number(this.slider.value));
  }

  private renderToggle(): void {
    if (this.drawn === this.playing) return;
    this.drawn = this.playing;
    const label = this.playing ? t('Pause (Space)') : t('Play (Space)');
    setAttribute(this.toggle, 'aria-label', label);
    setAttribute(this.toggle, 'title', label);
    setChildren(this.toggle, [icon(this.playing ? 'pause' : 'play')]);
  }
}
