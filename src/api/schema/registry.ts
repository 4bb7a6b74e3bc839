import { z } from "zod";
import { REPOSITORY_URL } from "./helm.ts";
import { matching, type Rule, withRules } from "./rules.ts";
import { duration, objectName } from "./text.ts";

/** What a registry serves, and how. */
const REGISTRY_TYPES = ["Helm", "OCI", "Pack"] as const;

const MAX_MIRRORS = 8;
const MAX_TOKEN_ORIGINS = 8;
const HOST_AND_PORT = "[a-zA-Z0-9]([-.a-zA-Z0-9]*[a-zA-Z0-9])?(:[0-9]{1,5})?";

const url = () =>
  withRules(z.string().max(1024), [
    matching(
      REPOSITORY_URL,
      "url must start with https://, http:// or oci://, and hold no credentials, query or fragment",
    ),
  ]);

const tokenOrigin = withRules(z.string().max(261), [
  matching(`^https://${HOST_AND_PORT}$`, "each of tokenOrigins must be an origin such as https://sso.example.com"),
]);

const secretRef = (description: string) =>
  z
    .strictObject({ name: objectName("name").describe("Name of a Secret in the Registry's namespace.") })
    .describe(description);

interface Addresses {
  type: (typeof REGISTRY_TYPES)[number];
  url: string;
  mirrors?: string[];
}

const isReadable = (type: Addresses["type"], address: string): boolean => type === "OCI" || !address.startsWith("oci:");

const addressesOfType: Rule<Addresses> = {
  cel: "self.type == 'OCI' || (!self.url.startsWith('oci:') && (!has(self.mirrors) || self.mirrors.all(mirror, !mirror.startsWith('oci:'))))",
  message: "an address that starts with oci:// is only for a registry of type OCI",
  check: ({ type, url: address, mirrors = [] }) => [address, ...mirrors].every((one) => isReadable(type, one)),
};

/** A field that says something of OCI registries alone. */
function onlyForOci<F extends string>(field: F): Rule<{ type: string } & { [P in F]?: unknown }> {
  return {
    cel: `!has(self.${field}) || self.type == 'OCI'`,
    message: `${field} is only for a registry of type OCI`,
    check: (spec) => spec[field] === undefined || spec.type === "OCI",
  };
}

export const registrySpec = withRules(
  z.strictObject({
    type: z
      .enum(REGISTRY_TYPES)
      .describe(
        "Helm (a Helm repository over HTTP, with an index.yaml), OCI (an OCI registry with charts, packs or both) or Pack (packed pack folders over HTTP, with an index.yaml).",
      ),
    url: url().describe(
      "Where it is: `https://charts.example.com`; of an OCI registry the folder with the charts or packs, `oci://registry.example.com/folder` or the same with https://. Only this origin sees the credentials.",
    ),
    secretRef: secretRef(
      "Credentials: keys `username` and `password`, or `bearerToken`, or `.dockerconfigjson` (whose entries go to their own hosts). Watched: the next request uses new ones.",
    ).exactOptional(),
    certSecretRef: secretRef(
      "Certificates in PEM: `ca.crt` to trust beside those of the system, `tls.crt` and `tls.key` to show as a client. Watched.",
    ).exactOptional(),
    serviceAccountName: objectName("serviceAccountName")
      .default("default")
      .describe(
        "ServiceAccount of the Registry's namespace as which its Secrets are read: what this account may not read, the Registry cannot use. In Strata's own namespace they are read as Strata.",
      ),
    mirrors: z
      .array(url())
      .max(MAX_MIRRORS)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe(
        "Other addresses with the same content, asked before `url`, in this order. What they serve must have the digest that was recorded before, where one was.",
      )
      .exactOptional(),
    tokenOrigins: z
      .array(tokenOrigin)
      .max(MAX_TOKEN_ORIGINS)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe(
        "Origins such as `https://sso.example.com` that may be sent the credentials when the registry says that a token is to be had there. Its own origin, and those of known public registries, need not be listed.",
      )
      .exactOptional(),
    interval: duration("interval", "1m")
      .default("1h")
      .describe(
        "How often it is asked whether it answers and what it has, for the status. A Go duration from 1m to 24h. No layer changes by that.",
      ),
    verify: z
      .strictObject({
        secretRef: secretRef(
          "Public keys of cosign, in PEM: every key of this Secret. Watched. What none of them has signed is refused.",
        ),
      })
      .describe("Signatures that are required. Only for OCI registries.")
      .exactOptional(),
  }),
  [addressesOfType, onlyForOci("tokenOrigins"), onlyForOci("verify")],
).describe("Where the registry is, and how to reach it.");
