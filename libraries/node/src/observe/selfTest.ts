import path from 'node:path';
import { versionOf, type GrpcCopy } from './copies';
import { loadInternals, type GrpcInternals } from './internals';

/*
 * Whether a copy of grpc-js is laid out as the hooks know it (the same from 1.10 to 1.14), and what cannot be told where
 * it is not.
 */

/** Of Process.capabilities. */
export type Capability = 'picks' | 'completions' | 'candidates' | 'subconns' | 'resolver' | 'generations' | 'started';

type Classes = Exclude<keyof GrpcInternals, 'loadBalancer' | 'addressToString' | 'unfit'>;

interface Expectation {
  readonly class: Classes;
  /** A field that its methods read or write. */
  readonly field?: string;
  readonly method?: string;
  /** How many arguments the method takes; two where that differs between versions. */
  readonly takes?: number | readonly [min: number, max: number];
  readonly lost: Loss;
}

/** What cannot be told. */
interface Loss {
  readonly text: string;
  readonly capabilities: readonly Capability[];
}

const loss = (text: string, ...capabilities: Capability[]): Loss => ({ text, capabilities });

const picks = loss('no picks are seen', 'picks', 'completions', 'candidates', 'started');
const completions = loss('the ends of calls are not seen', 'completions');
const policies = loss('policies, pickers and resolver updates are not seen', 'resolver', 'generations');
const generations = loss('pickers are not told apart', 'generations');
const resolver = loss('failed resolutions are not seen', 'resolver');
const subconns = loss('states of connections are not seen', 'subconns');
const endpoints = loss("the states of endpoints are those of their connections, not their policies'");
const channels = loss('states of channels are not seen');
const closing = loss('a channel that was closed stays listed until it is collected');
const retries = loss('retries show as calls of their own');

/** The worst of each class first: where the class is missing, that one is told. */
const expectations: readonly Expectation[] = [
  { class: 'InternalChannel', method: 'doPick', takes: 2, lost: picks },
  { class: 'InternalChannel', method: 'getTarget', takes: 0, lost: picks },
  { class: 'InternalChannel', method: 'getChannelzRef', takes: 0, lost: picks },
  { class: 'InternalChannel', field: 'resolvingLoadBalancer', lost: policies },
  { class: 'InternalChannel', field: 'currentPicker', lost: generations },
  { class: 'InternalChannel', method: 'updateState', takes: 1, lost: channels },
  { class: 'InternalChannel', method: 'close', takes: 0, lost: closing },
  { class: 'LoadBalancingCall', method: 'doPick', takes: 0, lost: picks },
  { class: 'LoadBalancingCall', field: 'methodName', lost: picks },
  { class: 'LoadBalancingCall', method: 'outputStatus', takes: 2, lost: completions },
  { class: 'RetryingCall', method: 'startNewAttempt', takes: 0, lost: retries },
  { class: 'Subchannel', method: 'getAddress', takes: 0, lost: picks },
  { class: 'Subchannel', method: 'getRealSubchannel', takes: 0, lost: picks },
  { class: 'Subchannel', method: 'getConnectivityState', takes: 0, lost: picks },
  { class: 'Subchannel', method: 'getChannelzRef', takes: 0, lost: picks },
  { class: 'Subchannel', method: 'transitionToState', takes: 3, lost: subconns },
  { class: 'ResolvingLoadBalancer', field: 'childLoadBalancer', lost: policies },
  { class: 'ResolvingLoadBalancer', method: 'handleResolutionFailure', takes: 1, lost: resolver },
  { class: 'PickFirstLoadBalancer', method: 'updateState', takes: [2, 3], lost: endpoints },
  { class: 'PickFirstLoadBalancer', field: 'currentPick', lost: endpoints },
  { class: 'LeafLoadBalancer', method: 'startConnecting', takes: 0, lost: endpoints },
  { class: 'LeafLoadBalancer', method: 'getEndpoint', takes: 0, lost: endpoints },
  { class: 'LeafLoadBalancer', field: 'pickFirstBalancer', lost: endpoints },
];

export interface Examination {
  /** '' where it cannot be read: nothing of this copy can. */
  readonly version: string;
  readonly internals: GrpcInternals;
  /** In English, one line each. */
  readonly limitations: readonly string[];
  readonly lost: ReadonlySet<Capability>;
}

/** Looks whether what the hooks need is there, before they replace any of it. */
export function examine(copy: GrpcCopy): Examination {
  const version = versionOf(copy);
  const internals = loadInternals(copy.load);
  const faults = version === '' ? [unreadable] : faultsOf(internals);
  const where = copy.file === '' ? '' : `in ${shortened(path.resolve(copy.file, '../../..'))}`;
  const name = ['grpc-js', version, where].filter(Boolean).join(' ');
  return {
    version,
    internals: { ...internals, unfit: new Set(faults.map(({ unfit }) => unfit).filter(Boolean)) },
    limitations: faults.map(({ text, lost }) => `${name}: ${text}: ${lost.text}`),
    lost: new Set(faults.flatMap(({ lost }) => lost.capabilities)),
  };
}

interface Fault {
  readonly text: string;
  readonly lost: Loss;
  /** The method that takes something else than expected. */
  readonly unfit?: unknown;
}

const unreadable: Fault = {
  text: 'its files cannot be found, as where it is part of a bundle',
  lost: { ...picks, capabilities: [...picks.capabilities, 'subconns', 'resolver', 'generations'] },
};

function faultsOf(internals: Omit<GrpcInternals, 'unfit'>): Fault[] {
  const missing = new Set<Classes>();
  const faults = expectations.flatMap((expected) => {
    const fault = missing.has(expected.class) ? undefined : faultOf(internals, expected);
    if (fault && isMissing(internals, expected.class)) missing.add(expected.class);
    return fault ?? [];
  });
  const creator = Object.getOwnPropertyDescriptor(internals.loadBalancer, 'createLoadBalancer');
  if (typeof creator?.value !== 'function') faults.push({ text: 'createLoadBalancer is not there', lost: policies });
  else if (creator.writable !== true) faults.push({ text: 'createLoadBalancer cannot be replaced', lost: policies });
  if (typeof internals.addressToString !== 'function') {
    faults.push({ text: 'subchannelAddressToString is not there', lost: picks });
  }
  return faults;
}

function faultOf(internals: Omit<GrpcInternals, 'unfit'>, expected: Expectation): Fault | undefined {
  const { class: name, field, method, takes, lost } = expected;
  if (isMissing(internals, name)) return { text: `${name} is not there`, lost };
  const owner = internals[name];
  if (field !== undefined) {
    // Fields exist only once there is a channel, and one is not made for this: its code tells of them.
    return Function.prototype.toString.call(owner).includes(`this.${field}`)
      ? undefined
      : { text: `${name} has no ${field}`, lost };
  }
  const found = (owner.prototype as unknown as Readonly<Record<string, unknown>>)[method!];
  if (typeof found !== 'function') return { text: `${name}.${method} is not there`, lost };
  const [min, max] = typeof takes === 'number' ? [takes, takes] : takes!;
  if (found.length >= min && found.length <= max) return undefined;
  return { text: `${name}.${method} takes ${found.length} arguments instead of ${max}`, lost, unfit: found };
}

/** Something else than a class stands in for one that is missing. */
function isMissing(internals: Omit<GrpcInternals, 'unfit'>, name: Classes): boolean {
  return typeof internals[name] !== 'function';
}

/** Relative to the working folder, where it is inside. */
function shortened(folder: string): string {
  const relative = path.relative(process.cwd(), folder);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? folder : relative;
}
