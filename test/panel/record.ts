import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeRecorded, recordingHeader } from '@pickscope/protocol/recording';
import { FakeClient } from '../unit/model/fakeClient';

/*
 * Makes the recording that the panel's pictures and its oracle are of: almost 100 s in the life of five backends, in which all
 * happens that a panel has to show. The same each time.
 *
 *     node --import tsx --conditions=pickscope-source test/panel/record.ts
 */

export const recordingFile = path.join(import.meta.dirname, 'shop.pickscope');

const [slow, flaky, flapping] = ['10.0.0.4:50051', '10.0.0.3:50051', '10.0.0.5:50051'];
const added = { address: '10.0.0.6:50051', latencyMs: 3 };

/** The bytes of the file. */
export function recording(): Buffer {
  const backends = [
    { address: '10.0.0.1:50051', latencyMs: 2, tail: 0.4 },
    { address: '10.0.0.2:50051', latencyMs: 5, tail: 0.4 },
    { address: flaky, latencyMs: 10, tail: 0.4, errors: 0.04 },
    { address: slow, latencyMs: 40, tail: 0.4 },
    { address: flapping, latencyMs: 8, tail: 0.4 },
  ];
  const methods = ['/shop.Cart/GetCart', '/shop.Cart/GetCart', '/shop.Cart/ListItems', '/shop.Cart/PutItem'];
  const client = new FakeClient({ backends, picksPerSecond: 14, seed: 4, methods }).attach();
  client.run(20_000).fail(flapping, 'connect ECONNREFUSED 10.0.0.5:50051');
  client.run(10_000).recover(flapping);
  client.run(8_000).add(added);
  client.run(10_000).remove(added.address);
  // So often that no pair with it is healthy.
  client.run(2_000).setErrors(flaky, 0.9);
  client.run(14_000).setErrors(flaky, 0.04);
  // For a moment nobody is there: picks wait.
  client.run(4_000);
  for (const { address } of backends) client.fail(address, 'read ECONNRESET');
  client.run(1_000);
  for (const { address } of backends) client.recover(address);
  client.run(3_000).drop(40, 38);
  client.run(26_000);
  return Buffer.concat([recordingHeader(), ...client.flush().messages.map(encodeRecorded)]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(recordingFile, recording());
