import assert from 'node:assert/strict';
import type { AttachmentState, Loss, Refusal } from '../../src/attachment/attachmentState';
import type { Target } from '../../src/attachment/target';
import { attachmentView } from '../../src/views/attachmentView';

describe('what the panel is told of an attachment', () => {
  const identity = { name: '<b>orders</b>', pid: 7, folder: 'shop', hostName: 'laptop', language: 'node' };
  const target: Target = { kind: 'address', address: '127.0.0.1:7700' };
  const view = (state: AttachmentState, nowMs = 1000) =>
    attachmentView({ id: 'a', state, target, identity }, false, false, nowMs);

  it('nothing, where none is attached', () => {
    assert.deepEqual(attachmentView(undefined, false, true, 0), { state: 'none', programsAttachable: true });
  });

  it('the client’s own text, as it is: the panel shows it as text', () => {
    const live = attachmentView(
      { id: 'a', state: { kind: 'live', sinceMs: 0, tries: 0 }, target, identity },
      true,
      false,
      0,
    );
    const client = { id: 'a', name: '<b>orders</b>', pid: 7, folder: 'shop', language: 'node', attached: true };
    assert.deepEqual(live, { state: 'live', client, paused: true });
  });

  it('each step of connecting, with the time that it took or takes so far', () => {
    const steps = (state: Partial<AttachmentState>) => {
      const connecting = view({ kind: 'connecting', startedMs: 100, ...state } as AttachmentState);
      return connecting.state === 'connecting' ? connecting.steps : [];
    };
    assert.deepEqual(steps({}), [{ step: 'connect', done: false, ms: 900 }]);
    assert.deepEqual(steps({ connectedMs: 102 }), [
      { step: 'connect', done: true, ms: 2 },
      { step: 'describe', done: false, ms: 898 },
    ]);
    assert.deepEqual(steps({ connectedMs: 102, describedMs: 110, protocol: '1.0' }), [
      { step: 'connect', done: true, ms: 2 },
      { step: 'describe', done: true, ms: 8, protocol: '1.0' },
      { step: 'snapshot', done: false, ms: 890 },
    ]);
  });

  const losses: [Loss, RegExp][] = [
    [{ kind: 'unreachable', detail: 'connect ENOENT' }, /^Nobody answers at 127\.0\.0\.1:7700\. \(connect ENOENT\)$/],
    [{ kind: 'closed', detail: '' }, /^The client closed the stream\.$/],
    [{ kind: 'silent' }, /said nothing for 5 seconds/],
    [{ kind: 'gap' }, /lost on the way/],
    [{ kind: 'gone' }, /process has ended/],
    [{ kind: 'unannounced' }, /descriptor is missing/],
    [{ kind: 'failed', detail: 'too long' }, /could not be read\. \(too long\)/],
  ];
  for (const [loss, text] of losses) {
    it(`what happened when a stream is lost: ${loss.kind}`, () => {
      const lost = view({ kind: 'lost', atMs: 5, loss, nextTryMs: 9, tries: 2 });
      assert.ok(lost.state === 'lost');
      assert.deepEqual([lost.atMs, lost.nextTryMs, lost.tries], [5, 9, 2]);
      assert.match(lost.reason, text);
    });
  }

  const refusals: [Refusal, RegExp][] = [
    [{ kind: 'versionMismatch', theirs: '2.0' }, /protocol 2\.0.*Update the extension\./],
    [{ kind: 'versionMismatch', theirs: '0.9' }, /protocol 0\.9.*Update the library/],
    [{ kind: 'wrongToken' }, /127\.0\.0\.1:7700.*Enter the one/],
    [{ kind: 'notPickscope' }, /127\.0\.0\.1:7700.*Check the address/],
    [{ kind: 'tooManyWatchers' }, /as soon as there is room: detach it in another window/],
    [
      { kind: 'wrongCertificate', detail: 'expired' },
      /certificate of 127.*setting pickscope\.tlsRootsFile.*\(expired\)/,
    ],
    [{ kind: 'badRoots', detail: 'ENOENT' }, /Correct the setting pickscope\.tlsRootsFile.*\(ENOENT\)/],
  ];
  for (const [refusal, text] of refusals) {
    it(`what to do when it is refused: ${refusal.kind}`, () => {
      const refused = view({ kind: 'refused', atMs: 5, refusal, nextTryMs: null, tries: 0 });
      assert.ok(refused.state === 'refused');
      assert.equal(refused.cause, refusal.kind);
      assert.match(refused.reason, text);
    });
  }
});
