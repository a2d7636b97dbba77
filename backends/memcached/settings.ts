/**
 * Which servers to open and how, from an address or from arguments.
 *
 * ```text
 * memcached://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT],…[?ketama=weighted&weights=5,1,…]
 * memcached:///PATH/TO/SOCKET
 * ```
 */

import type { OpenerArguments } from "../../src/contracts/opener.ts";
import { type MemcachedAddress, memcachedAddress } from "./address.ts";
import type { MemcachedCredentials } from "./server.ts";

/** Everything that is said of servers in a configuration. */
export interface MemcachedSettings {
  /** The servers, each with its share of the keys. */
  readonly servers: readonly WeightedAddress[];
  /** Whose ring spreads the keys, or `undefined` where nothing is said. */
  readonly mode: RingMode | undefined;
  /** Whether to speak TLS. */
  readonly tls: boolean;
  /** What to sign in with. */
  readonly credentials: MemcachedCredentials | undefined;
  /** How long a reply may take, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** How many connections each server gets at most. */
  readonly connections: number | undefined;
  /** How long a server that fails is left out, in milliseconds; 0 leaves none out. */
  readonly retryMs: number;
}

/** A server with its share of the keys. */
export interface WeightedAddress extends MemcachedAddress {
  /** Its share, relative to the others. */
  readonly weight: number;
}

/** The rings that the text names; the names of modes of `ketama` themselves are taken, too. */
const modes = {
  weighted: "libmemcached-weighted",
  plain: "libmemcached",
  spy: "libmemcached-spy",
  none: "modula",
  libketama: "libketama",
  twemproxy: "twemproxy",
  exact160: "exact160",
} as const;

/** A mode of `ketama`. */
export type RingMode = (typeof modes)[keyof typeof modes];

const defaultRetryMs = 30_000;

/**
 * Reads an address, with what stands behind its question mark, and arguments beside it, which give way:
 * `ketama`, `weights`, `tls`, `username`, `password`, `timeoutMs`, `connections`, `retryMs`. Without an
 * address the servers are `url`, a text or a list as dogpile.cache has it; its `socket_timeout` and
 * `dead_retry`, in seconds, are taken as well. Other arguments are ignored.
 */
export function memcachedSettings(args: OpenerArguments): MemcachedSettings {
  const { names, user, query } = args.address === undefined
    ? { names: listOf(args.url ?? "127.0.0.1"), user: undefined, query: new URLSearchParams() }
    : partsOf(args.address);
  const said = (name: string): unknown => query.get(name) ?? args[name] ?? undefined;
  const weights = said("weights") === undefined ? [] : listOf(said("weights"));
  if (weights.length > 0 && weights.length !== names.length) {
    throw refusal(`there are ${weights.length} weights for ${names.length} servers`);
  }
  return Object.freeze({
    servers: names.map((name, index) => ({
      ...memcachedAddress(name),
      weight: numberOf("weights", weights[index]) ?? 1,
    })),
    mode: modeOf(said("ketama")),
    tls: ["true", "1", true, 1].includes(said("tls") as string),
    credentials: user ?? credentialsOf(args),
    timeoutMs: numberOf("timeoutMs", said("timeoutMs")) ?? seconds("socket_timeout", args),
    connections: numberOf("connections", said("connections")),
    retryMs: numberOf("retryMs", said("retryMs")) ?? seconds("dead_retry", args) ?? defaultRetryMs,
  });
}

interface AddressParts {
  readonly names: readonly string[];
  readonly user: MemcachedCredentials | undefined;
  readonly query: URLSearchParams;
}

const addressForm = /^memcached:\/\/(?:([^:@/?]*):([^@/?]*)@)?([^?#@]+)(?:\?([^#]*))?$/i;

function partsOf(address: string): AddressParts {
  const [, user, password = "", servers, query = ""] = addressForm.exec(address) ?? [];
  // The address may hold a password, so it is not repeated.
  if (servers === undefined) throw refusal("its address is not memcached://HOST:PORT,HOST:PORT");
  return {
    names: listOf(servers),
    user: user === undefined
      ? undefined
      : { user: decodeURIComponent(user), password: decodeURIComponent(password) },
    query: new URLSearchParams(query),
  };
}

function listOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  return String(value).split(",").map((item) => item.trim());
}

function modeOf(value: unknown): RingMode | undefined {
  if (value === undefined) return undefined;
  const known = Object.entries(modes).find(([name, mode]) => value === name || value === mode);
  if (known) return known[1];
  throw refusal(`"ketama" is "${value}", none of ${Object.keys(modes).join(", ")}`);
}

function credentialsOf({ username, password }: OpenerArguments): MemcachedCredentials | undefined {
  if (typeof username !== "string") return undefined;
  return { user: username, password: typeof password === "string" ? password : "" };
}

function numberOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isFinite(number) && number >= 0 && value !== "") return number;
  throw refusal(`"${name}" is "${value}"`);
}

function seconds(name: string, args: OpenerArguments): number | undefined {
  const number = numberOf(name, args[name] ?? undefined);
  return number === undefined ? undefined : number * 1_000;
}

function refusal(state: string): RangeError {
  return new RangeError(`Cannot open memcached: ${state}`);
}
