import { readFileSync } from 'node:fs';

/**
 * The fenced block of the README that follows the comment `<!-- run: NAME -->`, verbatim.
 *
 * @throws Error if the README has no such block.
 */
export function readmeBlock(name: string): string {
  const readme = readFileSync('README.md', 'utf8');
  const [, block] = new RegExp(`<!-- run: ${name} -->\\n+\`\`\`\\w+\\n([^]*?)\n\`\`\``).exec(readme) ?? [];
  if (block === undefined) throw new Error(`README.md has no block <!-- run: ${name} -->.`);
  return block;
}
