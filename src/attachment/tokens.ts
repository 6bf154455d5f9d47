import type { SecretStorage } from 'vscode';

/** The tokens of entered addresses, in the editor's secret storage. Those of discovered clients are in their descriptors. */
export class Tokens {
  constructor(private readonly secrets: SecretStorage) {}

  /** '' if there is none. */
  async get(address: string): Promise<string> {
    return (await this.secrets.get(keyOf(address))) ?? '';
  }

  async set(address: string, token: string): Promise<void> {
    await this.secrets.store(keyOf(address), token);
  }
}

function keyOf(address: string): string {
  return `token:${address}`;
}
