/** Opening memcached by an address or by dogpile.cache's arguments. */

import { type AutoEject, autoEject } from "../../src/compose/auto_eject.ts";
import { dogpileFraming } from "../../src/compose/dogpile_frame.ts";
import { json } from "../../src/compose/json_codec.ts";
import type { RecordOptions } from "../../src/compose/records.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import { sharded } from "../../src/compose/sharded.ts";
import { shardedLocks } from "../../src/compose/sharded_locks.ts";
import type { Backend } from "../../src/contracts/backend.ts";
import type { Locks } from "../../src/contracts/locks.ts";
import type { BackendOpener, OpenedStore, OpenerArguments } from "../../src/contracts/opener.ts";
import type { EjectableRing } from "../../src/contracts/ring.ts";
import { memcachedBackend } from "../memcached.ts";
import { memcachedLockKeys } from "../memcached_lock_keys.ts";
import { memcachedLocks } from "./locks.ts";
import { type MemcachedServer, memcachedServer } from "./server.ts";
import {
  type MemcachedSettings,
  memcachedSettings,
  type RingMode,
  type WeightedAddress,
} from "./settings.ts";
import { nodeSocket } from "./node_socket.ts";

/** What spreads keys over several servers: `ketama` of the hash room. */
export type MakeMemcachedRing = (options: {
  readonly shards: readonly {
    readonly host: string;
    readonly port: number;
    readonly weight: number;
  }[];
  readonly mode: RingMode;
}) => EjectableRing;

/** Loads a ring once there are several servers: a ring weighs more than the rest of this. */
export type LoadMemcachedRing = () => Promise<MakeMemcachedRing>;

/**
 * Opens memcached; the entries are cairn's own records, as JSON. The ring of several servers is
 * libmemcached's weighted one unless the address says other. The argument `ring` stands in for the one
 * that is loaded.
 */
export function memcachedOpener(loadRing: LoadMemcachedRing): BackendOpener {
  return (args) =>
    opened(args, loadRing, {
      backendOf: (server) => memcachedBackend(server),
      locksOf: (server) => memcachedLocks(server),
      records: {},
    });
}

/**
 * Opens memcached; the entries are dogpile.cache's records, and the locks its `_lock` keys. Several
 * servers need the argument `ketama`, for Python's clients spread keys in different ways.
 * `expiration_time`, in seconds, is how long records live that dogpile.cache wrote.
 */
export function dogpileMemcachedOpener(loadRing: LoadMemcachedRing): BackendOpener {
  return async (args) => {
    const { expiration_time: seconds } = args;
    const life = typeof seconds === "number" ? { softTtlMs: seconds * 1_000 } : {};
    const { servers, mode } = memcachedSettings(args);
    if (servers.length > 1 && mode === undefined) {
      const state = 'several servers need "ketama", to spread keys as the client in Python does';
      throw new TypeError(`Cannot open memcached: ${state}`);
    }
    return await opened(args, loadRing, {
      backendOf: (server) => memcachedBackend(server, { bare: true }),
      locksOf: (server) => memcachedLockKeys(server),
      records: { framing: dogpileFraming(life) },
    });
  };
}

/** What is made of each server. */
interface Form {
  readonly backendOf: (server: MemcachedServer) => Backend<Uint8Array>;
  readonly locksOf: (server: MemcachedServer) => Locks<Uint8Array>;
  readonly records: RecordOptions;
}

async function opened(
  args: OpenerArguments,
  loadRing: LoadMemcachedRing,
  { backendOf, locksOf, records }: Form,
): Promise<OpenedStore> {
  const settings = memcachedSettings(args);
  const servers = settings.servers.map((address) => serverOf(address, settings));
  const backends = servers.map(backendOf);
  const locks = servers.map(locksOf);
  const joined = servers.length === 1
    ? { backend: backends[0]!, locks: locks[0]! }
    : spread(backends, locks, await ringOf(args, loadRing, settings));
  return {
    backend: serialized(json, joined.backend, records),
    locks: serializedLocks(json, joined.locks, records),
    close: async () => servers.forEach((server) => server.close()),
  };
}

function serverOf(address: WeightedAddress, settings: MemcachedSettings): MemcachedServer {
  const { tls, credentials, timeoutMs, connections } = settings;
  return memcachedServer(address, {
    connect: nodeSocket({ tls }),
    ...(credentials ? { credentials } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(connections === undefined ? {} : { connections }),
  });
}

interface Ringed {
  readonly ring: EjectableRing;
  readonly ejecting: { readonly autoEject?: AutoEject };
}

async function ringOf(
  args: OpenerArguments,
  loadRing: LoadMemcachedRing,
  settings: MemcachedSettings,
): Promise<Ringed> {
  const makeRing = typeof args.ring === "function"
    ? args.ring as MakeMemcachedRing
    : await loadRing();
  const { servers: shards, mode = "libmemcached-weighted", retryMs } = settings;
  const ring = makeRing({ shards, mode });
  return { ring, ejecting: retryMs > 0 ? { autoEject: autoEject(ring, { retryMs }) } : {} };
}

function spread(
  backends: readonly Backend<Uint8Array>[],
  locks: readonly Locks<Uint8Array>[],
  { ring, ejecting }: Ringed,
): { backend: Backend<Uint8Array>; locks: Locks<Uint8Array> } {
  const options = { name: "memcached", ...ejecting };
  return {
    backend: sharded(ring, backends, options),
    locks: shardedLocks(ring, locks, options),
  };
}
