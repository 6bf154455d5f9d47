import assert from 'node:assert/strict';
import { until } from '../unit/waiting';
import { feedOf, open, patienceMs } from './opening';
import type { PanelPage } from './page';

describe('panel: its pace', function () {
  this.timeout(patienceMs);

  it('says that it took each frame and chart, and rests after them where drawing is slow', async () => {
    const feed = feedOf(40);
    const panel = await open({ feed, width: 700 });
    const session = await panel.page.context().newCDPSession(panel.page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 8 });
    const before = taken(panel).length;
    for (let frames = 1; frames <= 3; frames++) {
      feed.run(500);
      await panel.refresh();
      await until(() => taken(panel).length >= before + 2 * frames);
      await drawn(panel);
    }
    const rests = taken(panel).slice(-4);
    for (const { what, restMs } of rests) {
      assert.ok(restMs > 0, `no rest after a ${what}`);
      assert.ok(restMs <= (what === 'frame' ? 1000 : 2000), `${restMs} ms after a ${what}`);
    }
    assert.deepEqual(new Set(rests.map(({ what }) => what)), new Set(['frame', 'chart']));
  });
});

function taken({ posted }: PanelPage) {
  return posted.filter((message) => message.type === 'received');
}

/** The list shows the newest pick. */
async function drawn(panel: PanelPage): Promise<void> {
  const newest = panel.answer(panel.query!).channel!.picks[0]!.key;
  await panel.page.locator(`.picks tr[data-key="${newest}"]`).waitFor({ state: 'attached' });
}
