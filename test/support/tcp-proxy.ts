import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The network between a client and a server, TLS and all, that counts what goes through it and can go silent. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: number;
  /** Those that are open now. */
  readonly open: number;
  /** While frozen: the numbers of those, counted from 1, on which the client has said something and has not given up yet. */
  readonly waiting: readonly number[];
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
  const pairs = new Set<Pair>();
  let connections = 0;
  let isFrozen = false;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    connections += 1;
    const target = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const held: Buffer[] = [];
    const pair = { number: connections, client, target, held, hold: (chunk: Buffer) => void held.push(chunk) };
    pairs.add(pair);
    for (const socket of [client, target]) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        if (!isFrozen) end(pair);
      });
    }
    if (isFrozen) part(pair);
    else join(pair);
  });
  const end = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.destroy();
    pair.target.destroy();
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
    get waiting() {
      return [...pairs].filter(isWaiting).map(({ number }) => number);
    },
    freeze: () => {
      isFrozen = true;
      for (const pair of pairs) part(pair);
    },
    trickle: () => {
      let bytes = 0;
      for (const { client, target } of pairs) {
        const chunk: Buffer | null = target.read();
        bytes += chunk?.length ?? 0;
        if (chunk) client.write(chunk);
      }
      return bytes;
    },
    thaw: () => {
      if (!isFrozen) return;
      isFrozen = false;
      for (const pair of pairs) {
        if (pair.client.destroyed || pair.target.destroyed) end(pair);
        else join(pair);
      }
    },
    cut: () => {
      for (const pair of pairs) {
        for (const socket of [pair.client, pair.target]) socket.resetAndDestroy();
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

interface Pair {
  readonly number: number;
  readonly client: Socket;
  readonly target: Socket;
  /** What the client has sent since the network froze. */
  readonly held: Buffer[];
  hold(chunk: Buffer): void;
}

function isWaiting({ client, held }: Pair): boolean {
  return held.length > 0 && !client.readableEnded && !client.destroyed;
}

/** The client is heard, so that it is known when it gives up; nobody answers. */
function part({ client, target, hold }: Pair): void {
  target.unpipe().pause();
  client.unpipe().off("data", hold).on("data", hold).resume();
}

function join({ client, target, held, hold }: Pair): void {
  client.off("data", hold);
  for (const chunk of held.splice(0)) target.write(chunk);
  client.pipe(target);
  target.pipe(client);
}
