/*
 * The gRPC service shop.Cart. Its messages are plain bytes, so that the demo needs neither a .proto nor a compiler.
 */

const bytes = (message: Buffer) => message;

function unary(name: string) {
  return {
    path: `/shop.Cart/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  } as const;
}

export const cartService = {
  getCart: unary('GetCart'),
  putItem: unary('PutItem'),
  listItems: unary('ListItems'),
  checkout: unary('Checkout'),
};
