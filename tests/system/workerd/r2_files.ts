/** The R2 file store inside workerd, on a bucket of Miniflare's; run by `r2_files_test.ts`. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { r2 } from "../../../backends/r2.ts";
import type { R2Bucket } from "../../../backends/files/r2_bucket.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import {
  bodyOf,
  bytesOf,
  bytesRead,
  expectedOf,
  pieces,
  repeated,
  streamOf,
  textBytes,
} from "../../conformance/file_bodies.ts";
import type { FileStoreFixture } from "../../conformance/file_store_fixture.ts";
import { fileStoreSuite } from "../../conformance/file_store_suite.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

/** The bucket of this Worker; bindings come with a request, and tests run within one. */
function bucket(): R2Bucket {
  return (globalThis as unknown as { bindings: { BUCKET: R2Bucket } }).bindings.BUCKET;
}

let prefixes = 0;

/** A fresh part of the bucket. */
function freshPrefix(): string {
  return `place-${++prefixes}/`;
}

async function keysUnder(prefix: string): Promise<string[]> {
  const { objects } = await bucket().list({ prefix, limit: 1_000 });
  return objects.map(({ key }) => key.slice(prefix.length));
}

/** A bucket whose n-th call fails, and all calls after it if it `staysDown`. */
function failing(failAt: number, { staysDown }: { staysDown: boolean }): Failing {
  let calls = 0;
  const names: string[] = [];
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(real, name): unknown {
        const value: unknown = Reflect.get(real, name);
        if (typeof value !== "function") return value;
        return async (...parameters: unknown[]): Promise<unknown> => {
          calls++;
          names.push(String(name));
          if (calls === failAt || (staysDown && calls > failAt)) throw new Error("bucket is down");
          const answer: unknown = await Reflect.apply(value, real, parameters);
          return name === "createMultipartUpload" ? wrap(answer as object) : answer;
        };
      },
    });
  return {
    bucket: wrap(bucket()),
    names,
    calls: () => calls,
    failFromNow: () => void (failAt = calls + 1),
  };
}

interface Failing {
  readonly bucket: R2Bucket;
  readonly names: readonly string[];
  calls(): number;
  failFromNow(): void;
}

fileStoreSuite("r2", (clock): FileStoreFixture => {
  const prefix = freshPrefix();
  const breakable = failing(Infinity, { staysDown: true });
  return {
    store: r2(breakable.bucket, { prefix, clock }),
    other: r2(bucket(), { prefix, clock }),
    contents: () => keysUnder(prefix),
    breakStore: breakable.failFromNow,
  };
});

describe("r2", () => {
  it("refuses a prefix that leaves no room for the longest path", () => {
    throws(() => r2(bucket(), { prefix: "p".repeat(125) }), RangeError);
    throws(() => r2(bucket(), { prefix: "é".repeat(63) }), RangeError);
    r2(bucket(), { prefix: "p".repeat(124) });
  });

  it("takes the longest path with the longest prefix", async () => {
    const files = r2(bucket(), { prefix: "p".repeat(124) });
    const path = `${"a/".repeat(449)}bb`;
    const bytes = textBytes(path);
    equal(await files.put(path, streamOf(bytes), await expectedOf(bytes)), "stored");
    deepEqual(await bytesRead(await files.read(path)), bytes);
  });

  it("neither lists nor counts keys of others and staged ones, and pages past them", async () => {
    const prefix = freshPrefix();
    const files = r2(bucket(), { prefix });
    const onlyIf = { etagDoesNotMatch: "*" };
    for (let number = 0; number < 30; number++) {
      await bucket().put(`${prefix}.staging/${number}`, textBytes("aside"), { onlyIf });
    }
    for (const key of [".hidden", "a//b", "c/", "d\\e"]) {
      await bucket().put(prefix + key, textBytes("foreign"), { onlyIf });
    }
    const paths = ["!first", "-second", "0third", "a/fourth", "fifth"];
    for (const path of paths) {
      await files.put(path, streamOf(textBytes(path)), await expectedOf(textBytes(path)));
    }
    for (const limit of [1, 2, 1_000]) {
      const listed: string[] = [];
      let cursor: string | undefined = "";
      for (let page = 0; cursor !== undefined; page++) {
        ok(page < 30, "the listing does not end");
        const answer: Awaited<ReturnType<typeof files.list>> = await files.list({ limit, cursor });
        ok(answer.files.length <= limit);
        listed.push(...answer.files.map((file) => file.path));
        cursor = answer.cursor;
      }
      deepEqual(listed, paths, `limit ${limit}`);
    }
  });

  it("passes over all staged keys in one request", async () => {
    const prefix = freshPrefix();
    for (let number = 0; number < 12; number++) {
      const bytes = textBytes("aside");
      const onlyIf = { etagDoesNotMatch: "*" };
      await bucket().put(`${prefix}.staging/${number}`, bytes, { onlyIf });
    }
    const spy = failing(Infinity, { staysDown: false });
    const files = r2(spy.bucket, { prefix });
    await files.put("file", streamOf(textBytes("x")), await expectedOf(textBytes("x")));
    const before = spy.calls();
    deepEqual((await files.list({ limit: 3 })).files.map(({ path }) => path), ["file"]);
    equal(spy.calls() - before, 2);
  });

  it("drops the parts of a long body that fails", async () => {
    const spy = failing(Infinity, { staysDown: false });
    const files = r2(spy.bucket, { prefix: freshPrefix() });
    const error = new Error("broken off");
    const body = bodyOf(repeated(bytesOf(3, 1 << 20), 10), { error });
    await rejects(() => files.stage(body.stream, 1 << 30), (thrown) => thrown === error);
    deepEqual(spy.names, ["list", "createMultipartUpload", "uploadPart", "abort"]);
  });

  it("sweeps leftovers of more than a day with the first stage", async () => {
    const prefix = freshPrefix();
    const onlyIf = { etagDoesNotMatch: "*" };
    const left = await bucket().put(`${prefix}.staging/left`, textBytes("left"), { onlyIf });
    const clock = new ManualClock(left!.uploaded.getTime() + 86_400_000);
    const young = r2(bucket(), { prefix, clock });
    await (await young.stage(streamOf(textBytes("x")), 10)).discard();
    deepEqual(await keysUnder(prefix), [".staging/left"]);
    await clock.advance(1);
    await (await young.stage(streamOf(textBytes("x")), 10)).discard();
    deepEqual(await keysUnder(prefix), [".staging/left"], "one sweep for each opening");
    const old = r2(bucket(), { prefix, clock });
    await (await old.stage(streamOf(textBytes("x")), 10)).discard();
    deepEqual(await keysUnder(prefix), []);
  });

  it("publishes nothing that was not whole, whichever call fails", async () => {
    const bytes = bytesOf(1, 20 << 20);
    const expected = await expectedOf(bytes);
    for (let failAt = 1;; failAt++) {
      ok(failAt < 50, "no run without a failure");
      const prefix = freshPrefix();
      const fault = failing(failAt, { staysDown: failAt % 2 === 0 });
      const files = r2(fault.bucket, { prefix });
      const published = await publishBoth(files, { bytes, expected });
      const sound = r2(bucket(), { prefix });
      for (const path of ["put", "staged"]) {
        const read = await bytesRead(await sound.read(path));
        if (read || published.includes(path)) deepEqual(read?.length, bytes.length, path);
      }
      if (fault.calls() < failAt) break;
    }
  });

  it("goes on after a body that failed when all its bytes had come", async () => {
    const files = r2(bucket(), { prefix: freshPrefix() });
    const bytes = bytesOf(2, 100_000);
    const expected = await expectedOf(bytes);
    const error = new Error("late failure");
    const late = bodyOf(pieces(bytes, 30_000), { error });
    await rejects(() => files.put("late", late.stream, expected), (thrown) => thrown === error);
    equal(await files.head("late"), undefined);
    equal(await files.put("late", streamOf(bytes), expected), "stored");
  });
});

interface Content {
  readonly bytes: Uint8Array;
  readonly expected: { readonly sizeBytes: number; readonly sha256: string };
}

/** Puts and stages the same bytes; every error must be the store's. Answers what was published. */
async function publishBoth(
  files: ReturnType<typeof r2>,
  { bytes, expected }: Content,
): Promise<string[]> {
  const published: string[] = [];
  const attempt = async (path: string, run: () => Promise<unknown>): Promise<void> => {
    try {
      await run();
      published.push(path);
    } catch (error) {
      ok(error instanceof BackendError, String(error));
    }
  };
  await attempt("put", () => files.put("put", bodyOf(pieces(bytes, 1 << 20)).stream, expected));
  await attempt("staged", async () => {
    const staged = await files.stage(bodyOf(pieces(bytes, 1 << 20)).stream, bytes.length);
    await staged.publish("staged");
  });
  return published;
}
