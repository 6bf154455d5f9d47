import { Discovery } from '../../../src/discovery/discovery';

/* Looks for clients once, in the folders of its arguments, and says what it has found. */
const ignore = (): void => undefined;
const discovery = new Discovery({ folders: () => process.argv.slice(2), log: { info: ignore, warn: ignore } });
void discovery.scan().then(() => {
  const { clients, problems } = discovery;
  console.log(JSON.stringify({ names: clients.map(({ descriptor }) => descriptor.name), problems }));
});
