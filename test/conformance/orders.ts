/*
 * What the suite has a client do, in either language: a line of JSON on its standard input for each order, and one on its
 * standard output for each answer, in the order in which they are done.
 */

/** Makes a channel to the target `test:NAME`, whose resolver says what the suite says, and nothing before it does. */
export interface Dial {
  readonly channel: string;
  readonly policy: string;
  /** What the resolver says first; where it is not given, nothing. */
  readonly addresses?: readonly string[];
  /** In the service config. */
  readonly methodConfig?: object;
}

/** The resolver brings this list, or fails with this. */
export interface Resolve {
  readonly channel: string;
  readonly addresses?: readonly string[];
  readonly error?: string;
}

/** Unary calls, one after the other, or all at once. They are answered by their status codes. */
export interface Call {
  readonly channel: string;
  readonly method: string;
  readonly calls: number;
  readonly parallel?: boolean;
  readonly waitForReady?: boolean;
  readonly deadlineMs?: number;
}

/** Of connect and close. */
export interface ChannelName {
  readonly channel: string;
}

/** Has the library write what it keeps into a file. */
export interface Save {
  readonly file: string;
}

export interface Orders {
  dial: { takes: Dial; gives: null };
  /** Has the channel leave IDLE, without a call. */
  connect: { takes: ChannelName; gives: null };
  resolve: { takes: Resolve; gives: null };
  call: { takes: Call; gives: number[] };
  close: { takes: ChannelName; gives: null };
  save: { takes: Save; gives: string };
}

export type OrderName = keyof Orders;

export interface Order<Name extends OrderName = OrderName> {
  readonly id: number;
  readonly do: Name;
  readonly with: Orders[Name]['takes'];
}

export interface Answer<Name extends OrderName = OrderName> {
  readonly id: number;
  readonly gives?: Orders[Name]['gives'];
  /** Why it could not be done. */
  readonly error?: string;
}
