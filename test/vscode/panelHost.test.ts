import assert from 'node:assert/strict';
import { EventEmitter, extensions, type LogOutputChannel, type Webview } from 'vscode';
import type { Frame, Query, ToHost, ToPanel } from '../../src/messages/panel';
import type { ClientModel } from '../../src/model/clientModel';
import { PanelHost } from '../../src/views/panelHost';
import type { PanelSource } from '../../src/views/panelSource';
import { queryOf } from '../unit/model/queries';
import { until } from '../unit/waiting';

/** A webview without a page: a test says what the panel would say. */
class FakeHolder {
  readonly said = new EventEmitter<ToHost>();
  readonly heard: ToPanel[] = [];
  visible = true;
  /** Whether it takes what is sent at once. */
  takes = true;
  /** How long it rests after a frame. */
  restMs = 0;
  readonly webview = {
    cspSource: 'none',
    onDidReceiveMessage: this.said.event,
    asWebviewUri: (uri: unknown) => uri,
    postMessage: (message: ToPanel) => {
      this.heard.push(message);
      const { type } = message;
      if ((type === 'frame' || type === 'chart') && this.takes) this.take(type);
      return Promise.resolve(true);
    },
  } as unknown as Webview;

  take(what: 'frame' | 'chart'): void {
    this.said.fire({ type: 'received', what, restMs: what === 'frame' ? this.restMs : 0 });
  }

  count(type: ToPanel['type']): number {
    return this.heard.filter((message) => message.type === type).length;
  }
}

/** Something to show that changes when a test says so; what is asked of it can be read. */
class FakeSource implements PanelSource {
  readonly place = 'editor';
  readonly ages = false;
  readonly asked: Query[] = [];
  changes = 0;
  charted = { chartVersion: 1, chart: () => undefined };

  modelOf(): ClientModel {
    return this.charted as unknown as ClientModel;
  }
  atMs(nowMs: number): number {
    return nowMs;
  }
  version(): number {
    return this.changes;
  }
  frame(query: Query): Frame {
    this.asked.push(query);
    return { place: 'editor' } as Frame;
  }
}

describe('the host of a panel', () => {
  let holder: FakeHolder;
  let source: FakeSource;
  let host: PanelHost;
  let errors: unknown[];

  beforeEach(() => {
    holder = new FakeHolder();
    source = new FakeSource();
    errors = [];
    host = hostOf(source);
    host.hold(holder);
  });
  afterEach(() => {
    host.letGo();
    assert.deepEqual(errors, []);
  });

  function hostOf(shown: PanelSource): PanelHost {
    return new PanelHost({
      source: shown,
      extensionUri: extensions.getExtension('pickscope.pickscope')!.extensionUri,
      log: { error: (...what: unknown[]) => errors.push(what) } as unknown as LogOutputChannel,
      reveal: () => undefined,
      onFocused: () => undefined,
    });
  }

  /** As long as it takes that another panel gets several frames. */
  async function otherPanelsAnswer(): Promise<void> {
    const other = { holder: new FakeHolder(), source: new FakeSource() };
    const second = hostOf(other.source);
    second.hold(other.holder);
    other.holder.said.fire({ type: 'query', query: queryOf() });
    for (let frames = 1; frames <= 3; frames++) {
      await until(() => other.holder.count('frame') >= frames);
      other.source.changes++;
    }
    second.letGo();
  }

  const ask = (part: Partial<Query> = {}) => holder.said.fire({ type: 'query', query: queryOf(part) });
  /** Changes something three times, and waits until each was answered. */
  async function threeChanges(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const before = source.asked.length;
      source.changes++;
      await until(() => source.asked.length > before);
    }
  }

  it('answers what is asked at once, and several questions of one turn by one answer', async () => {
    ask({ filter: 'a' });
    ask({ filter: 'b' });
    ask({ filter: 'c' });
    await until(() => holder.count('chart') === 1);
    assert.deepEqual(
      source.asked.map(({ filter }) => filter),
      ['c'],
    );
    assert.equal(holder.count('frame'), 1);
  });

  it('sends a frame when something changed, and a chart only when that did', async () => {
    ask();
    await until(() => holder.count('chart') === 1);
    await threeChanges();
    assert.equal(holder.count('frame'), 4);
    assert.equal(holder.count('chart'), 1);
    source.charted.chartVersion++;
    await until(() => holder.count('chart') === 2);
  });

  it('sends a chart for another axis, and none for another page of the list', async () => {
    ask();
    await until(() => holder.count('chart') === 1);
    ask({ rows: { skip: 60, limit: 60 } });
    await until(() => source.asked.at(-1)!.rows.skip === 60);
    assert.equal(holder.count('chart'), 1);
    ask({ windowSeconds: 10 });
    await until(() => holder.count('chart') === 2);
  });

  it('waits for a panel that is slow, and then says only what is asked for now', async () => {
    holder.takes = false;
    ask({ filter: 'a' });
    await until(() => holder.count('chart') === 1);
    ask({ filter: 'b' });
    ask({ filter: 'c' });
    source.changes++;
    await otherPanelsAnswer();
    assert.deepEqual([holder.count('frame'), holder.count('chart')], [1, 1]);
    holder.takes = true;
    holder.take('frame');
    holder.take('chart');
    assert.deepEqual(
      source.asked.map(({ filter }) => filter),
      ['a', 'c'],
    );
  });

  it('lets a panel rest after what it draws, and answers it all the same', async () => {
    holder.restMs = 1_000_000;
    ask();
    await until(() => holder.count('chart') === 1);
    source.changes++;
    source.charted.chartVersion++;
    await until(() => holder.count('chart') === 2);
    await otherPanelsAnswer();
    assert.equal(holder.count('frame'), 1);
    ask({ filter: 'a' });
    await until(() => holder.count('frame') === 2);
  });

  it('says nothing while it is hidden, and what it missed when it is shown again', async () => {
    ask();
    await until(() => holder.count('chart') === 1);
    holder.visible = false;
    host.visibilityChanged();
    source.changes++;
    source.charted.chartVersion++;
    ask();
    const frames = source.asked.length;
    await otherPanelsAnswer();
    assert.equal(source.asked.length, frames);
    holder.visible = true;
    host.visibilityChanged();
    await until(() => source.asked.length > frames && holder.count('chart') === 2);
  });

  it('has the panel do something as soon as it is there', async () => {
    await host.do({ name: 'pause' });
    assert.equal(holder.count('do'), 0);
    ask();
    await until(() => holder.count('do') === 1);
  });

  it('hands on the picture that the panel draws', async () => {
    ask();
    const drawn = host.picture({ addresses: true, methods: false });
    await until(() => holder.count('do') === 1);
    holder.said.fire({ type: 'picture', png: Uint8Array.of(1, 2) });
    assert.deepEqual(await drawn, Uint8Array.of(1, 2));
  });
});
