import type { TimeSpan } from '../../messages/panel';
import type { Store } from '../store';

export type KeyActions = Readonly<Record<string, () => void>>;

const keyZoom = 2;

/** Keys that move or stretch the window, in the charts as in the overview. */
export function windowKeys(store: Store, { fromMs, toMs }: TimeSpan): KeyActions {
  const windowMs = toMs - fromMs;
  const oldestMs = store.frame?.reach?.fromMs ?? fromMs;
  const aroundMs = store.hover.timeMs ?? undefined;
  const closer = () => store.zoom(1 / keyZoom, aroundMs);
  return {
    PageUp: () => store.scrub(-windowMs),
    PageDown: () => store.scrub(windowMs),
    Home: () => store.showSpan({ fromMs: oldestMs, toMs: oldestMs + windowMs }),
    End: () => store.resume(),
    '+': closer,
    '=': closer,
    '-': () => store.zoom(keyZoom, aroundMs),
  };
}

/** Whether the key had something to do. */
export function runKey(event: KeyboardEvent, actions: KeyActions): boolean {
  const action = actions[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return false;
  event.preventDefault();
  action();
  return true;
}
