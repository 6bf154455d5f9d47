import assert from 'node:assert/strict';
import { feedOf, open, openAs, patienceMs } from './opening';
import { situations } from './situations';

describe('panel: side by side', function () {
  this.timeout(patienceMs);

  it('has a row for each endpoint, a column for each client, and the numbers of both', async () => {
    const feed = feedOf();
    const panel = await openAs('compare', { width: 1000 }, feed);
    await situations.compare!.act!(panel.page, feed);
    await panel.asked(({ compare }) => compare === 'clients');
    const { columns, rows } = situations.compare!.frame(feed, panel.query!).comparison!;
    const { page } = panel;
    await page.locator('.comparison tbody tr').nth(4).waitFor();
    assert.equal(await page.locator('.comparison thead th').count(), 1 + columns.length);
    const labels = await page.locator('.comparison tbody th').allInnerTexts();
    assert.deepEqual(
      labels.map((label) => label.trim()),
      rows.map(({ label }) => label),
    );
    for (const [index, { cells }] of rows.entries()) {
      const texts = await page.locator('.comparison tbody tr').nth(index).locator('td').allInnerTexts();
      for (const [column, cell] of cells.entries()) {
        const expected = cell === null ? 'not known there' : `${Math.round(cell.share! * 100)} %`;
        assert.ok(texts[column]!.includes(expected), `${expected} in ${texts[column]}`);
      }
    }
    assert.match(await page.locator('.comparison thead th').nth(3).innerText(), /50117[\s\S]*Lost/);
    assert.ok(await page.locator('.columns').isHidden(), 'they take the place of one');
    assert.equal(
      await page
        .locator('.comparison .trend path')
        .first()
        .getAttribute('d')
        .then((d) => d![0]),
      'M',
    );
  });

  it('shows the channel whose head is chosen: selects the client, and asks for the channel when it is there', async () => {
    const feed = feedOf();
    const panel = await openAs('compare', { width: 320 }, feed);
    await situations.compare!.act!(panel.page, feed);
    await panel.page.locator('.comparison .channel', { hasText: '48305' }).click();
    assert.deepEqual(await panel.commanded(1), [{ name: 'select', client: '48305' }]);
    await panel.asked(({ compare }) => compare === undefined);
    panel.answer = (query) => {
      const frame = feed.frame(query);
      const client = { id: '48305', name: 'orders-api', pid: 48305, folder: '', language: 'node', attached: true };
      return { ...frame, attachment: { state: 'live', client, paused: false } };
    };
    await panel.refresh();
    const { channel } = await panel.asked((query) => query.channel !== undefined);
    assert.equal(channel, feed.frame(panel.query!).channel!.id);
  });

  it('scrolls in its own region, or stacks where it is narrow: never the page sideways', async () => {
    for (const width of [240, 320, 600]) {
      const feed = feedOf(20);
      const panel = await openAs('compare', { width }, feed);
      await situations.compare!.act!(panel.page, feed);
      await panel.page.locator('.comparison tbody tr').first().waitFor();
      const wide = await panel.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} px at ${width}`);
      assert.equal(await panel.page.getByRole('rowheader').count(), 5, 'a table also where it is stacked');
    }
  });

  it('says how many channels and endpoints have no room', async () => {
    const feed = feedOf(20);
    const panel = await openAs('compare', { width: 320 }, feed);
    await situations.compare!.act!(panel.page, feed);
    await panel.page.locator('.comparison tbody tr').first().waitFor();
    const leftOut = panel.page.locator('.comparison .no-room');
    assert.ok(await leftOut.isHidden(), 'all have room');
    panel.answer = (query) => {
      const frame = situations.compare!.frame(feed, query);
      return { ...frame, comparison: { ...frame.comparison!, columnsLeftOut: 9, rowsLeftOut: 1051 } };
    };
    await panel.refresh();
    await leftOut.waitFor();
    assert.equal(
      await leftOut.innerText(),
      'Channels: 9 more have no room here · Endpoints: 1,051 more have no room here',
    );
  });

  it('says that there is nothing to compare, and leads back', async () => {
    const panel = await open({ feed: feedOf(5) });
    await panel.send({ type: 'do', action: { name: 'compare', with: 'clients' } });
    await panel.page.getByText('No other attached client has a channel to cart.shop.svc:50051.').waitFor();
    await panel.page.getByRole('button', { name: 'All channels' }).click();
    await panel.asked(({ compare }) => compare === 'channels');
    await panel.page.getByText('no other channel to compare with').waitFor();
    await panel.page.getByRole('button', { name: 'Back to the Channel' }).click();
    await panel.asked(({ compare }) => compare === undefined);
    await panel.page.locator('.columns').waitFor();
  });
});
