import * as grpc from '@grpc/grpc-js';
import { ScoreOrder } from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import * as grpc110 from 'grpc-js-1.10';
import { registerPolicy, serviceConfig, type Policy } from '../src/main';
import { Fixture, inTurn } from './balancer/fixture';
import { channelOf } from './records';

function build({ readyEndpoints }: { readonly readyEndpoints: readonly unknown[] }) {
  return inTurn(readyEndpoints.length);
}

describe('registerPolicy', () => {
  const fixture = new Fixture();

  it("runs a program's own policy, by the name that its service config gives", async () => {
    const policy: Policy = { name: 'own_policy', scoreOrder: 'higher_wins', build };
    registerPolicy(policy);
    registerPolicy(policy);
    const servers = await fixture.start(2);
    const client = fixture.open(servers, 'pick_first', {
      channel: { 'grpc.service_config': serviceConfig('own_policy') },
    });
    for (let i = 0; i < 4; i++) assert.equal(await client.get(), grpc.status.OK);
    const [running] = channelOf(client).policies;
    assert.deepEqual([running?.message.name, running?.message.scoreOrder], ['own_policy', ScoreOrder.HIGHER_WINS]);
  });

  it('refuses a name that is taken, or none', () => {
    for (const name of ['p2c_ewma', 'round_robin']) {
      assert.throws(() => registerPolicy({ name, build }), {
        message: `There is a policy "${name}" already: give yours another name.`,
      });
    }
    for (const name of ['', 'Own', 'own policy', '1st', undefined]) {
      assert.throws(() => registerPolicy({ name, build } as Policy), /is no name for a policy: use lower case/);
    }
    assert.throws(
      () => registerPolicy({ name: 'no_build' } as unknown as Policy),
      /no_build has no function build\(\)/,
    );
  });

  it('says which version it needs', () => {
    assert.throws(
      () => registerPolicy({ name: 'for_an_old_copy', build }, grpc110),
      /^Error: for_an_old_copy needs @grpc\/grpc-js 1\.14 or newer; found 1\.10\.\d+\./,
    );
  });
});

describe('serviceConfig', () => {
  it('chooses a policy in one line', () => {
    assert.equal(serviceConfig('p2c_ewma'), '{"loadBalancingConfig":[{"p2c_ewma":{}}]}');
    assert.equal(
      serviceConfig('outlier_detection', { child_policy: [{ p2c_ewma: {} }] }),
      '{"loadBalancingConfig":[{"outlier_detection":{"child_policy":[{"p2c_ewma":{}}]}}]}',
    );
  });

  it('refuses a policy that is not there, and names the one that was probably meant', () => {
    assert.throws(
      () => serviceConfig('P2C_EWNA'),
      /^Error: There is no policy "P2C_EWNA"\. Did you mean p2c_ewma\? There are: p2c_ewma, .*, round_robin, /,
    );
    assert.throws(
      () => serviceConfig('entirely_different'),
      /^Error: There is no policy "entirely_different"\. There are: /,
    );
  });

  it('refuses a config that the policy refuses', () => {
    const parseConfig = ({ size }: Readonly<Record<string, unknown>>) => {
      if (typeof size !== 'number') throw new Error(`size is ${String(size)}, but has to be a number.`);
      return { size };
    };
    registerPolicy({ name: 'with_a_size', parseConfig, build });
    assert.equal(serviceConfig('with_a_size', { size: 1 }), '{"loadBalancingConfig":[{"with_a_size":{"size":1}}]}');
    assert.throws(() => serviceConfig('with_a_size', { size: 'big' }), {
      message: 'The service config of with_a_size cannot be used: size is big, but has to be a number.',
    });
    assert.throws(() => serviceConfig('p2c_ewma', []), /The service config of p2c_ewma is \[\]; it must be an object/);
    assert.throws(() => serviceConfig('outlier_detection'), /child_policy must be an array/);
  });
});
