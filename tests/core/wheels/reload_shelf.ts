/** What the tests of reloads share: files and an index in memory, and stores that count or fail. */

import { equal } from "node:assert/strict";
import { memoryIndex } from "../../../backends/index_memory.ts";
import { memoryFiles } from "../../../backends/memory_files.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import type { IndexCache } from "../../../src/contracts/index_cache.ts";
import { portableDigests } from "../../../src/wheels/digests.ts";
import {
  reloadIndex,
  type ReloadOptions,
  type ReloadParts,
  type ReloadReport,
} from "../../../src/wheels/reload.ts";
import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { bound } from "../wheels_http/upstreams.ts";

/** A store and an index, and wheels that are put into the store by hand. */
export class Shelf {
  readonly clock = new ManualClock();
  readonly files: FileStore = memoryFiles({ clock: this.clock });
  readonly index: IndexCache = memoryIndex();
  readonly warnings: string[] = [];

  reload(options: ReloadOptions = {}, parts: Partial<ReloadParts> = {}): Promise<ReloadReport> {
    const { clock, files, index } = this;
    const log: ReloadParts["log"] = (level, message) => {
      if (level === "warn") this.warnings.push(message);
    };
    return reloadIndex({ clock, files, index, digests: portableDigests, log, ...parts }, options);
  }

  async put(name: string, version: string, options: { tag?: string; seed?: number } = {}) {
    const { bytes, ...made } = makeWheel({ name, version, seed: options.seed ?? 0 });
    const filename = made.filename.replace("-any.whl", `-${options.tag ?? "any"}.whl`);
    const path = `${name}/${filename}`;
    const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
    equal(await this.files.put(path, new Blob([bytes]).stream(), expected), "stored");
    return { path, filename, sha256: expected.sha256 };
  }

  /** The files that the index knows, and none of which it should not. */
  async known(): Promise<string[]> {
    const { files } = await this.index.list({ limit: 1_000 });
    return files.map(({ path }) => path).sort();
  }
}

export function countsOf({ unchanged, taken, removed, skipped }: ReloadReport): number[] {
  return [unchanged, taken, removed, skipped];
}

/** Answers yes so many times less one, and then no. */
export function times(count: number): () => boolean {
  let left = count;
  return () => --left > 0;
}

export async function putText(files: FileStore, path: string): Promise<void> {
  const bytes = new TextEncoder().encode(path);
  const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
  await files.put(path, new Blob([bytes]).stream(), expected);
}

export async function paths(files: FileStore): Promise<string[]> {
  const page = await files.list({ limit: 1_000 });
  return page.files.map(({ path }) => path).filter((path) => path.endsWith(".whl")).sort();
}

/** A store that counts how many heads of files are being looked at and files read at once. */
export class AtOnce {
  now = 0;
  most = 0;
  readonly files: FileStore;

  constructor(files: FileStore) {
    this.files = {
      ...bound(files),
      head: (path) => this.#during(() => files.head(path)),
      read: (path, range) => this.#during(() => files.read(path, range)),
    };
  }

  async #during<T>(call: () => Promise<T>): Promise<T> {
    this.most = Math.max(this.most, ++this.now);
    try {
      return await call();
    } finally {
      this.now--;
    }
  }
}

export const crash: Error = new Error("crash");

/** The index until its n-th call, with which the process is gone. */
export function crashing(
  index: IndexCache,
  crashAt: number,
): { index: IndexCache; count(): number } {
  let calls = 0;
  const guarded = new Proxy(index, {
    get(target, name: keyof IndexCache) {
      const method = target[name];
      if (typeof method !== "function") return method;
      return (...args: never[]) => {
        if (++calls >= crashAt) return Promise.reject(crash);
        return (method as (...args: never[]) => unknown).apply(target, args);
      };
    },
  });
  return { index: guarded, count: () => calls };
}

/** The stores of a run that dies, and never goes on, when it reads a file that is meant. */
export function dying(
  { files, index }: Shelf,
  isMeant: (path: string) => boolean,
): { parts: Pick<ReloadParts, "files" | "index">; death: Promise<undefined> } {
  const forever = new Promise<never>(() => {});
  let isDead = false;
  let die = (): void => {};
  const death = new Promise<undefined>((resolve) => die = () => resolve(undefined));
  const mortal = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, name) => {
        const method = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => isDead ? forever : Reflect.apply(method, target, args);
      },
    });
  const own = mortal(files);
  const read: FileStore["read"] = (path, range) => {
    isDead ||= isMeant(path);
    if (!isDead) return own.read(path, range);
    die();
    return forever;
  };
  return { parts: { files: { ...bound(own), read }, index: mortal(index) }, death };
}
