import { API_VERSION } from "./names.ts";

/** An object that is refused, offline and by an API server alike, as test data. */
export interface BadSpec {
  name: string;
  object: { apiVersion: string; kind: string; metadata: { name: string; namespace?: string }; spec?: object };
  /** Path of the field that the refusal names. */
  wantField: string;
  /** Sentence in the refusal. */
  wantMessage: string;
  /** What an API server says instead, where it cannot say the same. */
  wantFromServer?: string;
}

export type Row = [
  name: string,
  object: BadSpec["object"],
  wantField: string,
  wantMessage: string,
  wantFromServer?: string,
];

export const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" } };
export const manifests = [{ object: configMap }];
export const plain = { name: "plain", manifests };
export const chart = { repo: "https://charts.example.com", chart: "web", version: "1.0.0" };
export const helm = { name: "web", namespace: "web", helm: chart };
export const local = { clusterRefs: [{ name: "local" }] };
export const long = (length: number) => "a".repeat(length);

export function clusterProfile(spec: object) {
  return { apiVersion: API_VERSION, kind: "ClusterProfile", metadata: { name: "bad", namespace: "default" }, spec };
}

export function addOnProfile(spec: object) {
  return { apiVersion: API_VERSION, kind: "AddOnProfile", metadata: { name: "bad", namespace: "default" }, spec };
}

export function systemProfile(spec: object) {
  return { apiVersion: API_VERSION, kind: "SystemProfile", metadata: { name: "bad" }, spec };
}

export function targetCluster(spec: object, name = "bad") {
  return { apiVersion: API_VERSION, kind: "TargetCluster", metadata: { name, namespace: "default" }, spec };
}

export function deployment(spec: object) {
  return { apiVersion: API_VERSION, kind: "ProfileDeployment", metadata: { name: "bad", namespace: "default" }, spec };
}

export function registry(spec: object) {
  const type = { type: "Helm", url: "https://charts.example.com" };
  const metadata = { name: "bad", namespace: "default" };
  return { apiVersion: API_VERSION, kind: "Registry", metadata, spec: { ...type, ...spec } };
}

export const withLayers = (...layers: object[]) => clusterProfile({ ...local, layers });

export const LABEL_NAME =
  'must consist of lower case letters, digits and "-", and start and end with a letter or digit';
export const OBJECT_NAME =
  'must consist of lower case letters, digits, "-" and ".", and start and end with a letter or digit';
export const RANGE = 'must be a version such as 1.18.2 or a range such as 1.18.x, ^1.18.0 or ">=1.18.0 <1.20.0"';
