import assert from 'node:assert/strict';
import { feedOf, open, patienceMs, pickRows } from './opening';

describe('panel: charts', function () {
  this.timeout(patienceMs);

  it('shows the loads around the selected one, and chooses by a click', async () => {
    const feed = feedOf();
    const panel = await open({ feed });
    await panel.page.locator(pickRows).nth(20).click();
    const canvas = panel.page.getByRole('img', { name: /^Loads of \d+ picks around the selected one$/ });
    await canvas.waitFor();
    const { inspect } = await panel.asked((query) => query.inspect !== undefined);
    const { width } = (await canvas.boundingBox())!;
    await canvas.click({ position: { x: width - 32, y: 60 } });
    const chosen = await panel.asked((query) => query.inspect !== inspect);
    assert.ok(chosen.inspect! > inspect!, 'the right end is the newest');
  });
});
