import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpClient } from "./http-client.ts";

export interface AuditUser {
  readonly username: string;
  readonly groups?: readonly string[];
}

/** One request as the API server recorded it (audit.k8s.io/v1 Event, level Metadata). */
export interface AuditEvent {
  readonly auditID: string;
  readonly stage: "ResponseStarted" | "ResponseComplete" | "Panic";
  readonly requestURI: string;
  readonly verb: string;
  readonly user: AuditUser;
  readonly impersonatedUser?: AuditUser;
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
    readonly apiVersion?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly reason?: string; readonly message?: string };
  readonly requestReceivedTimestamp: string;
}

export interface AuditLog {
  /** With `complete`, all requests answered before this call are in it; that needs a server that answers. */
  read(options: { complete: boolean }): Promise<AuditEvent[]>;
}

const marker = "/version?audit=";

export function createAuditLog({ folder, request }: { folder: string; request: HttpClient }): AuditLog {
  const file = join(folder, "audit.log");
  let marks = 0;
  return {
    read: async ({ complete }) => {
      if (!complete) return parse(await readFile(file, "utf8"));
      const mark = `${marker}${++marks}`;
      await request("GET", mark);
      // The server writes the line just after the answer.
      for (let text = ""; ; text = await readFile(file, "utf8")) {
        if (text.includes(`"requestURI":"${mark}"`)) return parse(text);
        await sleep(10);
      }
    },
  };
}

// A watch has an event when it starts and another when it ends; a line that is still being written has no end yet.
function parse(text: string): AuditEvent[] {
  const events = new Map<string, AuditEvent>();
  for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
    if (line === "") continue;
    const event = JSON.parse(line) as AuditEvent;
    if (!event.requestURI.startsWith(marker)) events.set(event.auditID, event);
  }
  return [...events.values()];
}
