/** A wheel cache over an index under test, and stores in which something happens between two calls. */

import { equal } from "node:assert/strict";
import { memoryFiles } from "../../backends/memory_files.ts";
import type { FileStore } from "../../src/contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../../src/contracts/index_cache.ts";
import { makeRegion } from "../../src/region/region.ts";
import type { ReloadReport } from "../../src/wheels/reload.ts";
import type { UploadClaims } from "../../src/wheels/upload.ts";
import { Wheelhouse } from "../../src/wheels/wheelhouse.ts";
import { type MadeWheel, makeWheel, sha256Of } from "../testing/make_wheel.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import type { IndexCacheFixture } from "./index_cache_fixture.ts";

/** A made file. */
interface Made {
  readonly filename: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What stands between the wheel cache and its stores. */
interface HouseParts {
  readonly index?: IndexCache;
  readonly files?: FileStore;
}

/** A wheel cache over the index under test; its files are in memory. */
export class House {
  readonly clock = new ManualClock();
  readonly files: FileStore;
  wheelhouse: Wheelhouse;

  constructor({ index }: IndexCacheFixture, parts: HouseParts = {}) {
    this.files = parts.files ?? memoryFiles({ clock: this.clock });
    this.wheelhouse = new Wheelhouse({
      index,
      pages: makeRegion({ clock: this.clock }),
      clock: this.clock,
      ...parts,
      files: this.files,
    });
  }

  /** Takes an upload's bytes; what is answered judges and publishes them. */
  async stage(
    { filename, bytes }: Made,
    claims: Partial<UploadClaims> = {},
  ): Promise<() => Promise<PackageFile>> {
    const upload = await this.wheelhouse.stage(new Blob([bytes]).stream(), bytes.length);
    return async () => {
      const facts = { filename, uploader: "zoë", ...claims };
      return (await this.wheelhouse.publish(upload, facts)).record;
    };
  }

  /** Uploads a file. */
  async upload(made: Made, claims: Partial<UploadClaims> = {}): Promise<PackageFile> {
    return await (await this.stage(made, claims))();
  }

  /** Puts a file into the store past the wheel cache. */
  async put(
    { filename, bytes }: Made,
    folder: string = filename.split("-")[0]!,
  ): Promise<{ filename: string; path: string; sha256: string }> {
    const path = `${folder}/${filename}`;
    const sha256 = await sha256Of(bytes);
    const expected = { sizeBytes: bytes.length, sha256 };
    equal(await this.files.put(path, new Blob([bytes]).stream(), expected), "stored");
    return { filename, path, sha256 };
  }

  /** Reloads the index. */
  async reload(): Promise<ReloadReport> {
    return await this.wheelhouse.reload();
  }

  /** What lies in the file store. */
  async paths(): Promise<string[]> {
    return (await this.files.list({ limit: 1_000 })).files.map(({ path }) => path);
  }
}

/** Makes a wheel. */
export function wheel(
  name: string,
  version: string,
  { summary, seed = 0 }: { readonly summary?: string | undefined; readonly seed?: number } = {},
): MadeWheel {
  const metadata = summary === undefined ? [] : [`Summary: ${summary}`];
  return makeWheel({ name, version, seed, metadata });
}

/** The store, of which the first call of one method is followed by something before it answers. */
export function following<T extends object>(
  store: T,
  method: keyof T,
  then: () => Promise<void>,
): T {
  return altered(store, method, async (call) => {
    const answer = await call();
    await then();
    return answer;
  });
}

/** The store, of which the first call of one method is preceded by something. */
export function before<T extends object>(store: T, method: keyof T, first: () => Promise<void>): T {
  return altered(store, method, async (call) => {
    await first();
    return await call();
  });
}

/** The store, one of whose methods fails. */
export function failingAt<T extends object>(store: T, method: keyof T): T {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === method) return () => Promise.reject(new Error(`no ${String(method)}`));
      return bound(target, name);
    },
  });
}

function altered<T extends object>(
  store: T,
  method: keyof T,
  around: (call: () => Promise<unknown>) => Promise<unknown>,
): T {
  let isFirst = true;
  return new Proxy(store, {
    get: (target, name) => {
      const member = bound(target, name);
      if (name !== method || !isFirst) return member;
      return (...args: unknown[]) => {
        const call = async (): Promise<unknown> =>
          await (member as (...args: unknown[]) => unknown)(...args);
        if (!isFirst) return call();
        isFirst = false;
        return around(call);
      };
    },
  });
}

function bound(target: object, name: PropertyKey): unknown {
  const member: unknown = Reflect.get(target, name);
  return typeof member === "function" ? member.bind(target) : member;
}

/** The bytes of a file that is there. */
export async function bytesAt(files: FileStore, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const opened = await files.read(path);
  return new Uint8Array(await new Response(opened!.body).arrayBuffer());
}

/** What a summary says of a project whose highest and newest file this is. */
export function summaryOf({ project, version, summary, uploadedAt }: PackageFile): object {
  return { project, version, ...summary === undefined ? {} : { summary }, uploadedAt };
}

/** What a reload did, where it skipped nothing. */
export function countsOf({ unchanged, taken, removed, skipped }: ReloadReport): object {
  equal(skipped, 0);
  return { unchanged, taken, removed };
}

/** The records sorted. */
export function byName(files: readonly PackageFile[]): PackageFile[] {
  return files.toSorted((left, right) => left.filename < right.filename ? -1 : 1);
}
