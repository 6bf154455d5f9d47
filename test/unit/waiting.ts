/** Less than a test may take, so that it fails with what did not happen. */
const patienceMs = 15_000;

/** Waits until the condition holds. Throws when it has not for so long that it never will. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`This did not become true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
