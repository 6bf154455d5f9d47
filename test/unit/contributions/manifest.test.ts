import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import {
  commands,
  contexts,
  recordingExtension,
  settings,
  tabs,
  treeItems,
  viewContainer,
  views,
  walkthrough,
} from '../../../src/contributions';

interface Manifest {
  main: string;
  icon: string;
  keywords: string[];
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
  contributes: {
    commands: { command: string; title: string; icon?: string }[];
    viewsContainers: { activitybar: { id: string; icon: string }[] };
    views: Record<string, { id: string; icon: string }[]>;
    viewsWelcome: { view: string; contents: string }[];
    menus: Record<string, { command: string; when?: string; group?: string }[]>;
    walkthroughs: {
      id: string;
      steps: {
        description: string;
        media: { svg: string; image?: undefined } | { svg?: undefined; image: string };
        completionEvents: string[];
      }[];
    }[];
    customEditors: { viewType: string; selector: { filenamePattern: string }[] }[];
    keybindings: { command: string; when: string }[];
    configuration: { properties: Record<string, { default: unknown }> };
  };
}

const text = readFileSync('package.json', 'utf8');
const { contributes, ...manifest } = JSON.parse(text) as Manifest;
const steps = contributes.walkthroughs.flatMap((each) => each.steps);
const events = steps.flatMap(({ completionEvents }) => completionEvents);
const sorted = (values: Iterable<string>) => [...values].sort();

describe('package.json and src/contributions.ts', () => {
  it('have the same commands', () => {
    assert.deepEqual(sorted(contributes.commands.map(({ command }) => command)), sorted(Object.values(commands)));
  });

  it('have the same views, in the same container', () => {
    assert.deepEqual(Object.keys(contributes.views), [viewContainer]);
    assert.deepEqual(
      contributes.viewsContainers.activitybar.map(({ id }) => id),
      [viewContainer],
    );
    assert.deepEqual(sorted(contributes.views[viewContainer]!.map(({ id }) => id)), sorted(Object.values(views)));
  });

  it('open recordings in the same editor', () => {
    assert.deepEqual(
      contributes.customEditors.map(({ viewType, selector }) => [viewType, selector]),
      [[tabs.recording, [{ filenamePattern: `*.${recordingExtension}` }]]],
    );
  });

  it('have the same walkthrough', () => {
    assert.deepEqual(
      contributes.walkthroughs.map(({ id }) => id),
      [walkthrough],
    );
  });

  it('have the same settings', () => {
    assert.deepEqual(sorted(Object.keys(contributes.configuration.properties)), sorted(Object.values(settings)));
  });

  it('have the same context keys and tree items', () => {
    const { menus, keybindings } = contributes;
    const clauses = [
      ...[...Object.values(menus).flat(), ...keybindings].map(({ when }) => when ?? ''),
      ...events.filter((event) => event.startsWith('onContext:')),
    ].join(' ');
    const ids = new Set<string>([...Object.values(commands), ...Object.values(views), ...Object.values(tabs)]);
    const used = (clauses.match(/pickscope\.\w+/g) ?? []).filter((id) => !ids.has(id));
    assert.deepEqual(sorted(new Set(used)), sorted(Object.values(contexts)));
    const items = [...clauses.matchAll(/viewItem == (\S+)/g)].map(([, item]) => item!);
    const patterns = [...clauses.matchAll(/viewItem =~ \/(\S+)\//g)].map(([, pattern]) => new RegExp(pattern!));
    for (const item of Object.values(treeItems)) {
      assert.ok(items.includes(item) || patterns.some((pattern) => pattern.test(item)), `no menu is for ${item}`);
    }
    assert.deepEqual(
      items.filter((item) => !Object.values<string>(treeItems).includes(item)),
      [],
    );
  });
});

describe('package.json', () => {
  it('refers only to commands that there are', () => {
    const ids = new Set<string>(Object.values(commands));
    const used = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].map(({ command }) => command);
    const completing = events.filter((event) => event.startsWith('onCommand:')).map((event) => event.slice(10));
    const linked = [...readFileSync('package.nls.json', 'utf8').matchAll(/\(command:([\w.]+)\)/g)].map(([, id]) => id!);
    assert.deepEqual(
      [...used, ...linked, ...completing].filter((id) => !ids.has(id)),
      [],
    );
  });

  it('puts at most three icons on the title of each view', () => {
    for (const view of Object.values(views)) {
      const icons = contributes.menus['view/title']!.filter(
        ({ when, group }) => when!.includes(view) && group!.startsWith('navigation'),
      );
      assert.ok(icons.length <= 3 && icons.length > 0, view);
      for (const { command } of icons) {
        assert.ok(contributes.commands.find((one) => one.command === command)?.icon, `${command} needs an icon`);
      }
    }
  });

  it('restricts the settings that name what to attach to', () => {
    assert.deepEqual(sorted(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations), [
      settings.autoAttach,
      settings.runtimeFolders,
      settings.tlsRootsFile,
    ]);
  });

  it('names icons that there are, the marketplace’s of 256 pixels', () => {
    for (const { icon } of [...contributes.viewsContainers.activitybar, ...contributes.views[viewContainer]!]) {
      assert.ok(existsSync(icon), icon);
    }
    const png = readFileSync(manifest.icon);
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [256, 256]);
  });

  it('has a walkthrough of six steps, each with a small picture, and an event that completes it', () => {
    assert.equal(steps.length, 6);
    for (const { media, completionEvents } of steps) {
      const picture = media.svg ?? media.image;
      assert.ok(statSync(picture).size <= 20_000, picture);
      assert.ok(completionEvents.length > 0);
      for (const [, view] of completionEvents.join(' ').matchAll(/onView:(\S+)/g))
        assert.ok(Object.values<string>(views).includes(view!));
    }
  });

  it('has at most five keywords', () => assert.ok(manifest.keywords.length <= 5));
});

describe('the strings of package.json', () => {
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  const english = read('package.nls.json');
  const chinese = read('package.nls.zh-cn.json');
  const used = [...text.matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key!);

  it('are all there, and none is left over', () => {
    assert.deepEqual(sorted(Object.keys(english)), sorted(new Set(used)));
  });

  it('are all translated, with the same links', () => {
    assert.deepEqual(sorted(Object.keys(chinese)), sorted(Object.keys(english)));
    const links = (value: string) => sorted(value.match(/\(command:[\w.]+\)/g) ?? []);
    for (const [key, value] of Object.entries(chinese)) {
      assert.match(value, /\p{Script=Han}/u, key);
      assert.deepEqual(links(value), links(english[key]!), key);
    }
  });
});
