/** Uploads that come in parts, to a house in memory, as clients send them. */

import { equal, match } from "node:assert/strict";
import { memoryFiles } from "../../../backends/memory_files.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import { type MadeWheel, makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { House, type HouseOptions, postOf, uploadForm } from "./house.ts";
import { bound } from "./upstreams.ts";

/** The length of parts. */
export const PART = 1_000;
/** A wheel of several parts. */
export const WHEEL = makeWheel({ name: "demo", version: "1.0", paddingBytes: 2_500 });
/** Another one of its name and length. */
export const OTHER = makeWheel({ name: "demo", version: "1.0", paddingBytes: 2_500, seed: 7 });
/** How many parts it has. */
export const COUNT = Math.ceil(WHEEL.bytes.length / PART);
/** Where it lies once it is published. */
export const PUBLISHED = [`demo/${WHEEL.filename}`, `demo/${WHEEL.filename}.metadata`];

/** Headers by name. */
export type Headers = Record<string, string>;

/** A house that takes parts of 1,000 bytes. */
export function newHouse(options: HouseOptions = {}): House {
  return new House({ ...options, app: { uploads: { partBytes: PART }, ...options.app } });
}

/** What is promised of a wheel. */
export async function promiseOf({ filename, bytes }: MadeWheel): Promise<Record<string, unknown>> {
  return { filename, sha256: await sha256Of(bytes), size: bytes.length };
}

/** Asks for a reservation. */
export function reserve(house: House, promise: unknown, headers: Headers = {}): Promise<Response> {
  return house.fetch("/upload/reserve", {
    method: "POST",
    body: JSON.stringify(promise),
    headers: { ...headers, "content-type": "application/json" },
  });
}

/** The answer to a reservation. */
export interface Reserved {
  readonly id: string;
  readonly upload_url: string;
  readonly headers: Headers;
  readonly part_size: number;
  readonly parts: number;
}

/** Reserves a wheel. */
export async function reserved(
  house: House,
  wheel: MadeWheel,
  headers: Headers = {},
): Promise<Reserved> {
  const response = await reserve(house, await promiseOf(wheel), headers);
  const text = await response.text();
  equal(response.status, 201, text);
  return JSON.parse(text);
}

/** The bytes of a part. */
export function partOf({ bytes }: MadeWheel, part: number): Uint8Array<ArrayBuffer> {
  return bytes.slice((part - 1) * PART, part * PART);
}

/** Puts bytes as a part. */
export function putBytes(
  house: House,
  { id, part }: { readonly id: string; readonly part: number | string },
  body: Uint8Array<ArrayBuffer>,
  headers: Headers = {},
): Promise<Response> {
  return house.fetch(`/upload/${id}?part=${part}`, { method: "PUT", body, headers });
}

/** Puts parts of a wheel, all of them by default. */
export async function putParts(
  house: House,
  wheel: MadeWheel,
  { id, parts, headers = {} }: { id: string; parts?: readonly number[]; headers?: Headers },
): Promise<void> {
  for (const part of parts ?? Array.from({ length: COUNT }, (_, at) => at + 1)) {
    const response = await putBytes(house, { id, part }, partOf(wheel, part), headers);
    equal(response.status, 204, await response.text());
  }
}

/** Ends an upload with the form of the wheel. */
export async function finalize(
  house: House,
  wheel: MadeWheel,
  { id, fields = {}, headers = {} }: {
    id: string;
    fields?: Record<string, string>;
    headers?: Headers;
  },
): Promise<Response> {
  const form = await uploadForm(wheel, fields);
  form.delete("content");
  return await house.fetch(`/upload/${id}/finalize`, await postOf(form, headers));
}

/** Drops an upload. */
export function remove(house: House, id: string, headers: Headers = {}): Promise<Response> {
  return house.fetch(`/upload/${id}`, { method: "DELETE", headers });
}

/** Expects a refusal. */
export async function refusal(response: Response, status: number, text: RegExp): Promise<void> {
  const message = await response.text();
  equal(response.status, status, message);
  match(message, text);
}

/** The paths of all files of a house. */
export async function pathsIn({ files }: House): Promise<string[]> {
  return (await files.list({ limit: 1_000 })).files.map(({ path }) => path);
}

/** The parts from one on. */
export function rest(from: number): number[] {
  return Array.from({ length: Math.max(0, COUNT - from + 1) }, (_, at) => from + at);
}

/** A store that fails to read parts while it is told to. */
export function failingReads(): { files: FileStore; fail: (isFailing: boolean) => void } {
  const files = memoryFiles();
  let isFailing = false;
  const read: FileStore["read"] = (path, range) =>
    isFailing && path.includes("/parts/")
      ? Promise.reject(new BackendError("memory", "read", new Error("the disk is gone")))
      : files.read(path, range);
  return { files: { ...bound(files), read }, fail: (failing) => void (isFailing = failing) };
}

/** A store one call of which fails. */
export function failingCall(fails: () => boolean): { files: FileStore; isOver: () => void } {
  const files = memoryFiles();
  let hasEnded = false;
  const failing = (): boolean => !hasEnded && fails();
  const guarded = <T>(call: () => Promise<T>): Promise<T> =>
    failing()
      ? Promise.reject(new BackendError("memory", "call", new Error("the disk is gone")))
      : call();
  return {
    files: {
      name: files.name,
      head: (path) => guarded(() => files.head(path)),
      read: (path, range) => guarded(() => files.read(path, range)),
      put: (path, body, expected) => guarded(() => files.put(path, body, expected)),
      stage: async (body, maxBytes) => {
        const staged = await guarded(() => files.stage(body, maxBytes));
        return {
          sizeBytes: staged.sizeBytes,
          read: (range) => guarded(() => staged.read(range)),
          publish: (path) => guarded(() => staged.publish(path)),
          discard: () => staged.discard(),
        };
      },
      delete: (path) => guarded(() => files.delete(path)),
      list: (options) => guarded(() => files.list(options)),
    },
    isOver: () => void (hasEnded = true),
  };
}

/** Asks again as long as the store cannot be reached; answers the status. */
export async function untilTaken(ask: () => Promise<Response>): Promise<number> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const { status } = await ask();
    if (status !== 503) return status;
  }
  return 503;
}
