/*
 * The gRPC service shop.Cart. Its messages are JSON, so that the demo needs neither a .proto nor a compiler.
 */

export interface CartRequest {
  readonly user: string;
}

export interface CartReply {
  /** Who answered: the backend's address. */
  readonly backend: string;
}

const toBytes = (message: unknown) => Buffer.from(JSON.stringify(message));
const fromBytes = (bytes: Buffer): unknown => JSON.parse(bytes.toString());

function unary(name: string) {
  return {
    path: `/shop.Cart/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (request: CartRequest) => toBytes(request),
    requestDeserialize: (bytes: Buffer) => fromBytes(bytes) as CartRequest,
    responseSerialize: (reply: CartReply) => toBytes(reply),
    responseDeserialize: (bytes: Buffer) => fromBytes(bytes) as CartReply,
  } as const;
}

export const cartService = {
  getCart: unary('GetCart'),
  putItem: unary('PutItem'),
  listItems: unary('ListItems'),
  checkout: unary('Checkout'),
};
