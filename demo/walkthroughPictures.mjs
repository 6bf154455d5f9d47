import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** px of the picture in docs/pictures, and how wide it becomes: they ship, so they are small. */
const cuts = {
  shares: { from: 'panel-dark', x: 8, y: 332, width: 578, height: 500, to: 390 },
  pick: { from: 'questions/01-each-call', x: 0, y: 20, width: 505, height: 618, to: 360 },
  why: { from: 'questions/02-why-not', x: 0, y: 325, width: 504, height: 660, to: 360 },
  time: { from: 'questions/09-history-lost', x: 0, y: 0, width: 1143, height: 753, to: 460 },
};
const quality = 0.55;

/**
 * Cuts the pictures of the walkthrough out of those of the docs.
 *
 * @param {import('../test/host/workbench.mjs').Page} page An empty one.
 * @param {string} root
 */
export async function cutWalkthroughPictures(page, root) {
  for (const [name, { from, ...cut }] of Object.entries(cuts)) {
    const png = readFileSync(path.join(root, 'docs', 'pictures', `${from}.png`), 'base64');
    const webp = await page.evaluate(encode, { png, ...cut, quality });
    const file = path.join(root, 'media', 'walkthrough', `${name}.webp`);
    writeFileSync(file, Buffer.from(webp, 'base64'));
    console.log(path.relative(process.cwd(), file));
  }
}

/* global document, Image */
/** In the page: it can encode what Node cannot. */
async function encode({ png, x, y, width, height, to, quality: wanted }) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  const scale = to / width;
  canvas.width = to;
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, x, y, width, height, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/webp', wanted).split(',')[1];
}
