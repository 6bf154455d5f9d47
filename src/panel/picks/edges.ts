import type { ChannelView, EventRow, PickRow } from '../../messages/panel';
import { clock } from '../format';
import { t } from '../l10n';

/** What lies between a pick and the newer one above it. */
export interface Edge {
  readonly text: string;
  /** Where there is little room. */
  readonly brief: string;
}

export type Generations = ReadonlyMap<number, Extract<EventRow, { kind: 'generation' }>>;

export function generationsOf({ events }: ChannelView): Generations {
  return new Map(events.flatMap((event) => (event.kind === 'generation' ? [[event.generation, event]] : [])));
}

/** A generation that began after the pick, or the minute that the pick still belongs to; undefined: neither. */
export function edgeBetween(newer: PickRow, pick: PickRow, generations: Generations): Edge | undefined {
  const { generation } = newer;
  if (generation !== pick.generation && generation !== 0) {
    const lost = generations.get(generation)?.historyLost === true;
    const text = lost ? t('generation {0}, history lost', generation) : t('generation {0}', generation);
    return { text: `◆ ${text}`, brief: `◆ ${generation}` };
  }
  const minute = clock(pick.timeMs).hourMinute;
  return clock(newer.timeMs).hourMinute === minute ? undefined : { text: minute, brief: minute };
}
