import { ScalarType, type DescField, type DescMessage, type DescMethod, type Message } from '@bufbuild/protobuf';
import { reflect, type ReflectList, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import type * as GrpcModule from '@grpc/grpc-js';
import { Channelz, SocketSchema } from '@pickscope/protocol/channelz';
import { maxTextLength } from '@pickscope/protocol/service';

/*
 * grpc.channelz.v1. grpc-js keeps the data and has the handlers, but the definition of its service reads a .proto at run
 * time, which is not there in a bundle. So its handlers are asked, and their answers put into generated messages.
 */

/** Most entries of one page; grpc-js's own default. */
const maxResults = 100;
/** References and events of a page of more than one channel: with the longest texts it is still below the 4 MB that a client takes. */
const maxReferences = 5000;

/** Certificates; trust.md forbids all that belongs to TLS. */
const withheld = SocketSchema.field.security;

/** A message as proto-loader has it: fields by their names in the .proto, 64-bit numbers as they come, enums by name. */
type Plain = Readonly<Record<string, unknown>>;
type Refusal = Partial<GrpcModule.StatusObject>;
type OwnHandler = (call: { readonly request: Plain }, respond: (error: Refusal | null, answer?: Plain) => void) => void;

type Handler = (
  call: { readonly request: Message },
  respond: (error: Refusal | null, answer?: Message) => void,
) => void;

export function channelzHandlers(grpc: typeof GrpcModule): Readonly<Record<string, Handler>> {
  const own = grpc.getChannelzHandlers() as unknown as Readonly<Record<string, OwnHandler>>;
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- It loses its way in types of descriptors, which hold each other.
  return Object.fromEntries(Channelz.methods.map((method) => [method.localName, handler(method, own[method.name]!)]));
}

function handler({ input, output }: DescMethod, own: OwnHandler): Handler {
  return ({ request }, respond) =>
    own({ request: plainRequest(input, request) }, (error, answer) => {
      if (error) respond(error);
      else respond(null, messageOf(output, bounded(answer!)).message);
    });
}

/** Requests hold numbers only. */
function plainRequest(input: DescMessage, request: Message): Plain {
  const message = reflect(input, request);
  const fields = input.fields.map((field) => [field.name, Number(message.get(field))] as const);
  return Object.fromEntries(fields.map(([name, value]) => [name, name === 'max_results' ? pageSize(value) : value]));
}

function pageSize(asked: number): number {
  return asked > 0 ? Math.min(asked, maxResults) : maxResults;
}

interface PlainChannel {
  readonly subchannel_ref: readonly unknown[];
  readonly channel_ref: readonly unknown[];
  readonly data: { readonly trace: { readonly events: readonly unknown[] } };
}

/** A page of channels ends where it would become too large; the rest is for the next one. */
function bounded(answer: Plain): Plain {
  const { channel } = answer;
  if (!Array.isArray(channel)) return answer;
  let references = 0;
  const tooMany = (channel as readonly PlainChannel[]).findIndex(({ subchannel_ref, channel_ref, data }) => {
    references += subchannel_ref.length + channel_ref.length + data.trace.events.length;
    return references > maxReferences;
  });
  return tooMany < 0 ? answer : { channel: channel.slice(0, Math.max(tooMany, 1)), end: false };
}

function messageOf(type: DescMessage, plain: Plain): ReflectMessage {
  const message = reflect(type);
  for (const field of type.fields) {
    const value = plain[field.name];
    if (value === null || value === undefined || field === withheld) continue;
    if (field.fieldKind === 'list') {
      const list: ReflectList = message.get(field);
      for (const item of value as readonly unknown[]) list.add(element(field, item));
    } else message.set(field, element(field, value));
  }
  return message;
}

function element({ message, enum: enumeration, scalar }: DescField, value: unknown) {
  if (message) return messageOf(message, value as Plain);
  if (enumeration) return enumeration.values.find(({ name }) => name === value)?.number ?? 0;
  if (scalar === ScalarType.INT64) return BigInt(Math.trunc(value as number));
  if (scalar === ScalarType.STRING) return (value as string).slice(0, maxTextLength);
  return value;
}
