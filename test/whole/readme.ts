import { readFileSync } from 'node:fs';

/**
 * The fenced block of the README, or another page, that follows the comment `<!-- run: NAME -->`, verbatim.
 *
 * @throws Error if there is no such block.
 */
export function readmeBlock(name: string, page = 'README.md'): string {
  const text = readFileSync(page, 'utf8');
  const [, block] = new RegExp(`<!-- run: ${name} -->\\n+\`\`\`\\w+\\n([^]*?)\n\`\`\``).exec(text) ?? [];
  if (block === undefined) throw new Error(`${page} has no block <!-- run: ${name} -->.`);
  return block;
}
