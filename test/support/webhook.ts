import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createAuthority } from "./certificates.ts";

/** A server of admission webhooks, for a `clientConfig`. */
export interface Webhook {
  readonly url: string;
  /** Base64 */
  readonly caBundle: string;
  stop(): Promise<void>;
}

/**
 * Starts an admission webhook on 127.0.0.1.
 *
 * @param judge why a request (`AdmissionReview.request`) is refused, in words; undefined admits it
 */
export async function startWebhook(judge: (request: unknown) => string | undefined): Promise<Webhook> {
  const authority = createAuthority("webhook-ca");
  const { certPem, keyPem } = authority.issue({ commonName: "webhook", hosts: ["127.0.0.1"] });
  const server = createServer({ cert: certPem, key: keyPem }, async (incoming, outgoing) => {
    const { request } = JSON.parse(await text(incoming));
    const message = judge(request);
    const response = { uid: request.uid, allowed: message === undefined, ...(message ? { status: { message } } : {}) };
    outgoing.setHeader("content-type", "application/json");
    outgoing.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    caBundle: Buffer.from(authority.certPem).toString("base64"),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
