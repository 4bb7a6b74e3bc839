import { SYSTEM_PROFILE } from "../api/kinds.ts";
import type { LayerRow } from "./layer-rows.ts";
import { ageOf, paintState } from "./states.ts";
import { type TableColumn, table } from "./table.ts";

export type RowFormat = "table" | "wide" | "json";

export interface PrintRowsOptions {
  format: RowFormat;
  /** What the rows are about: profiles and their clusters, or one cluster's profiles. */
  shape: "profile" | "cluster";
  allNamespaces: boolean;
  now: number;
  width: number | undefined;
  colours: boolean;
}

/** Rows as people or programs read them. */
export function printRows(rows: readonly LayerRow[], options: PrintRowsOptions): string {
  if (options.format === "json") return `${JSON.stringify(rows, null, 2)}\n`;
  return table(columnsOf(rows, options), rows, options);
}

function columnsOf(
  rows: readonly LayerRow[],
  { shape, format, allNamespaces, now }: PrintRowsOptions,
): TableColumn<LayerRow>[] {
  const profileName = (row: LayerRow): string =>
    allNamespaces && row.kind !== SYSTEM_PROFILE.kind ? `${row.namespace}/${row.profile}` : row.profile;
  const profile: TableColumn<LayerRow> = { heading: "PROFILE", cell: profileName };
  const cluster: TableColumn<LayerRow> = { heading: "CLUSTER", cell: (row) => row.cluster ?? "" };
  const severalProfiles = new Set(rows.map((row) => `${row.kind} ${profileName(row)}`)).size > 1;
  const isRollUp = rows.every((row) => row.cluster === undefined);
  const first = shape === "profile" && !isRollUp ? [...(severalProfiles ? [profile] : []), cluster] : [profile];
  const wide: TableColumn<LayerRow>[] = [
    { heading: "KIND", cell: ({ kind }) => kind },
    { heading: "SOURCE", cell: ({ source = "" }) => source },
    { heading: "VERSION", cell: ({ version = "" }) => version },
    { heading: "REASON", cell: ({ reason = "" }) => reason },
  ];
  return [
    ...first,
    { heading: "LAYER", cell: ({ layer }) => layer },
    { heading: "STATE", cell: ({ state }) => state, paint: (text, { state }) => paintState(text, state) },
    { heading: "READY", cell: ({ ready = "" }) => ready },
    { heading: "AGE", cell: ({ since }) => ageOf(since, now) },
    ...(format === "wide" ? wide : []),
    { heading: "MESSAGE", cell: ({ message = "" }) => message },
  ];
}
