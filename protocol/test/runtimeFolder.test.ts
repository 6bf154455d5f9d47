import { runtimeFolderFault, runtimeFolders } from '@pickscope/protocol/runtimeFolder';
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

// Windows has other ones, and neither modes nor owners.
if (process.platform !== 'win32')
  describe('the runtime folders', () => {
    it('are listed best first, without doubles, and never with a relative path', () => {
      const uid = String(process.getuid?.());
      assert.deepEqual(
        runtimeFolders({ PICKSCOPE_RUNTIME_DIR: '/p', XDG_RUNTIME_DIR: '/x', XDG_STATE_HOME: '/s', HOME: '/h' }),
        ['/p', '/x/pickscope', `/run/user/${uid}/pickscope`, '/s/pickscope', '/h/.pickscope'],
      );
      assert.deepEqual(
        runtimeFolders({ PICKSCOPE_RUNTIME_DIR: 'p', XDG_RUNTIME_DIR: `/run/user/${uid}`, HOME: '/h' }),
        [`/run/user/${uid}/pickscope`, '/h/.local/state/pickscope', '/h/.pickscope'],
      );
    });

    it('are trusted only if they are ours alone', () => {
      const root = mkdtempSync(path.join(tmpdir(), 'ps-'));
      try {
        const folder = path.join(root, 'own');
        mkdirSync(folder, { mode: 0o700 });
        assert.equal(runtimeFolderFault(folder), undefined);
        symlinkSync(folder, path.join(root, 'link'));
        assert.match(runtimeFolderFault(path.join(root, 'link'))!, /symbolic link/);
        writeFileSync(path.join(root, 'file'), '');
        assert.match(runtimeFolderFault(path.join(root, 'file'))!, /not a folder/);
        chmodSync(folder, 0o750);
        assert.match(runtimeFolderFault(folder)!, /mode 750, not 700/);
        assert.throws(() => runtimeFolderFault(path.join(root, 'none')), { code: 'ENOENT' });
      } finally {
        rmSync(root, { recursive: true });
      }
    });
  });
