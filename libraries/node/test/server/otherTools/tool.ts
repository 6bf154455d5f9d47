import { create, type DescMethod, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { serviceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';

type Request<Method extends DescMethod> = MessageInitShape<Method['input']>;
type Response<Method extends DescMethod> = MessageShape<Method['output']>;

/** A tool that asks a client by a protocol that is not Pickscope's, as grpcurl and grpcdebug do. */
export class Tool {
  private readonly client: grpc.Client;
  private readonly metadata = new grpc.Metadata();

  /** @param server Without a token: it sends none. */
  constructor({ address, token }: { readonly address: string; readonly token?: string }) {
    this.client = new grpc.Client(address, grpc.credentials.createInsecure());
    if (token !== undefined) this.metadata.set(tokenMetadataKey, token);
  }

  close(): void {
    this.client.close();
  }

  ask<Method extends DescMethod>(method: Method, request: Request<Method>): Promise<Response<Method>> {
    const { path, requestSerialize, responseDeserialize } = definitionOf(method);
    const message = create<DescMethod['input']>(method.input, request);
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        this.metadata,
        (error, answer) => {
          if (error) reject(error);
          else resolve(answer as Response<Method>);
        },
      );
    });
  }

  listen<Method extends DescMethod>(method: Method, request: Request<Method>): Answers<Response<Method>> {
    const { path, requestSerialize, responseDeserialize } = definitionOf(method);
    const message = create<DescMethod['input']>(method.input, request);
    return new Answers(
      this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, message, this.metadata),
    );
  }

  /** Puts all questions, then hears the answers. */
  async converse<Method extends DescMethod>(
    method: Method,
    requests: readonly Request<Method>[],
  ): Promise<Response<Method>[]> {
    const { path, requestSerialize, responseDeserialize } = definitionOf(method);
    const stream = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.metadata);
    const answers = new Answers<Response<Method>>(stream);
    for (const request of requests) stream.write(create<DescMethod['input']>(method.input, request));
    stream.end();
    await answers.ended;
    return answers.messages;
  }
}

function definitionOf(method: DescMethod) {
  return serviceDefinition(method.parent)[method.localName]!;
}

/** What a stream says. */
export class Answers<Message> {
  readonly messages: Message[] = [];
  failed = false;
  /** Its status; what is not OK is thrown. */
  readonly ended: Promise<void>;

  constructor(private readonly stream: grpc.ClientReadableStream<unknown>) {
    stream.on('data', (message: Message) => this.messages.push(message));
    this.ended = new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
    this.ended.catch(() => (this.failed = true));
  }

  cancel(): void {
    this.stream.cancel();
  }
}
