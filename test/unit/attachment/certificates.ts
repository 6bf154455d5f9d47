import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';

const folder = path.join('test', 'unit', 'attachment', 'certificates');

/** `root` signed `server`, which is made out to localhost; `pinned` signed itself, and is made out to no host. */
type Name = 'root' | 'server' | 'pinned';

export function certificateFile(name: Name): string {
  return path.join(folder, `${name}.pem`);
}

export function certificate(name: Name): string {
  return readFileSync(certificateFile(name), 'utf8');
}

export function serverCredentials(name: 'server' | 'pinned'): ServerCredentials {
  const key = readFileSync(path.join(folder, `${name}.key`));
  return ServerCredentials.createSsl(null, [{ private_key: key, cert_chain: Buffer.from(certificate(name)) }]);
}
