import { fileURLToPath } from 'node:url';
import { setTimeout } from 'node:timers/promises';
import protoLoader from '@grpc/proto-loader';
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';

const protoFile = fileURLToPath(new URL('stock.proto', import.meta.url));
const { 'warehouse.Stock': definition } = protoLoader.loadSync(protoFile);

const channel = createChannel(process.env.STOCK_ADDRESS, ChannelCredentials.createInsecure(), {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
});
const stock = createClient(definition, channel);

for (let article = 1; ; article++) {
  await stock.Level({ article: `article-${article % 50}` });
  await setTimeout(20);
}
