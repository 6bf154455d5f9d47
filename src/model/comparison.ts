import type { ClientChoice, ComparedCell, ComparedChannel, Comparison, Query } from '../messages/panel';
import type { ChannelColumn, ColumnEndpoint } from './channelColumn';
import type { ClientModel } from './clientModel';
import { byAddress } from './endpointTable';
import { endpointLabels } from './labels';

const maxColumns = 12;
const maxRows = 200;

/** A client whose channels may be compared. */
export interface ComparedClient {
  readonly client: ClientChoice;
  readonly model: ClientModel;
  /** Whether it still sends. */
  readonly live: boolean;
}

interface Column extends Omit<ComparedClient, 'model'> {
  readonly channel: ChannelColumn;
}

/**
 * Side by side what Query.compare asks for, as of one moment; undefined: there are no two.
 *
 * @param shown the client that the panel shows: its channel is the first column.
 * @param others further attached clients, in the order in which their columns shall stand.
 */
export function comparison(
  shown: ComparedClient,
  others: readonly ComparedClient[],
  query: Query,
  nowMs: number,
): Comparison | undefined {
  const channel = query.compare && shown.model.shownChannel(query, nowMs);
  if (!channel) return undefined;
  const atMs = shown.model.shownMoment(query, nowMs);
  const columns: Column[] = [];
  let columnsLeftOut = 0;
  const add = ({ model, ...client }: ComparedClient, id: number) => {
    if (id === 0) return;
    const column = columns.length < maxColumns ? model.column(id, query, atMs, nowMs) : undefined;
    if (column) columns.push({ ...client, channel: column });
    else columnsLeftOut++;
  };
  add(shown, channel.id);
  if (query.compare === 'channels') for (const id of otherChannels(shown.model, channel.id, nowMs)) add(shown, id);
  else for (const other of others) add(other, sameTarget(other.model, channel.target, nowMs));
  if (columns.length < 2) return undefined;
  const { rows, rowsLeftOut } = rowsOf(columns);
  return { columns: columns.map(columnHead), rows, columnsLeftOut, rowsLeftOut };
}

/** Those that are open, in the order of their ids: columns never change places. */
function otherChannels(model: ClientModel, shown: number, nowMs: number): number[] {
  return model.channels(nowMs).flatMap(({ id, closed }) => (closed || id === shown ? [] : [id]));
}

/** The channel of a client to this target: an open one rather than a closed one, then the busiest; 0: it has none. */
function sameTarget(model: ClientModel, target: string, nowMs: number): number {
  const same = model.channels(nowMs).filter((channel) => channel.target === target);
  same.sort((a, b) => Number(a.closed) - Number(b.closed) || b.picksPerSecond - a.picksPerSecond || a.id - b.id);
  return same[0]?.id ?? 0;
}

function columnHead({ client, live, channel }: Column): ComparedChannel {
  const { id, target, policy, state, picksPerSecond, fairness } = channel;
  return { client, channel: id, target, policy, state, live, picksPerSecond, fairness };
}

interface Row {
  readonly addresses: readonly string[];
  /** By column. */
  readonly cells: (ColumnEndpoint | null)[];
}

/** The same endpoint in all columns is one with the same addresses. By address. */
function rowsOf(columns: readonly Column[]): Pick<Comparison, 'rows' | 'rowsLeftOut'> {
  const rows = join(columns).sort((a, b) => byAddress(a.addresses[0], b.addresses[0]));
  const rowsLeftOut = rows.splice(maxRows).length;
  const labels = endpointLabels(rows.map(({ addresses }) => addresses[0] ?? ''));
  const slots = slotsOf(rows);
  const shown = rows.map(({ addresses, cells }, index) => ({
    addresses,
    label: labels[index]!,
    slot: slots[index]!,
    cells: cells.map((cell) => cell && cellOf(cell)),
  }));
  return { rows: shown, rowsLeftOut };
}

function join(columns: readonly Column[]): Row[] {
  const rows = new Map<string, Row>();
  for (const [index, { channel }] of columns.entries()) {
    const times = new Map<string, number>();
    for (const endpoint of channel.endpoints) {
      const { addresses } = endpoint.row;
      const key = addresses.join('\n');
      // A channel may hold the same addresses twice: then these are two rows.
      const twin = times.get(key) ?? 0;
      times.set(key, twin + 1);
      const row = rows.get(`${twin} ${key}`) ?? { addresses, cells: columns.map(() => null) };
      row.cells[index] = endpoint;
      rows.set(`${twin} ${key}`, row);
    }
  }
  return [...rows.values()];
}

/** The first column keeps its slots; what only others know has theirs, or the lowest that is free. */
function slotsOf(rows: readonly Row[]): number[] {
  const taken = new Set(rows.flatMap(({ cells }) => cells[0]?.row.slot ?? []));
  return rows.map(({ cells }) => {
    if (cells[0]) return cells[0].row.slot;
    let { slot } = cells.find((cell) => cell !== null)!.row;
    if (taken.has(slot)) for (slot = 0; taken.has(slot); slot++);
    taken.add(slot);
    return slot;
  });
}

function cellOf({ row, trend }: ColumnEndpoint): ComparedCell {
  const { state, share, fairShare, picksPerSecond, latencyMs, failureShare, lagMs, success, inflight, load } = row;
  return { state, share, fairShare, picksPerSecond, latencyMs, failureShare, lagMs, success, inflight, load, trend };
}
