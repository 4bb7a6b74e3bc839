import { MAX_ROWS } from "../api/schema/status.ts";
import { cut } from "./row-text.ts";

/** What every row may carry; a roll-up row has no lists. */
interface Row {
  name: string;
  source?: string;
  message?: string;
  counts?: unknown[];
  unhealthy?: unknown[];
}

/** A status is one object of many in the API server's memory and on every watch: it stays under 64 KiB. */
const MAX_BYTES = 60 * 1024;

/** Cut one after the other, until it fits: what one can find out elsewhere goes first. */
const CUTS: readonly (<R extends Row>(row: R) => R)[] = [
  (row) => (row.unhealthy ? { ...row, unhealthy: row.unhealthy.slice(0, 2) } : row),
  ({ unhealthy: _, ...row }) => row as never,
  ({ counts: _, ...row }) => row as never,
  (row) => shortened(row, 256),
  (row) => shortened(row, 64),
];

/** The same status, with rows, lists and sentences cut as far as its size asks for. `truncated` says that something is missing. */
export function bounded<S extends { layers?: Row[]; truncated?: boolean }>(status: S): S {
  const rows = status.layers ?? [];
  let result: S = rows.length > MAX_ROWS ? { ...status, layers: rows.slice(0, MAX_ROWS), truncated: true } : status;
  for (const cutRow of CUTS) {
    if (Buffer.byteLength(JSON.stringify(result)) <= MAX_BYTES) return result;
    result = { ...result, layers: (result.layers ?? []).map((row) => cutRow(row)), truncated: true };
  }
  return result;
}

function shortened<R extends Row>(row: R, length: number): R {
  return {
    ...row,
    ...(row.source === undefined ? {} : { source: cut(row.source, length) }),
    ...(row.message === undefined ? {} : { message: cut(row.message, length) }),
  };
}
