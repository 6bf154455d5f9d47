import assert from 'node:assert/strict';
import { until } from '../unit/waiting';
import { feedOf, open, patienceMs } from './opening';
import type { PanelPage } from './page';

describe('panel: its pace', function () {
  this.timeout(patienceMs);

  it('rests after frames and charts where drawing is slow, and says so as it takes the next', async () => {
    const feed = feedOf(40);
    const panel = await open({ feed, width: 700 });
    const session = await panel.page.context().newCDPSession(panel.page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 8 });
    for (const what of ['frame', 'chart'] as const) {
      const rests = () => taken(panel, what).map(({ restMs }) => restMs);
      while (!(rests().at(-1)! > 0)) {
        feed.run(500);
        const count = rests().length;
        const { query } = panel;
        if (what === 'frame') await panel.send({ type: what, frame: feed.frame(query!) });
        else await panel.send({ type: what, chart: feed.chart(query!)! });
        await until(() => rests().length > count);
      }
      const longest = what === 'frame' ? 1000 : 2000;
      assert.ok(
        rests().every((ms) => ms >= 0 && ms <= longest),
        `${what}: ${rests().join()}`,
      );
    }
  });
});

function taken({ posted }: PanelPage, what: 'frame' | 'chart') {
  return posted.filter((message) => message.type === 'received').filter((message) => message.what === what);
}
