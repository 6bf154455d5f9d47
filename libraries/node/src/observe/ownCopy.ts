/* eslint-disable @typescript-eslint/no-require-imports --
   The hooks replace what the modules of grpc-js export, so they need the modules themselves: an ES import is a view. The
   names are spelled out so that a bundler sees them. */
import grpc = require('@grpc/grpc-js');
import manifest = require('@grpc/grpc-js/package.json');
import internalChannel = require('@grpc/grpc-js/build/src/internal-channel');
import loadBalancer = require('@grpc/grpc-js/build/src/load-balancer');
import pickFirst = require('@grpc/grpc-js/build/src/load-balancer-pick-first');
import loadBalancingCall = require('@grpc/grpc-js/build/src/load-balancing-call');
import resolvingLoadBalancer = require('@grpc/grpc-js/build/src/resolving-load-balancer');
import retryingCall = require('@grpc/grpc-js/build/src/retrying-call');
import subchannel = require('@grpc/grpc-js/build/src/subchannel');
import subchannelAddress = require('@grpc/grpc-js/build/src/subchannel-address');
/* eslint-enable @typescript-eslint/no-require-imports */
import type { GrpcCopy } from './copies';

const modules: Readonly<Record<string, unknown>> = {
  'package.json': manifest,
  'build/src/internal-channel.js': internalChannel,
  'build/src/load-balancer.js': loadBalancer,
  'build/src/load-balancer-pick-first.js': pickFirst,
  'build/src/load-balancing-call.js': loadBalancingCall,
  'build/src/resolving-load-balancer.js': resolvingLoadBalancer,
  'build/src/retrying-call.js': retryingCall,
  'build/src/subchannel.js': subchannel,
  'build/src/subchannel-address.js': subchannelAddress,
};

/** The copy of grpc-js that this library resolves to, normally the program's; also where both are bundled. */
export const ownCopy: GrpcCopy = { grpc, file: '', load: (name) => modules[name] };
