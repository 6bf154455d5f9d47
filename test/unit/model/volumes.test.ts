import assert from 'node:assert/strict';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { WatchResponseSchema, type ChangeSchema } from '@pickscope/protocol/messages';
import { ClientModel } from '../../../src/model/clientModel';
import { maxChannels } from '../../../src/model/registry';
import { queryOf } from './queries';

const query = queryOf({ windowSeconds: 30 });

type Body = NonNullable<MessageInitShape<typeof WatchResponseSchema>['body']>;
type Entity = NonNullable<MessageInitShape<typeof ChangeSchema>['entity']>;

/** A model that is told of more than it has room for. */
class Crowd {
  readonly model = new ClientModel({ pickBudgetBytes: 1_000_000 });

  private nowNs = 0n;

  constructor() {
    this.begin();
  }

  begin(): this {
    const clock = { monotonicNs: (this.nowNs += 1_000_000_000n), wallUnixNs: 1n << 60n };
    this.tell({ case: 'process', value: { instance: 'a', clock } });
    this.tell({ case: 'snapshotBegin', value: {} });
    return this.tell({ case: 'snapshotEnd', value: {} });
  }

  tell(body: Body): this {
    this.model.apply(create(WatchResponseSchema, { body }));
    return this;
  }

  change(...entities: Entity[]): this {
    return this.tell({
      case: 'changes',
      value: { changes: entities.map((entity) => ({ timeNs: this.nowNs, entity })) },
    });
  }

  channel(id: number, more: { closed?: boolean } = {}): Entity {
    return { case: 'channel', value: { id, target: `dns:///${id}`, ...more } };
  }

  view() {
    return this.model.view(query, Date.now())!;
  }
}

/** From 1 on. */
function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe('A client with more than there is room for', () => {
  it('has its channels counted that are left out, until they close or a snapshot names others', () => {
    const crowd = new Crowd();
    crowd.change(...numbers(maxChannels + 100).map((id) => crowd.channel(id)));
    assert.equal(crowd.model.channels(0).length, maxChannels);
    assert.equal(crowd.view().channelsLeftOut, 100);
    crowd.change(crowd.channel(maxChannels + 1, { closed: true }));
    assert.equal(crowd.view().channelsLeftOut, 99);
    crowd.change(crowd.channel(1, { closed: true }), crowd.channel(maxChannels + 2));
    assert.equal(crowd.view().channelsLeftOut, 98, 'a closed one makes room');
    crowd.begin();
    assert.equal(crowd.view().channelsLeftOut, 0);
  });

  it('has its 50,000 methods called "(other)" from the point where there is no room, and those counted', () => {
    const crowd = new Crowd();
    const ids = numbers(50_000);
    crowd
      .change(crowd.channel(1))
      .tell({ case: 'strings', value: { ids, values: ids.map((id) => `/shop.Cart/${id}`) } });
    const method = [1, 19_000, 30_000, 50_000, 0];
    crowd.tell({ case: 'picks', value: { rows: 5, channel: [1, 1, 1, 1, 1], method, baseTimeNs: 2_000_000_000n } });
    const shown = crowd.view();
    assert.deepEqual(shown.picks.map((pick) => pick.method).reverse(), [
      '/shop.Cart/1',
      '/shop.Cart/19000',
      '(other)',
      '(other)',
      '',
    ]);
    const kept = 20_000 - 1;
    assert.equal(shown.methodsLeftOut, 50_000 - kept);
  });
});
