/** How long a person would wait on a slow machine, ms. Less than a test may take, so that it fails with what did not happen. */
const patienceMs = 60_000;
/** ms in which an action shows, before a person would try again. */
const attemptMs = 4000;
/** ms; to look at a page costs it time, too. */
const lookMs = 50;

type Condition = () => boolean | Promise<boolean>;

/** Waits until the condition holds. */
export async function eventually(what: string, condition: Condition): Promise<void> {
  if (!(await holdsWithin(patienceMs, condition))) throw new Error(`This did not come about: ${what}.`);
}

/**
 * Does what a person would do again where it met with nothing: what was aimed at had moved away, or was not listening yet.
 * Nothing is done where the condition holds already.
 */
export async function doUntil(what: string, condition: Condition, action: () => Promise<unknown>): Promise<void> {
  let failure: unknown;
  for (const end = Date.now() + patienceMs; !(await condition());) {
    if (Date.now() > end) throw new Error(`This did not come about: ${what}.`, { cause: failure });
    failure = await action().then(
      () => undefined,
      (error: unknown) => error,
    );
    await holdsWithin(attemptMs, condition);
  }
}

async function holdsWithin(ms: number, condition: Condition): Promise<boolean> {
  for (const end = Date.now() + ms; ;) {
    if (await condition()) return true;
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
