import type { Overview, TimeSpan } from '../messages/panel';
import type { Channel } from './entities';
import { reasons } from './pickIntake';
import { bucketsOf, bucketTimes } from './series';
import type { Timeline } from './timeline';

const maxBuckets = 180;
const completed = reasons.filter((reason) => reason !== 'queued' && reason !== 'failed' && reason !== 'dropped');

/** Picks and failures of all endpoints, over all that is kept. */
export function overview(channel: Channel, span: TimeSpan, watched: Timeline<boolean>): Overview {
  const buckets = bucketsOf(span, maxBuckets, channel.reach);
  const times = bucketTimes(buckets);
  const perBucket = buckets.ms / channel.reasons.bucketMs;
  const perSecond = (columns: Parameters<Channel['reasons']['sumOf']>[0]) =>
    times.map((ms, index) => {
      const first = (buckets.from + index) * perBucket;
      const count = channel.reasons.sumOf(columns, first, first + perBucket);
      return count > 0 || watched.at(ms + buckets.ms - 1)?.value === true ? (count * 1000) / buckets.ms : NaN;
    });
  return {
    bucketMs: buckets.ms,
    times,
    picksPerSecond: perSecond(completed),
    failuresPerSecond: perSecond(['errors']),
  };
}
