import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PNG } from 'pngjs';
import { launchBrowser } from '../host/browser.mjs';
import { Recorded } from './feed';
import type { Browser } from './page';
import { difference, pictures, picturesFolder, take } from './pictures';
import { recording, recordingFile } from './record';

/** Of the pixels: what browsers of other versions draw otherwise, at the edges of letters and lines. */
const tolerance = 0.004;
const output = path.resolve('out', 'pictures');

describe('the pictures of the panel', function () {
  this.timeout(60_000);

  let browser: Browser;
  let feed: Recorded;

  before(async () => {
    browser = await launchBrowser();
    feed = await Recorded.open(recordingFile);
  });

  after(() => browser.close());

  it('are of the recording that its script makes', () => {
    assert.ok(readFileSync(recordingFile).equals(recording()), 'run test/panel/record.ts, then npm run pictures:panel');
  });

  it('are all there, and no others', () => {
    const names = pictures.map(({ name }) => `${name}.png`);
    assert.deepEqual(readdirSync(picturesFolder).sort(), names.sort());
  });

  it('are told apart where one word has moved', () => {
    const { width, height, data } = PNG.sync.read(readFileSync(path.join(picturesFolder, 'dark-300.png')));
    const moved = new PNG({ width, height });
    data.copy(moved.data);
    // A line of the list, three pixels to the right.
    for (let y = height - 60; y < height - 20; y++)
      moved.data.set(data.subarray(y * width * 4, (y + 1) * width * 4 - 12), y * width * 4 + 12);
    assert.ok(difference(PNG.sync.write(moved), PNG.sync.write(copyOf(width, height, data))).share > tolerance);
  });

  for (const picture of pictures) {
    it(picture.name, async () => {
      const name = `${picture.name}.png`;
      const actual = await take(browser, picture, feed);
      const { share, picture: drawn } = difference(actual, readFileSync(path.join(picturesFolder, name)));
      if (share <= tolerance) return;
      mkdirSync(output, { recursive: true });
      writeFileSync(path.join(output, name), actual);
      writeFileSync(path.join(output, `difference-${name}`), drawn);
      assert.fail(
        `${(share * 100).toFixed(2)} % of the pixels differ: compare ${path.join(output, name)} with the picture in ` +
          `${picturesFolder}; difference-${name} shows where. As it should be? npm run pictures:panel`,
      );
    });
  }
});

function copyOf(width: number, height: number, data: Buffer): PNG {
  const copy = new PNG({ width, height });
  data.copy(copy.data);
  return copy;
}
