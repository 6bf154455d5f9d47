import { createPrivateKey, X509Certificate } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { TlsKeys } from './connections';

/*
 * What those who start a program tell it about tokens and TLS. No message holds a token or a key.
 */

const [minTokenLength, maxTokenLength] = [16, 1024];
/** Bytes; a longer file is none of ours. */
const maxFileLength = 64 * 1024;

/**
 * The token of PICKSCOPE_TOKEN, or of the file that PICKSCOPE_TOKEN_FILE names; undefined: none.
 *
 * @throws Error that says what is wrong with it.
 */
export function configuredToken(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { PICKSCOPE_TOKEN: token = '', PICKSCOPE_TOKEN_FILE: file = '' } = env;
  if (token !== '' && file !== '') throw new Error('set PICKSCOPE_TOKEN or PICKSCOPE_TOKEN_FILE, not both');
  if (file !== '') return checkedToken('PICKSCOPE_TOKEN_FILE', readSecret('PICKSCOPE_TOKEN_FILE', file).trim());
  return token === '' ? undefined : checkedToken('PICKSCOPE_TOKEN', token);
}

function checkedToken(name: string, token: string): string {
  if (token.length < minTokenLength || token.length > maxTokenLength) {
    throw new Error(
      `the token in ${name} has ${token.length} characters, but needs ${minTokenLength} to ${maxTokenLength}: ` +
        'make one with `openssl rand -hex 32`',
    );
  }
  // Others do not come through a header as they are.
  if (!/^[!-~]([ -~]*[!-~])?$/.test(token)) {
    throw new Error(`the token in ${name} may hold printable ASCII characters only, and no space at its ends`);
  }
  return token;
}

/**
 * The keys that were given in code, else those in the files that PICKSCOPE_TLS_CERT and PICKSCOPE_TLS_KEY name; undefined: none.
 *
 * @throws Error that says what is wrong with them.
 */
export function configuredTls(given: TlsKeys | undefined, env: NodeJS.ProcessEnv = process.env): TlsKeys | undefined {
  const { PICKSCOPE_TLS_CERT: cert = '', PICKSCOPE_TLS_KEY: key = '' } = env;
  if (given) return checkedTls('option tls', given);
  if (cert === '' && key === '') return undefined;
  if (cert === '' || key === '') throw new Error('PICKSCOPE_TLS_CERT and PICKSCOPE_TLS_KEY go together: set both');
  return checkedTls('PICKSCOPE_TLS_CERT and PICKSCOPE_TLS_KEY', {
    cert: readFileSync(cert, 'utf8'),
    key: readSecret('PICKSCOPE_TLS_KEY', key),
  });
}

function checkedTls(name: string, { cert, key }: TlsKeys): TlsKeys {
  if (!isPair(name, cert, key)) throw new Error(`the key of ${name} is not that of the certificate`);
  return { cert, key };
}

function isPair(name: string, cert: string, key: string): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${name}: not a certificate and its private key in PEM (${message})`, { cause: error });
  }
}

/** Of a file that nobody else can have read or written: ours, or of root, who may let our group read it. */
function readSecret(name: string, file: string): string {
  // Not waiting where someone has put a named pipe.
  const handle = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK || 0));
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > maxFileLength) throw new Error(`${name}: ${file} is no file with a secret in it`);
    const fault = secretFault(stat);
    if (fault !== undefined) throw new Error(`${name}: ${file} ${fault}`);
    return readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
}

function secretFault({ uid, mode }: { readonly uid: number; readonly mode: number }): string | undefined {
  if (!process.getuid) return undefined;
  const own = uid === process.getuid();
  if (!own && uid !== 0) return `belongs to another user (uid ${uid})`;
  // Secrets that are mounted into a container are root's, and our group's to read.
  const open = mode & (own ? 0o077 : 0o027);
  return open === 0 ? undefined : `is open to other users (mode ${(mode & 0o777).toString(8)}): chmod 600 it`;
}
