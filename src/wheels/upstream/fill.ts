/**
 * Filling the store from the upstream: one transfer for each file in a process, however many ask
 * for it, and nothing stored whose digest is not the announced one.
 *
 * 1. The first who asks becomes the leader and looks whether the file is there after all: another
 *    process may have filled it, or a process may have died between storing and recording it.
 * 2. It asks the upstream; where size and digest are known, the bytes go through a flight to the
 *    store and to everyone who asks meanwhile. Where they are not, they are taken aside first and
 *    served from the store, for nothing could be promised to a client before.
 * 3. The file is stored, then its metadata, then its record. Whoever comes now finds the record.
 */

import { BackendError, IntegrityError, UpstreamError } from "../../contracts/errors.ts";
import type { Clock } from "../../contracts/clock.ts";
import type { ByteRange, Expected, FileStore } from "../../contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../../contracts/index_cache.ts";
import { type DigestFactory, DigestTap } from "../digests.ts";
import { Flight } from "./flight.ts";
import { type ArchiveRecord, digestStored, takeIn } from "../intake.ts";
import { type Log, reasonOf } from "../log.ts";
import { ResumedBody } from "./resumed_body.ts";
import { within } from "./time_limit.ts";
import type { Upstream } from "./upstream.ts";
import type { UpstreamFile } from "./upstream_page.ts";

/** What filling works on. */
export interface FillParts {
  /** Where files go. */
  readonly files: FileStore;
  /** Where records go. */
  readonly index: IndexCache;
  /** Where files come from. */
  readonly upstream: Upstream;
  /** Computes digests. */
  readonly digests: DigestFactory;
  /** Dates the records of files whose upload time is not known. */
  readonly clock: Clock;
  /** Told of fills and failures. */
  readonly log: Log;
  /** Keeps the process going until a promise is settled. */
  readonly background: (work: Promise<unknown>) => void;
  /** Told of each file that was stored. */
  readonly onStored: (record: PackageFile) => void;
}

/** A file that the upstream has. */
export interface ColdFile {
  /** The normalised name of its project. */
  readonly project: string;
  /** Where it is to lie. */
  readonly path: string;
  /** What the upstream says of it. */
  readonly file: UpstreamFile;
}

/** One file's way into the store. */
interface Fill {
  /** What comes from the upstream, once it has begun to answer. */
  arrivals: ResumedBody | undefined;
  /** The same flight as below, once there is one. */
  begun: Flight | undefined;
  /** Its flight, once the upstream has begun to answer; `undefined` where it has none. */
  readonly flight: Promise<Flight | undefined>;
  /** Its record, once it is stored. */
  readonly stored: Promise<PackageFile>;
  /** Who boards the flight in the moment when it begins, so that it never leaves without them. */
  readonly boarding: ((body: ReadableStream<Uint8Array>) => void)[];
}

/** Told when the upstream has begun to answer: without a flight if the bytes are taken aside. */
type Begun = (arrivals: ResumedBody, flight?: Flight) => void;

/** The largest file of unknown digest or size that is taken aside, in bytes. */
const MOST_STAGED_BYTES = 4 * 1_073_741_824;
/** How long a fill may bring nothing before those who wait for it give it up. */
const STALLED_MS = 60_000;

/** The fills of one process. */
export class Fills {
  readonly #parts: FillParts;
  readonly #running = new Map<string, Fill>();

  /** Starts with none. */
  constructor(parts: FillParts) {
    this.#parts = Object.freeze({ ...parts });
  }

  /** Whether a file is on its way to this path. */
  isFilling(path: string): boolean {
    return this.#running.has(path);
  }

  /** Begins to fetch a file that nobody waits for. */
  begin(cold: ColdFile): void {
    this.#fillOf(cold);
  }

  /** How many are under way. */
  get size(): number {
    return this.#running.size;
  }

  /** A file's length, as soon as it is known. */
  async sizeOf(cold: ColdFile): Promise<number> {
    const fill = this.#fillOf(cold);
    return (await this.#awaited(cold, fill, fill.flight))?.sizeBytes ??
      (await this.#awaited(cold, fill, fill.stored)).sizeBytes;
  }

  /** A file's record, once the file is stored. */
  stored(cold: ColdFile): Promise<PackageFile> {
    const fill = this.#fillOf(cold);
    return this.#awaited(cold, fill, fill.stored);
  }

  /** A file's bytes, as they come in. */
  async open(cold: ColdFile): Promise<ReadableStream<Uint8Array>> {
    const fill = this.#fillOf(cold);
    return await this.#awaited(cold, fill, boarded(fill)) ??
      await this.#reopen((await this.#awaited(cold, fill, fill.stored)).path);
  }

  #fillOf(cold: ColdFile): Fill {
    const { path } = cold;
    const running = this.#running.get(path);
    if (running !== undefined && running.begun?.isBoardable !== false) return running;
    const { promise: flight, resolve, reject } = Promise.withResolvers<Flight | undefined>();
    const stored = this.#fill(cold, (arrivals, begun) => {
      fill.arrivals = arrivals;
      fill.begun = begun;
      if (begun === undefined) return;
      for (const board of fill.boarding.splice(0)) board(begun.board());
      resolve(begun);
    });
    const fill: Fill = { arrivals: undefined, begun: undefined, flight, stored, boarding: [] };
    this.#running.set(path, fill);
    stored.then(() => resolve(undefined), reject);
    this.#parts.background(Promise.allSettled([flight, stored]));
    stored.catch(() => {}).finally(() => this.#forget(path, fill));
    return fill;
  }

  /** Waits for a fill as long as it gets on. One that does not is forgotten, so another can lead. */
  #awaited<T>(cold: ColdFile, fill: Fill, work: Promise<T>): Promise<T> {
    const receivedBytes = fill.arrivals?.receivedBytes;
    return within(work, {
      clock: this.#parts.clock,
      limitMs: STALLED_MS,
      late: () => {
        const isMoving = fill.arrivals?.receivedBytes !== receivedBytes;
        if (isMoving) return this.#awaited(cold, fill, work);
        this.#forget(cold.path, fill);
        throw new UpstreamError(cold.file.url, `nothing came for ${STALLED_MS} ms`);
      },
    });
  }

  #forget(path: string, fill: Fill): void {
    if (this.#running.get(path) === fill) this.#running.delete(path);
  }

  async #fill(
    cold: ColdFile,
    begun: Begun,
  ): Promise<PackageFile> {
    const { log, upstream } = this.#parts;
    const facts = { upstream: upstream.id, project: cold.project };
    try {
      const record = await this.#held(cold) ?? await this.#transfer(cold, begun);
      this.#parts.onStored(record);
      log("info", `Filled "${cold.file.filename}"`, { ...facts, sizeBytes: record.sizeBytes });
      return record;
    } catch (error) {
      log("error", `Cannot fill "${cold.file.filename}": ${reasonOf(error)}`, facts);
      throw error;
    }
  }

  /** The record of a file that is there already; recorded now if it was not. */
  async #held(cold: ColdFile): Promise<PackageFile | undefined> {
    const { files, index, digests } = this.#parts;
    const { filename, sha256 } = cold.file;
    const record = await index.fetch(filename);
    if (record !== undefined && await files.head(record.path) !== undefined) {
      return agreeing(record, sha256);
    }
    const { path } = cold;
    const orphan = await files.head(path);
    if (orphan === undefined) return undefined;
    const found = await digestStored(files, path, digests);
    if (found !== undefined && (sha256 === undefined || found === sha256)) {
      return await this.#record(cold, { sizeBytes: orphan.sizeBytes, sha256: found });
    }
    await files.delete(path);
    return undefined;
  }

  async #transfer(
    cold: ColdFile,
    begun: Begun,
  ): Promise<PackageFile> {
    const { upstream, clock } = this.#parts;
    const { url, sha256, filename } = cold.file;
    const first = await upstream.open(url);
    const announced = first.response.headers.get("content-length");
    const sizeBytes = cold.file.sizeBytes ?? (announced === null ? undefined : Number(announced));
    if (announced !== null && Number(announced) !== sizeBytes) {
      first.abort();
      const sides = { expected: String(sizeBytes), actual: announced };
      throw new IntegrityError(`"${filename}"`, "length", sides);
    }
    const arrivals = new ResumedBody({ fetcher: upstream.fetcher, first, sizeBytes, clock });
    if (sha256 === undefined || sizeBytes === undefined) {
      begun(arrivals);
      return await this.#stage(cold, arrivals);
    }
    const flight = this.#flight(cold, { sizeBytes, sha256 }, arrivals);
    begun(arrivals, flight);
    return await this.#land(cold, flight, { sizeBytes, sha256 });
  }

  #flight({ file, path }: ColdFile, bytes: Expected, arrivals: ResumedBody): Flight {
    return new Flight({
      filename: file.filename,
      ...bytes,
      arrivals,
      clock: this.#parts.clock,
      digest: this.#parts.digests("sha256"),
      reopen: (offset) =>
        this.#reopen(path, offset === 0 ? undefined : { offset, length: bytes.sizeBytes - offset }),
    });
  }

  async #land(cold: ColdFile, flight: Flight, bytes: Expected): Promise<PackageFile> {
    try {
      const published = await this.#parts.files.put(cold.path, flight.cargo(), bytes);
      if (published === "exists") await this.#checkStored(cold, bytes.sha256);
    } catch (error) {
      if (error instanceof IntegrityError) await flight.failed(error);
      else await flight.carryOn();
      throw error;
    }
    await flight.landed();
    return await this.#record(cold, bytes);
  }

  async #stage(cold: ColdFile, arrivals: ResumedBody): Promise<PackageFile> {
    const { files, digests } = this.#parts;
    const tap = new DigestTap(["sha256"], digests);
    const staged = await files.stage(streamOf(arrivals).pipeThrough(tap), MOST_STAGED_BYTES);
    const { sizeBytes, hex: { sha256 = "" } } = tap.result();
    const expected = cold.file.sha256 ?? sha256;
    try {
      if (expected !== sha256) throw wrongDigest(cold.file.filename, expected, sha256);
      if (await staged.publish(cold.path) === "exists") await this.#checkStored(cold, sha256);
    } finally {
      await staged.discard();
    }
    return await this.#record(cold, { sizeBytes, sha256 });
  }

  /** Another process was faster; its file must be the same. */
  async #checkStored({ path, file }: ColdFile, sha256: string): Promise<void> {
    const found = await digestStored(this.#parts.files, path, this.#parts.digests);
    if (found !== sha256) throw wrongDigest(file.filename, sha256, found ?? "that of no file");
  }

  async #record(cold: ColdFile, { sizeBytes, sha256 }: Expected): Promise<PackageFile> {
    const { index, upstream, clock } = this.#parts;
    const { filename, version, uploadTime, requiresPython, yanked } = cold.file;
    const record = await index.add({
      ...await this.#factsOf(cold, sizeBytes),
      filename,
      project: cold.project,
      version,
      uploadedAt: uploadTime === undefined ? clock.now() : Date.parse(uploadTime),
      sizeBytes,
      sha256,
      path: cold.path,
      ...(requiresPython === undefined ? {} : { requiresPython }),
      ...(yanked === undefined ? {} : { yanked }),
      upstream: upstream.id,
    });
    return agreeing(record, sha256);
  }

  /** What a wheel says of itself. Its bytes are the right ones even if it is an odd wheel. */
  async #factsOf({ file, path }: ColdFile, sizeBytes: number): Promise<Partial<ArchiveRecord>> {
    if (!file.filename.endsWith(".whl")) return {};
    try {
      return await takeIn(this.#parts.files, path, sizeBytes);
    } catch (error) {
      if (error instanceof BackendError) throw error;
      this.#parts.log("warn", `Cannot take metadata of "${file.filename}": ${reasonOf(error)}`);
      return {};
    }
  }

  async #reopen(path: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    const opened = await this.#parts.files.read(path, range);
    if (opened !== undefined) return opened.body;
    throw new BackendError(this.#parts.files.name, "read", `"${path}" is gone`);
  }
}

/** The bytes of a fill's flight for one client; `undefined` where it has none. */
function boarded(
  { begun, boarding, flight }: Fill,
): Promise<ReadableStream<Uint8Array> | undefined> {
  if (begun !== undefined) return Promise.resolve(begun.board());
  return new Promise((resolve, reject) => {
    boarding.push(resolve);
    flight.then(() => resolve(undefined), reject);
  });
}

function agreeing(record: PackageFile, sha256: string | undefined): PackageFile {
  if (sha256 === undefined || record.sha256 === sha256) return record;
  throw wrongDigest(record.filename, record.sha256, sha256);
}

function wrongDigest(filename: string, expected: string, actual: string): IntegrityError {
  return new IntegrityError(`"${filename}"`, "sha256", { expected, actual });
}

function streamOf(arrivals: ResumedBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const chunk = await arrivals.next();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: () => arrivals.cancel(),
  }, { highWaterMark: 0 });
}
