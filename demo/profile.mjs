import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeSettings } from '../test/host/server.mjs';

/**
 * A profile of VS Code of the demo's own, that attaches to clients of the demo and shows the side panel by itself.
 *
 * @param {readonly string[]} [clients] Their names; the main one.
 */
export function makeProfile(clients = ['orders-api']) {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-demo-'));
  const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
  writeSettings(profile, { 'pickscope.autoAttach': clients });
  const opener = path.join(import.meta.dirname, 'opener');
  cpSync(opener, path.join(profile.extensions, 'pickscope.demo-opener-0.0.1'), { recursive: true });
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  return { ...profile, folder, remove };
}
