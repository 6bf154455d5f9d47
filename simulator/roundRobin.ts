import { randomBelow, type Policy } from '../libraries/node/src/policies/picker';

/** grpc-js's round_robin, to compare with: each endpoint in turn, from a random one on. */
export const roundRobin: Policy = {
  name: 'round_robin',
  build: ({ readyEndpoints: { length }, random = randomBelow }) => {
    let next = random(length);
    return {
      pick: () => {
        const endpoint = next;
        next = (next + 1) % length;
        return { endpoint };
      },
    };
  },
};
