/**
 * Proxies around a backend whose locks store values themselves.
 *
 * A commit stores and releases in one step, in the store, beneath any proxy; yet a proxy must see
 * every write. So a commit travels through the proxies as a write, and becomes a commit again at the
 * bottom:
 *
 *  1. `commit` notes its lease under the key and sets the entry on the outermost proxy.
 *  2. The proxies look at it, change it, or drop it.
 *  3. At the bottom a write of a noted key, begun at the same instant, is committed by its lease; any
 *     other is a plain one.
 *
 * Deletions travel likewise and end leases at the bottom. What is read with a lock is read again
 * through the proxies.
 */

import type { Backend, Write } from "../contracts/backend.ts";
import type { Entry } from "../contracts/entry.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../contracts/locks.ts";

/** A backend and the locks on its keys. */
export interface LockedStore {
  /** The backend beneath all proxies. */
  readonly actual: Backend<Entry>;
  /** The outermost backend. */
  readonly backend: Backend<Entry>;
  /** Locks whose commits reach the backend. */
  readonly locks: Locks<Entry>;
}

interface Commit {
  readonly lease: Lease<Entry>;
  readonly createdAt: number;
  isStored: boolean | undefined;
}

/** The store with proxies around its backend, which `wrap` puts around the backend it is given. */
export function proxiedStore(
  store: LockedStore,
  wrap: (bottom: Backend<Entry>) => Backend<Entry>,
): LockedStore {
  const commits = new Map<string, Commit>();
  const backend = wrap(bottomOf(store, commits));
  return { actual: store.actual, backend, locks: locksThrough(backend, store.locks, commits) };
}

function bottomOf(
  { backend, locks }: LockedStore,
  commits: ReadonlyMap<string, Commit>,
): Backend<Entry> {
  return Object.freeze({
    name: backend.name,
    limits: backend.limits,
    get: (keys: readonly string[]) => backend.get(keys),
    delete: (keys: readonly string[]) => locks.revoke(keys),
    async set(writes: readonly Write<Entry>[]): Promise<void> {
      const plain = writes.filter((write) => commitOf(commits, write) === undefined);
      if (plain.length > 0) await backend.set(plain);
      for (const write of writes) {
        const commit = commitOf(commits, write);
        if (commit !== undefined) commit.isStored = await commit.lease.commit(write);
      }
    },
  });
}

function commitOf(commits: ReadonlyMap<string, Commit>, write: Write<Entry>): Commit | undefined {
  const commit = commits.get(write.key);
  return commit?.createdAt === write.value.createdAt ? commit : undefined;
}

function locksThrough(
  backend: Backend<Entry>,
  locks: Locks<Entry>,
  commits: Map<string, Commit>,
): Locks<Entry> {
  return Object.freeze({
    name: locks.name,
    revoke: (keys: readonly string[]) => backend.delete(keys),
    async acquire(key: string, options: AcquireOptions<Entry>): Promise<Acquired<Entry>> {
      const { lease } = await locks.acquire(key, options);
      try {
        const [value] = await backend.get([key]);
        return { lease: lease && leaseThrough(backend, lease, commits), value };
      } catch (error) {
        await lease?.release();
        throw error;
      }
    },
  });
}

function leaseThrough(
  backend: Backend<Entry>,
  lease: Lease<Entry>,
  commits: Map<string, Commit>,
): Lease<Entry> {
  return Object.freeze({
    key: lease.key,
    fence: lease.fence,
    renew: (leaseMs: number) => lease.renew(leaseMs),
    release: () => lease.release(),
    async commit(write: Write<Entry>): Promise<boolean> {
      const { createdAt } = write.value;
      const commit: Commit = { lease, createdAt, isStored: undefined };
      commits.set(lease.key, commit);
      try {
        await backend.set([write]);
      } finally {
        commits.delete(lease.key);
        if (commit.isStored === undefined) await lease.release();
      }
      return commit.isStored ?? false;
    },
  });
}
