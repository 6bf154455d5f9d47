import assert from 'node:assert/strict';
import type { Query } from '../../src/messages/panel';
import { firstQuery, Recorded } from './feed';
import { open, patienceMs, pickRows } from './opening';
import { Oracle, type Span, type ToldPick } from './oracle';
import type { PanelPage } from './page';
import { recordingFile } from './record';

const slow = '10.0.0.4:50051';
/** Quantiles are told to within 10 %. */
const near = 0.11;

describe('what the panel shows of a recording', function () {
  this.timeout(patienceMs);

  let oracle: Oracle;
  let recorded: Recorded;

  before(async () => {
    oracle = await Oracle.read(recordingFile);
    recorded = await Recorded.open(recordingFile);
  });

  /** ms after the recording's begin. */
  const at = (seconds: number) => oracle.picks[0]!.timeMs - (oracle.picks[0]!.timeMs % 1000) + seconds * 1000;

  function show(query: Partial<Query>): Promise<PanelPage> {
    return open({ feed: recorded, width: 900, height: 1000, query });
  }

  // While all is well, while one is gone, while one is new, while nearly all of one's calls fail, and after nobody was there.
  for (const seconds of [15, 25, 42, 60, 90]) {
    it(`is each endpoint as it was ${seconds} s after the begin`, async () => {
      const untilMs = at(seconds);
      const panel = await show({ untilMs });
      const rows = await endpointRows(panel);
      assert.deepEqual(
        rows.map(({ address }) => address),
        oracle.present(untilMs),
      );
      const span = lastSeconds({ untilMs });
      for (const row of rows) assertRow(row, untilMs, span);
    });
  }

  /** Of what the figures are: the last 10 s that are complete, as the host says. Readings are those of its end. */
  function lastSeconds(query: Partial<Query>): Span {
    const { atMs, shareSpan } = recorded.frame({ ...firstQuery, ...query }).channel!;
    const { fromMs, toMs } = shareSpan;
    assert.ok(toMs - fromMs === 10_000 && toMs <= atMs && toMs > atMs - 500, `${fromMs} to ${toMs} at ${atMs}`);
    return [fromMs, toMs];
  }

  function assertRow(row: EndpointTexts, untilMs: number, span: Span): void {
    const { address } = row;
    assert.equal(row.ready, oracle.isReady(address, untilMs), address);
    if (!row.ready) {
      assert.deepEqual([row.share, row.lag, row.load, row.rate], ['', '', '', ''], `${address} shows no numbers`);
      return;
    }
    assert.equal(row.share, `${percent(oracle.share(address, span))} %`, `share of ${address}`);
    assert.equal(row.rate, rate(oracle.picksPerSecond(address, span)), `picks/s of ${address}`);
    const readMs = span[1];
    assert.equal(row.lag, threeDigits(oracle.last(address, 'lagMs', readMs)), `lag of ${address}`);
    assert.equal(row.success, String(oracle.last(address, 'success', readMs)), `success of ${address}`);
    assert.equal(row.inflight, String(oracle.last(address, 'inflight', readMs)), `inflight of ${address}`);
    // Latencies are of the whole seconds in which the span lies.
    const seconds: Span = [Math.floor(span[0] / 1000) * 1000, Math.ceil(span[1] / 1000) * 1000];
    assertNear(row.p50, oracle.latency(address, seconds, 0.5), `median of ${address}`);
    assertNear(row.p95, oracle.latency(address, seconds, 0.95), `p95 of ${address}`);
    const ends = oracle.endsOf(address, span);
    const failed = ends.filter(({ code }) => code !== 0).length / ends.length;
    assert.equal(row.failures, `${percent(failed)} %`, `failures of ${address}`);
  }

  it('is the share of what is selected', async () => {
    const selection = { fromMs: at(5), toMs: at(19) };
    const panel = await show({ untilMs: at(30), selection });
    for (const { address, share, rate: shown } of await endpointRows(panel)) {
      const span: Span = [selection.fromMs, selection.toMs];
      assert.equal(share, `${percent(oracle.share(address, span))} %`, address);
      assert.equal(shown, rate(oracle.picksPerSecond(address, span)), address);
    }
  });

  for (const [name, span] of [
    ['the window', undefined],
    ['what is selected', [48, 64]],
  ] as const) {
    it(`are the reasons of ${name}, counted`, async () => {
      const selection = span && { fromMs: at(span[0]), toMs: at(span[1]) };
      const untilMs = at(80);
      const panel = await show({ untilMs, windowSeconds: 60, ...(selection && { selection }) });
      const [, completeMs] = lastSeconds({ untilMs });
      const counted = oracle.reasons(selection ? [selection.fromMs, selection.toMs] : [at(20), completeMs]);
      const shown = await reasonTexts(panel);
      for (const [reason, words] of Object.entries({ ...reasonWords, queued: 'queued', only: 'only one' }))
        assert.equal(shown.get(words), counted.has(reason) ? count(counted.get(reason)!) : undefined, reason);
    });
  }

  const filters: Readonly<Record<string, (pick: ToldPick) => boolean>> = {
    '': () => true,
    forced: ({ reason }) => reason === 'forced',
    '10.0.0.4': ({ candidates, address }) => [...candidates.map((one) => one.address), address].includes(slow),
    'PutItem forced': ({ method, reason }) => method.endsWith('PutItem') && reason === 'forced',
    error: ({ end }) => end !== undefined && end.code !== 0,
    '>30ms': ({ end }) => end !== undefined && end.latencyMs > 30,
    queued: ({ reason }) => reason === 'queued',
  };
  for (const [filter, wanted] of Object.entries(filters)) {
    it(`are the picks that "${filter}" lets through, newest first`, async () => {
      const untilMs = at(75);
      const panel = await show({ untilMs, filter });
      const told = oracle.picksIn([0, untilMs]).filter((pick) => wanted(endedBy(pick, untilMs)));
      const rows = await pickTexts(panel);
      assert.ok(rows.length >= Math.min(10, told.length));
      assert.deepEqual(
        rows,
        told
          .reverse()
          .slice(0, rows.length)
          .map((pick) => rowTexts(endedBy(pick, untilMs))),
      );
    });
  }

  it('is why an endpoint was not taken', async () => {
    const selection = { fromMs: at(2), toMs: at(64) };
    const query = { untilMs: at(66), selection };
    const { channel } = recorded.frame({ ...firstQuery, ...query });
    const ask = channel!.endpoints.find(({ addresses }) => addresses[0] === slow)!.id;
    const panel = await show({ ...query, ask });
    const told = oracle.answer(slow, [selection.fromMs, selection.toMs]);
    const shown = await categories(panel);
    assert.deepEqual(shown, {
      undecided: told.undecided,
      notHeld: told.notHeld,
      notDrawn: told.notDrawn,
      lost: told.lost,
      taken: told.taken,
    });
  });
});

interface EndpointTexts {
  readonly address: string;
  readonly ready: boolean;
  readonly share: string;
  readonly lag: string;
  readonly p50: string;
  readonly p95: string;
  readonly inflight: string;
  readonly success: string;
  readonly failures: string;
  readonly rate: string;
  readonly load: string;
}

function endpointRows({ page }: PanelPage): Promise<EndpointTexts[]> {
  return page.locator('.endpoints tbody tr').evaluateAll((all) =>
    all.map((row) => {
      const text = (name: string) => row.querySelector(`td.${name}`)!.textContent;
      return {
        address: row.getAttribute('data-addresses')!,
        ready: !row.classList.contains('absent'),
        share: text('share'),
        lag: text('lag'),
        p50: text('p50'),
        p95: text('p95'),
        inflight: text('inflight'),
        success: text('success'),
        failures: text('failures'),
        rate: text('rate'),
        load: text('load'),
      };
    }),
  );
}

/** The rows that are in view: time, method, loads, reason, outcome, ms. */
function pickTexts({ page }: PanelPage): Promise<string[][]> {
  return page.locator(pickRows).evaluateAll((rows) =>
    rows.map((row) => {
      const text = (selector: string) => row.querySelector(selector)?.textContent ?? '';
      const loads = [...row.querySelectorAll('.number')].map(({ textContent }) => textContent);
      return [text('.time > span:last-child'), text('.method'), loads.join(' '), text('.reason'), text('.ms')];
    }),
  );
}

/** The same of what the recording tells. */
function rowTexts({ timeMs, method, candidates, reason, end }: ToldPick): string[] {
  const compared = candidates.length === 2;
  const words: Readonly<Record<string, string>> = { unhealthy: 'sick' };
  const ms = end ? `${end.code === 0 ? '' : '✕ '}${oneDigit(end.latencyMs)}` : reason === 'queued' ? '' : '…';
  return [
    new Date(timeMs).toISOString().slice(17, 23),
    method.split('/').at(-1)!,
    compared ? candidates.map(({ score }) => String(score)).join(' ') : '',
    words[reason] ?? reason,
    ms,
  ];
}

const reasonWords: Readonly<Record<string, string>> = { lower: 'lower', forced: 'forced', unhealthy: 'sick pair' };

/** The counters by reason, by their words. */
async function reasonTexts({ page }: PanelPage): Promise<Map<string, string>> {
  const counters = await page
    .locator('.counter')
    .evaluateAll((all) =>
      all.map((each) => [each.querySelector('span')!.textContent, each.querySelector('b')!.textContent] as const),
    );
  return new Map(counters);
}

/** As it was known at this moment. */
function endedBy(pick: ToldPick, atMs: number): ToldPick {
  const { end, ...running } = pick;
  return end && pick.completed && end.timeMs <= atMs ? pick : running;
}

async function categories({ page }: PanelPage): Promise<Record<string, number>> {
  const rows = await page
    .locator('.answer .categories tr')
    .evaluateAll((all) =>
      all.map((row) => [row.getAttribute('data-category'), row.querySelector('td')!.textContent] as const),
    );
  const sums: Record<string, number> = { undecided: 0, notHeld: 0, notDrawn: 0, lost: 0, taken: 0 };
  for (const [name, text] of rows) {
    const category = name!.split('-')[0]!;
    if (category !== 'empty') sums[category]! += Number(text.replaceAll(',', ''));
  }
  return sums;
}

function assertNear(shown: string, told: number, what: string): void {
  if (Number.isNaN(told)) assert.equal(shown, '', what);
  else assert.ok(Math.abs(Number(shown) / told - 1) < near, `${what}: ${shown} is shown, ${told} is told`);
}

function percent(ratio: number): string {
  const value = ratio * 100;
  return value > 0 && value < 0.5 ? '<1' : String(Math.round(value));
}

function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

function oneDigit(ms: number): string {
  return ms < 99.95 ? ms.toFixed(1) : String(Math.round(ms));
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function threeDigits(value: number | undefined): string {
  if (value === undefined) return '';
  if (value === 0) return '0';
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : String(Math.round(value));
}
