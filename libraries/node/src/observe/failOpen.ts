/** Observing must never break what it observes: whatever goes wrong gives undefined. */
export function failOpen<T>(observe: () => T): T | undefined {
  try {
    return observe();
  } catch {
    return undefined;
  }
}
