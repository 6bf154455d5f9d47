import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as tls from 'node:tls';
import { credentials, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import { secureScheme } from './target';

/** How whoever answers proves to be the client. */
export type Trust =
  /** PEM of the one certificate that it must show, whatever name that is made out to. */
  | { readonly certificate: string }
  /** By a root that the editor trusts, or one of a PEM file at this path; '': no file. */
  | { readonly rootsFile: string };

export interface Transport {
  /** As gRPC writes it. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
}

/**
 * How to speak to an address; without trust in plaintext.
 *
 * @throws Error that says why the certificate, or the file of roots, cannot be used.
 */
export async function transportTo(address: string, trust: Trust | undefined): Promise<Transport> {
  if (!trust) return { target: address, credentials: credentials.createInsecure(), channelOptions: {} };
  if ('certificate' in trust) {
    // The name that is asked for, as a host may be a number, which TLS takes for none.
    const channelOptions = { 'grpc.ssl_target_name_override': 'localhost' };
    return { target: address, credentials: pinned(trust.certificate), channelOptions };
  }
  const target = address.slice(secureScheme.length);
  return { target, credentials: await rooted(trust.rootsFile), channelOptions: {} };
}

function pinned(pem: string): ChannelCredentials {
  const expected = new X509Certificate(pem);
  // Its issuer is not known here, and does not matter.
  const context = tls.createSecureContext({ ca: pem, allowPartialTrustChain: true });
  return credentials.createFromSecureContext(context, {
    checkServerIdentity: (_, { raw }) =>
      expected.raw.equals(raw) ? undefined : new Error('another certificate than the one of the descriptor'),
  });
}

async function rooted(file: string): Promise<ChannelCredentials> {
  if (file === '') return credentials.createSsl();
  const further = await readFile(file, 'utf8');
  checkPem(further, file);
  return credentials.createFromSecureContext(tls.createSecureContext({ ca: [...tls.rootCertificates, further] }));
}

/** A secure context would take nonsense for no roots at all. */
function checkPem(text: string, file: string): void {
  try {
    new X509Certificate(text);
  } catch {
    throw new Error(`${file} holds no certificate in PEM`);
  }
}
