import { setTimeout } from 'node:timers/promises';
import language from '@google-cloud/language';
import grpc from '@grpc/grpc-js';

// A stand-in for the service on this machine, as for development without the cloud.
const [host, port] = process.env.LANGUAGE_EMULATOR.split(':');
const client = new language.v2.LanguageServiceClient({
  apiEndpoint: host,
  port: Number(port),
  sslCreds: grpc.credentials.createInsecure(),
});

const reviews = ['A fine teapot.', 'The lid does not fit.', 'Arrived in time.'];

for (let i = 0; ; i++) {
  const document = { content: reviews[i % reviews.length], type: 'PLAIN_TEXT' };
  await client.analyzeSentiment({ document });
  await setTimeout(20);
}
