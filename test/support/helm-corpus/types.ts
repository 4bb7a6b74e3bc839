import type { DifferenceName } from "./differences.ts";

/** Files of a chart by path. A null takes away what the version before had. */
export type Files = Readonly<Record<string, string | Uint8Array | null>>;

/** What is released, in this order: `install` is version 1.0.0 of the chart, `upgrade` 2.0.0, `removal` 3.0.0. */
export type Release = "install" | "upgrade" | "removal";

/** What is done with every chart, by Strata on one cluster and by helm on the other. `rollback` goes back to `upgrade`. */
export type Step = Release | "rollback" | "uninstall";

export interface Version {
  /** Over the files of the version before. */
  readonly files?: Files;
  /** Over the fields of the Chart.yaml of the version before. */
  readonly chart?: Readonly<Record<string, unknown>>;
  /** The user's values, in place of those of the version before. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** One chart, made for one feature. It is version 1.0.0 itself. */
export interface CorpusChart extends Version {
  /** Also its namespace. Everything of it outside its namespaces has this in its name. */
  readonly name: string;
  /** What the chart is for, as the end of "it has …". */
  readonly feature: string;
  readonly upgrade?: Version;
  readonly removal?: Version;
  /** Default: the name of the chart. */
  readonly releaseName?: string;
  /** Namespaces that are there before, beside its own. */
  readonly namespaces?: readonly string[];
  /** More fields of `helm` in Strata's layer. */
  readonly source?: Readonly<Record<string, unknown>>;
  /** More fields of Strata's layer. */
  readonly layer?: Readonly<Record<string, unknown>>;
  /** Manifests that are there before, for both. */
  readonly before?: string;
  /** What somebody does with kubectl before a step, on both clusters. */
  readonly meanwhile?: { readonly before: Step; readonly kubectl: readonly string[] };
  /** Paths (`kind/name: field.path`) whose values are drawn by lot: their shapes are compared. */
  readonly random?: RegExp;
  /** Objects whose order of creation is compared. */
  readonly inOrder?: RegExp;
  /** A release that is refused, with words of those who do; by one alone only with a named difference. */
  readonly refused?: {
    readonly release: Release;
    readonly helm?: RegExp;
    readonly strata?: RegExp;
    readonly difference?: DifferenceName;
  };
  /** Every release is refused by helm, with these words, and works with Strata. */
  readonly onlyStrata?: { readonly helm: RegExp; readonly difference: DifferenceName };
  /** What is not the same, and why. */
  readonly differences?: readonly Difference[];
}

/** A difference that is justified; one that is not found is a failure too. */
export interface Difference {
  readonly name: DifferenceName;
  readonly steps: readonly Step[];
  /** Of the line of a difference: `kind/name: field.path: …`. */
  readonly lines: RegExp;
}
