import assert from 'node:assert/strict';
import { PickResult } from '@pickscope/protocol/messages';
import type { Frame } from '../../src/messages/panel';
import { feedOf, open, openAs, patienceMs } from './opening';
import { situations } from './situations';

describe('panel: states and notices', function () {
  this.timeout(patienceMs);

  it('shows nothing before it was told anything', async () => {
    const { page } = await openAs('live');
    const panel = page.locator('.panel');
    const shown = () => page.locator('.panel button:visible').count();
    assert.notEqual(await shown(), 0);
    for (const value of ['starting', '']) {
      await panel.evaluate((element, state) => {
        // A copy, as the panel itself would note its state again.
        const copy = element.cloneNode(true) as HTMLElement;
        if (state === '') delete copy.dataset.state;
        else copy.dataset.state = state;
        element.replaceWith(copy);
      }, value);
      assert.equal(await shown(), 0);
    }
  });

  describe('states', () => {
    const texts: Readonly<Record<string, readonly string[]>> = {
      'none-found': [
        'No gRPC client to attach to.',
        'Node as it is, Go with its import',
        'import _ "github.com/pickscope/pickscope/libraries/go/gozero/auto"',
        'import _ "github.com/pickscope/pickscope/libraries/go/auto"',
        "import '@pickscope/grpc-js/attach';",
        'Copy Line',
        'enter an address',
      ],
      'none-attached': ['2 clients can be attached to.', 'checkout', 'checkout · go', 'orders-api · node', 'Attach'],
      connecting: [
        'Connecting',
        'Connected',
        'Token accepted, protocol 1',
        'Waiting for the snapshot',
        '1.2 s',
        'Cancel',
      ],
      lost: [
        'Lost',
        'The client closed the stream.',
        'tries so far: 3',
        'What was received stays.',
        'Retry Now',
        'Detach',
      ],
      refused: ['Refused', 'refused the token', 'Enter Token…', 'Detach'],
      'recording-read': ['Recording', '.pickscope', 'Reading the recording, 42 %'],
      'recording-damaged': ['it was cut off', 'What was read up to there is shown.', 'Open Another Recording…'],
      idle: ['No call for 2 min 10 s.', 'the next pick appears here at once'],
      live: ['Live', 'orders-api', 'cart.shop.svc:50051', 'p2c_ewma'],
    };
    for (const [name, expected] of Object.entries(texts)) {
      it(`shows ${name}`, async () => {
        const feed = feedOf();
        const panel = await openAs(name, {}, feed);
        const text = await panel.page.locator('body').innerText();
        for (const words of expected) assert.ok(text.includes(words), `"${words}" in:\n${text}`);
      });
    }

    it('keeps the data of a lost client, greyed', async () => {
      const feed = feedOf();
      const panel = await openAs('lost', {}, feed);
      assert.equal(await panel.page.locator('.endpoints tbody tr').count(), 5);
      assert.match(await panel.page.locator('.columns').evaluate((node) => getComputedStyle(node).filter), /grayscale/);
    });

    it('asks for what its buttons say', async () => {
      const feed = feedOf();
      const panel = await openAs('lost', {}, feed);
      await panel.page.getByRole('button', { name: 'Retry Now' }).click();
      await panel.page.getByRole('button', { name: 'Detach' }).click();
      panel.answer = situations['none-attached']!.frame.bind(undefined, feed);
      await panel.refresh();
      await panel.page.getByRole('button', { name: 'Attach to checkout 51002' }).click();
      const commands = await panel.commanded(3);
      assert.deepEqual(commands, [{ name: 'retryNow' }, { name: 'detach' }, { name: 'attach', client: 'b' }]);
    });

    it('offers to make programs attachable as they are, unless they are already', async () => {
      const panel = await openAs('none-found', {}, feedOf(1));
      await panel.page.getByRole('button', { name: 'Make programs attachable' }).click();
      assert.deepEqual(await panel.commanded(1), [{ name: 'makeAttachable' }]);
      panel.answer = (query) => situations['none-found-attachable']!.frame(feedOf(1), query);
      await panel.refresh();
      await panel.page.getByText('shows up here by itself').waitFor();
      assert.equal(await panel.page.getByRole('button', { name: 'Make programs attachable' }).count(), 0);
    });

    it('copies the line of the program that a person has', async () => {
      const panel = await openAs('none-found', {}, feedOf(1));
      for (const name of ['go-zero', 'grpc-go', '@grpc/grpc-js'])
        await panel.page.getByRole('button', { name: `Copy Line for ${name}` }).click();
      assert.deepEqual(
        await panel.commanded(3),
        ['goZero', 'go', 'node'].map((of) => ({ name: 'copyImportLine', of })),
      );
    });

    it('announces changes of state', async () => {
      const feed = feedOf();
      const panel = await open({ feed });
      const status = panel.page.locator('.panel > [role=status]');
      assert.equal(await status.textContent(), 'orders-api Live');
      panel.answer = (query) => situations.lost!.frame(feed, query);
      await panel.refresh();
      await panel.page.waitForFunction(
        () => document.querySelector('.panel > [role=status]')?.textContent === 'orders-api Lost',
      );
    });
  });

  describe('what is told of the client', () => {
    const folded = '.notices details';

    it('calls that it refused, and what that means, in one quiet line that opens', async () => {
      const feed = feedOf(60);
      const panel = await openAs('told-folded', {}, feed);
      const notice = panel.page.locator(folded).first();
      assert.equal(await notice.locator('summary').innerText(), 'One call with a wrong token was refused');
      assert.ok(!(await notice.locator('li').isVisible()));
      await notice.locator('summary').click();
      assert.match(await notice.locator('li').innerText(), /^Somebody tried to read .* learned nothing\./);
      const frame = panel.answer(panel.query!);
      panel.answer = () => ({ ...frame, refusedCalls: 12_345 });
      await panel.refresh();
      await panel.page.getByText('12,345 calls with a wrong token were refused').waitFor();
      assert.ok(await notice.locator('li').isVisible(), 'it stays open');
      panel.answer = () => ({ ...frame, refusedCalls: 0 });
      await panel.refresh();
      await panel.page.getByText('with a wrong token').waitFor({ state: 'hidden' });
    });

    it('what there was no room for', async () => {
      const panel = await openAs('told');
      await panel.page.locator(folded, { hasText: 'Some things are left out here' }).locator('summary').click();
      const rows = await panel.page.locator(`${folded} li:visible`).allInnerTexts();
      assert.deepEqual(rows, [
        '12 more channels have no room here',
        '48,000 more names of methods, shown as “(other)”',
      ]);
    });

    it('what it had kept from before it was attached, as long as that is in view', async () => {
      const panel = await openAs('told');
      const line = panel.page.locator('.notices > p');
      assert.match(await line.innerText(), /^Before \d\d:\d\d:\d\d: kept by the client, the last 60 s$/);
      const frame = panel.answer(panel.query!);
      panel.answer = () => ({ ...frame, kept: { seconds: 60, untilMs: frame.channel!.atMs - 3_600_000 } });
      await panel.refresh();
      await line.waitFor({ state: 'hidden' });
    });

    it('that there is no place among its watchers, and when it tries again', async () => {
      const panel = await openAs('full');
      const banner = panel.page.locator('.banner.warning');
      assert.match(await banner.innerText(), /as soon as there is room.*\s+Trying again in 1?\d s; tries so far: 2\./);
      await banner.getByRole('button', { name: 'Retry Now' }).click();
      assert.deepEqual(await panel.commanded(1), [{ name: 'retryNow' }]);
    });

    it('that its certificate is not trusted, and that nothing happens by itself', async () => {
      const panel = await openAs('certificate');
      const banner = panel.page.locator('.banner.error');
      assert.match(await banner.innerText(), /pickscope\.tlsRootsFile/);
      assert.doesNotMatch(await banner.innerText(), /Trying again/);
    });
  });

  describe('strings from clients', () => {
    const hostile = [
      '<img src=x onerror="window.hurt=1">',
      '<script>window.hurt=1</script>',
      '"><svg onload=window.hurt=1>',
      '\u202eevil\u2066',
      '{0} **strong**',
      'x'.repeat(1_000_000),
    ];

    for (const text of hostile) {
      it(`are text: ${text.slice(0, 30)}`, async () => {
        const feed = feedOf(10);
        feed.add({ method: `/${text}`, result: PickResult.FAILED, code: 14 });
        const inspected = feed.add({ method: text, result: PickResult.FAILED, code: 14 });
        const panel = await open({ feed, answer: (query) => withHostile(feed.frame(query), text) });
        await panel.page.getByRole('button', { name: 'Events' }).click();
        await panel.page.locator('.events li').first().waitFor();
        await panel.page.locator(`tr[data-key="${inspected.key}"]`).click();
        await panel.page.locator('.inspector').waitFor();
        const made = await panel.page.evaluate(() => ({
          hurt: 'hurt' in window,
          elements: document.querySelectorAll('.panel img, .panel script, .panel svg[onload]').length,
          longest: Math.max(...[...document.querySelectorAll('.foreign')].map((node) => node.textContent.length)),
          isolated: [...document.querySelectorAll('.foreign')].every(
            (node) => getComputedStyle(node).unicodeBidi === 'isolate',
          ),
        }));
        assert.deepEqual(
          { ...made, longest: made.longest <= 2001 },
          { hurt: false, elements: 0, longest: true, isolated: true },
        );
      });
    }

    function withHostile(frame: Frame, text: string): Frame {
      const channel = frame.channel!;
      const client = { id: 'x', name: text, pid: 1, folder: text, language: text, attached: true };
      return {
        place: 'side',
        attachment: { state: 'lost', client, atMs: channel.atMs, reason: text, nextTryMs: null, tries: 1 },
        clients: [client],
        channels: [{ id: 1, target: text, closed: false, picksPerSecond: 1 }],
        software: text,
        limitations: [text, text],
        refusedCalls: 2,
        channel: {
          ...channel,
          target: text,
          policyPath: [text, text],
          policyNote: text,
          events: [
            {
              key: 900,
              timeMs: channel.atMs,
              kind: 'endpointState',
              endpoint: 1,
              address: text,
              from: 'READY',
              to: 'TRANSIENT_FAILURE',
              error: text,
            },
            { key: 901, timeMs: channel.atMs, kind: 'resolver', addresses: [text], count: 1, error: text },
            { key: 902, timeMs: channel.atMs, kind: 'policy', path: [text], note: text },
          ],
          picks: channel.picks.map((pick) => (pick.reason === 'failed' ? { ...pick, code: text } : pick)),
          filterError: { token: text, reason: 'number' },
          endpoints: channel.endpoints.map((endpoint) => ({
            ...endpoint,
            label: text,
            addresses: [text],
            error: text,
          })),
        },
      };
    }
  });
});
