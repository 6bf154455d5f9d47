import assert from 'node:assert/strict';
import { buildClients, languages, type Language } from './client';
import { compared, unseen } from './differences';
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

  /** @returns What it means; undefined where that library cannot tell. */
  async function play(scenario: Scenario, language: Language): Promise<ChannelMeaning | undefined> {
    const stage = await Stage.open(language, programs.get(language)!);
    try {
      await stage.watch();
      await scenario.play(stage);
      const meaning = await meant(stage, unseen(scenario, language));
      for (const { rules } of stage.client.streams) assert.deepEqual(rules.broken, []);
      assert.equal(stage.client.errors, '');
      return meaning;
    } catch (error) {
      throw new Error(`${language}: ${(error as Error).message}`, { cause: error });
    } finally {
      await stage.close();
    }
  }

  async function meant(stage: Stage, whyUnseen: string | undefined): Promise<ChannelMeaning | undefined> {
    if (whyUnseen === undefined) return stage.settledMeaning();
    const { told } = await stage.client.watch();
    assert.equal(told.channels.size, 0, `This is told now, so this is no difference any more: ${whyUnseen}`);
    return undefined;
  }

  for (const scenario of scenarios) {
    it(scenario.name, async () => {
      const played = await Promise.all(languages.map((language) => play(scenario, language)));
      const meanings = played.filter((meaning) => meaning !== undefined);
      for (const [i, meaning] of meanings.entries()) {
        const expected = compared({ ...meaning, ...scenario.expected }, scenario);
        assert.deepEqual(compared(meaning, scenario), expected, languages[i]);
      }
      const [first, ...others] = meanings.map((meaning) => compared(meaning, scenario));
      for (const other of others) assert.deepEqual(other, first, 'both tell the same');
    });
  }
});
