import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The network between a client and a server, TLS and all, that counts what goes through it and can go silent. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: number;
  /** Those that are open now. */
  readonly open: number;
  /** Nothing goes through any more, neither way, and nobody is told: a firewall that forgot its connections. */
  freeze(): void;
  /** While frozen: lets through what the server has sent and is at hand, some 64 KiB; the number of bytes. */
  trickle(): number;
  /** What was held back goes through, and so does all that follows. */
  thaw(): void;
  /** Resets all connections. */
  cut(): void;
  /** From now on new connections lead to another port. */
  lead(upstream: number): void;
}

/** Starts a proxy on 127.0.0.1 in front of a port of 127.0.0.1. */
export async function startTcpProxy(upstream: number): Promise<TcpProxy> {
  let port = upstream;
  const pairs = new Set<readonly [Socket, Socket]>();
  let connections = 0;
  let isFrozen = false;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    connections += 1;
    const pair = [client, connect({ port, host: "127.0.0.1", allowHalfOpen: true })] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        if (!isFrozen) end(pair);
      });
    }
    if (!isFrozen) join(pair);
  });
  const end = (pair: readonly [Socket, Socket]): void => {
    pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    get open() {
      return pairs.size;
    },
    freeze: () => {
      isFrozen = true;
      for (const [client, target] of pairs) {
        client.unpipe().pause();
        target.unpipe().pause();
      }
    },
    trickle: () => {
      let bytes = 0;
      for (const [client, target] of pairs) {
        const chunk: Buffer | null = target.read();
        bytes += chunk?.length ?? 0;
        if (chunk) client.write(chunk);
      }
      return bytes;
    },
    thaw: () => {
      isFrozen = false;
      for (const pair of pairs) {
        if (pair.some(({ destroyed }) => destroyed)) end(pair);
        else join(pair);
      }
    },
    cut: () => {
      for (const pair of pairs) {
        for (const socket of pair) socket.resetAndDestroy();
        pairs.delete(pair);
      }
    },
    lead: (other) => {
      port = other;
    },
    [Symbol.asyncDispose]: async () => {
      for (const pair of pairs) end(pair);
      server.close();
      await once(server, "close");
    },
  };
}

function join([client, target]: readonly [Socket, Socket]): void {
  client.pipe(target);
  target.pipe(client);
}
