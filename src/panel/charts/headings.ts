import { duration, timeOfDay } from '../format';
import { t } from '../l10n';
import type { Measure } from '../store';
import { titleHeight, type Scene } from './layout';
import { measureLooks, titleOf } from './measures';

/** What stands over a plot. */
export interface HeadingText {
  readonly of: Measure | 'heat';
  readonly title: string;
  readonly note: string;
  readonly top: number;
}

export function headingsOf(scene: Scene): HeadingText[] {
  const { heat, plots } = scene.layout;
  const headings = plots.map(({ measure, top }) => headingOf(measure, top, scene));
  if (!heat) return headings;
  const more = heat.leftOut > 0 ? t('{0} more have no room here', heat.leftOut) : '';
  const note = [t('red: failed'), more].filter(Boolean).join(' · ');
  return [{ of: 'heat', title: heatTitle(scene), note, top: heat.top - titleHeight - 3 }, ...headings];
}

export function heatTitle({ chart: { series } }: Scene): string {
  return t('Picks, each {0}', bucketLength(series.bucketMs));
}

function headingOf(measure: Measure, plotTop: number, scene: Scene): HeadingText {
  const each = measure === 'load' && scene.marks !== undefined;
  const title = each ? t('Load, each pick') : titleOf(measure, scene.channel);
  return { of: measure, title, note: noteOf(measure, scene), top: plotTop - titleHeight };
}

function noteOf(measure: Measure, { chart: { filteredSinceMs }, lines, span }: Scene): string {
  const notes = [measureLooks[measure].unit()];
  if (measure === 'picksPerSecond') {
    if (lines.folded.length > 0) notes.push(t('grey: {0} others', lines.folded.length));
    if (filteredSinceMs === null) notes.push(t('filtered: none are kept'));
    else if (filteredSinceMs !== undefined)
      notes.push(filteredSinceMs > span.fromMs ? t('filtered, since {0}', timeOfDay(filteredSinceMs)) : t('filtered'));
  }
  return notes.filter(Boolean).join(' · ');
}

/** 1 s, 0.5 s, 2 min 10 s. */
function bucketLength(ms: number): string {
  if (ms < 100) return t('{0} ms', ms);
  return ms < 60_000 ? t('{0} s', ms / 1000) : duration(ms);
}
