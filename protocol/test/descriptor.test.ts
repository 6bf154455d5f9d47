import { isProcessGone, parseDescriptor, processStart, type Descriptor } from '@pickscope/protocol/descriptor';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

const valid: Descriptor = {
  descriptorVersion: 1,
  instance: '0123456789abcdef'.repeat(2),
  pid: process.pid,
  processStart: processStart(process.pid),
  hostName: 'here',
  name: 'cart',
  folder: 'shop',
  language: 'node',
  address: 'unix:/run/user/1000/pickscope/0123456789ab.sock',
  token: 'a'.repeat(64),
};

describe('a descriptor', () => {
  it('is read, with fields of a later version ignored', () => {
    const text = JSON.stringify({ ...valid, descriptorVersion: 2, colour: 'green' });
    assert.equal(parseDescriptor(text).address, valid.address);
    assert.equal(parseDescriptor(JSON.stringify({ ...valid, address: '127.0.0.1:4000' })).pid, process.pid);
  });

  it('that is malformed is refused by the name of the field, without its value', () => {
    const wrong: Partial<Record<keyof Descriptor, unknown>> = {
      descriptorVersion: 0,
      instance: '../../etc/passwd',
      pid: -1,
      processStart: 7,
      hostName: 'x'.repeat(257),
      name: null,
      folder: undefined,
      language: {},
      address: 'http://evil/',
      token: `${'a'.repeat(63)}G`,
    };
    for (const [field, value] of Object.entries(wrong)) {
      const text = JSON.stringify({ ...valid, [field]: value });
      assert.throws(() => parseDescriptor(text), { message: `field "${field}" is missing or malformed` });
    }
    for (const text of ['', '[', 'null', '7', '"x"']) assert.throws(() => parseDescriptor(text));
  });

  it('tells a process that is gone from one that runs', () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''], { env: {} });
    assert.equal(isProcessGone(valid, 'here'), false);
    assert.equal(isProcessGone({ ...valid, pid }, 'here'), true);
    assert.equal(isProcessGone({ ...valid, pid }, 'elsewhere'), false, 'another host cannot know');
  });

  // Elsewhere the system does not say when a process began.
  if (process.platform === 'linux')
    it('tells a pid that was given again from the process that had it', () => {
      assert.equal(isProcessGone({ ...valid, processStart: '1' }, 'here'), true);
      assert.equal(isProcessGone({ ...valid, processStart: '' }, 'here'), false);
    });
});
