import assert from 'node:assert/strict';
import { buildClients, languages, type Language } from './client';
import { compared } from './differences';
import type { ChannelMeaning } from './meaning';
import { scenarios, type Scenario } from './scenarios';
import { Stage } from './stage';

describe(`the debug servers tell the same (${languages.join(' and ')})`, () => {
  let programs: ReadonlyMap<Language, readonly string[]>;

  before(async function () {
    // The first time, go-zero and what it needs are built.
    this.timeout(600_000);
    programs = await buildClients();
  });

  /** Plays it, and looks at what exists in the end with fresh eyes. */
  async function play(scenario: Scenario, language: Language): Promise<ChannelMeaning> {
    const stage = await Stage.open(language, programs.get(language)!);
    try {
      await stage.watch();
      await scenario.play(stage);
      const meaning = await stage.settledMeaning();
      assert.equal(stage.client.errors, '', language);
      return meaning;
    } catch (error) {
      throw new Error(`${language}: ${(error as Error).message}`, { cause: error });
    } finally {
      await stage.close();
    }
  }

  for (const scenario of scenarios) {
    it(scenario.name, async () => {
      const meanings = await Promise.all(languages.map((language) => play(scenario, language)));
      for (const [i, meaning] of meanings.entries()) {
        const expected = compared({ ...meaning, ...scenario.expected }, scenario);
        assert.deepEqual(compared(meaning, scenario), expected, languages[i]);
      }
      const [first, ...others] = meanings.map((meaning) => compared(meaning, scenario));
      for (const other of others) assert.deepEqual(other, first, 'both tell the same');
    });
  }
});
