/**
 * Uploads that come in parts: reserved, put part by part, joined at the end.
 *
 * The parts are files of the file store below a folder of their own, and what is known of the upload
 * lies beside them, so any process can take the next part or the end. They belong to a user, whose
 * name is a segment of their paths: to others they are not there. A part is published whole or not at
 * all; sent again it takes the place of the former. Nothing of it is a package yet: at the end the
 * parts are read one after the other as one stream, which goes the way of every upload.
 *
 * These are the ways for two requests to meet:
 * 1. Two attempts at one part: either deletes what is there and publishes its own, so one of the two
 *    is there afterwards. Should they differ, the digest of the whole tells.
 * 2. A part comes while its upload is dropped: whoever has published a part looks whether the upload is
 *    still there, and removes the part if not.
 * 3. A process dies anywhere: what is left is stale a day after the upload began, and is swept by the
 *    next reservation or scan.
 */

import type { Clock } from "../contracts/clock.ts";
import { UploadRefusedError } from "../contracts/errors.ts";
import type { FilePage, FileStore, StagedFile, StoredFile } from "../contracts/file_store.ts";
import { type Log, reasonOf } from "./log.ts";
import {
  beforeFresh,
  isPendingId,
  isStalePath,
  newPendingId,
  openFolder,
  openPath,
  partPath,
  partsFolder,
  PENDING_FOLDER,
} from "./pending_paths.ts";
import { sha256Hex } from "./sha256_hex.ts";
import { readAll } from "./upstream/read_all.ts";

/** What reservations need. */
export interface ReservationParts {
  /** Where the parts go. */
  readonly files: FileStore;
  /** Tells what is stale. */
  readonly clock: Clock;
  /** Told of what could not be swept. */
  readonly log: Log;
  /** Keeps the process going until it is swept. */
  readonly background: (work: Promise<unknown>) => void;
}

/** What is promised of a file, and how it will come. */
export interface PromisedFile {
  /** Its name. */
  readonly filename: string;
  /** Its SHA-256, as 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Its length. */
  readonly sizeBytes: number;
  /** The length of every part but the last. */
  readonly partBytes: number;
}

/** An upload whose parts are still coming. */
export interface Reservation extends PromisedFile {
  /** Its identity. */
  readonly id: string;
  /** Whose it is, as a segment of paths. */
  readonly owner: string;
}

/** The most uploads of one user at a time. */
const MOST_OPEN = 16;

/** The most parts of one upload, as S3 has it. */
export const MOST_PARTS = 10_000;

const LARGEST_PAGE = 1_000;

/** How much is swept at a time: a Worker may do only so much for one request. */
const MOST_SWEPT = 100;

/** How many missing parts are named. */
const MOST_NAMED = 10;

/** Keeps uploads whose parts are still coming. */
export class Reservations {
  readonly #parts: ReservationParts;

  /** Takes what they need; does no I/O. */
  constructor(parts: ReservationParts) {
    this.#parts = Object.freeze({ ...parts });
  }

  /**
   * Begins an upload. Throws an `UploadRefusedError` when the user has too many. What is stale is swept in
   * the background.
   */
  async reserve(user: string | undefined, promised: PromisedFile): Promise<Reservation> {
    const { files, clock, background } = this.#parts;
    background(this.#sweep());
    const owner = await ownerOf(user);
    const now = clock.now();
    const id = newPendingId(now);
    const { filename, sha256, sizeBytes, partBytes } = promised;
    const known = { filename, sha256, sizeBytes, partBytes };
    const bytes = new TextEncoder().encode(JSON.stringify(known));
    const path = openPath(owner, id);
    await files.put(path, new Blob([bytes]).stream(), {
      sizeBytes: bytes.byteLength,
      sha256: await sha256Hex(bytes),
    });
    // Counted afterwards: of several at once the last to count sees them all.
    const bounds = { most: MOST_OPEN + 1, after: beforeFresh(owner, now) };
    if ((await filesIn(files, openFolder(owner), bounds)).length > MOST_OPEN) {
      await files.delete(path);
      const message = `There are ${MOST_OPEN} uploads under way; finalize or delete one.`;
      throw new UploadRefusedError("too-many", message);
    }
    return Object.freeze({ ...known, id, owner });
  }

  /** A user's upload, unless it is stale; `undefined` for those of others, too. */
  async find(user: string | undefined, id: string): Promise<Reservation | undefined> {
    const { files, clock } = this.#parts;
    if (!isPendingId(id, clock.now())) return undefined;
    const owner = await ownerOf(user);
    const opened = await files.read(openPath(owner, id));
    if (opened === undefined) return undefined;
    const known: PromisedFile = JSON.parse(new TextDecoder().decode(await readAll(opened.body)));
    return Object.freeze({ ...known, id, owner });
  }

  /**
   * Takes a part, counted from 1, in place of a former one. Answers `false` when the upload was dropped
   * meanwhile. Throws an `UploadRefusedError` for a part that it has not, or of another length.
   */
  async put(
    reservation: Reservation,
    part: number,
    body: ReadableStream<Uint8Array>,
  ): Promise<boolean> {
    const { files } = this.#parts;
    const { owner, id } = reservation;
    const sizeBytes = lengthOf(reservation, part);
    const path = partPath(owner, id, part);
    const staged = await this.#staged(body, part, sizeBytes);
    try {
      if (staged.sizeBytes !== sizeBytes) throw wrongLength(part, sizeBytes);
      await files.delete(path);
      await staged.publish(path);
    } finally {
      await staged.discard();
    }
    if (await files.head(openPath(owner, id)) !== undefined) return true;
    await files.delete(path);
    return false;
  }

  /** The whole file as one stream. Throws an `UploadRefusedError` that names what is missing. */
  async open(reservation: Reservation): Promise<ReadableStream<Uint8Array>> {
    const { files } = this.#parts;
    const { owner, id } = reservation;
    const count = partsOf(reservation);
    const found = await filesIn(files, partsFolder(owner, id), { most: count });
    const paths = new Set(found.map(({ path }) => path));
    const missing: number[] = [];
    for (let part = 1; part <= count && missing.length <= MOST_NAMED; part++) {
      if (!paths.has(partPath(owner, id, part))) missing.push(part);
    }
    if (missing.length > 0) throw lacking(missing, count);
    return joined(count, async (part) => {
      const opened = await files.read(partPath(owner, id, part));
      if (opened === undefined) throw lacking([part], count);
      return opened.body;
    });
  }

  /** Drops an upload with its parts. What fails is logged and left to the next sweep. */
  async end(reservation: Reservation): Promise<void> {
    try {
      await this.drop(reservation);
    } catch (error) {
      const { filename } = reservation;
      this.#parts.log("warn", `Left the parts of "${filename}": ${reasonOf(error)}`);
    }
  }

  /** Drops an upload with its parts. */
  async drop(reservation: Reservation): Promise<void> {
    const { files } = this.#parts;
    const { owner, id } = reservation;
    await files.delete(openPath(owner, id));
    const bounds = { most: partsOf(reservation) };
    for (const { path } of await filesIn(files, partsFolder(owner, id), bounds)) {
      await files.delete(path);
    }
  }

  async #staged(
    body: ReadableStream<Uint8Array>,
    part: number,
    sizeBytes: number,
  ): Promise<StagedFile> {
    try {
      return await this.#parts.files.stage(body, sizeBytes);
    } catch (error) {
      throw error instanceof RangeError ? wrongLength(part, sizeBytes) : error;
    }
  }

  /** Removes a share of what is stale. Never rejects. */
  async #sweep(): Promise<void> {
    const { files, clock, log } = this.#parts;
    try {
      const found = await filesIn(files, PENDING_FOLDER, { most: LARGEST_PAGE });
      const stale = found.filter(({ path }) => isStalePath(path, clock.now()));
      for (const { path } of stale.slice(0, MOST_SWEPT)) await files.delete(path);
    } catch (error) {
      log("warn", `Cannot sweep uploads that were never finalized: ${reasonOf(error)}`);
    }
  }
}

/** How many parts an upload has. */
export function partsOf(
  { sizeBytes, partBytes }: Pick<PromisedFile, "sizeBytes" | "partBytes">,
): number {
  return Math.ceil(sizeBytes / partBytes);
}

function lengthOf(reservation: Reservation, part: number): number {
  const { sizeBytes, partBytes } = reservation;
  const count = partsOf(reservation);
  if (!(Number.isInteger(part) && part >= 1 && part <= count)) {
    throw new UploadRefusedError("form", `The part must be a number from 1 to ${count}.`);
  }
  return part < count ? partBytes : sizeBytes - (count - 1) * partBytes;
}

function wrongLength(part: number, sizeBytes: number): UploadRefusedError {
  return new UploadRefusedError("form", `Part ${part} must have ${sizeBytes} bytes.`);
}

function lacking(missing: readonly number[], count: number): UploadRefusedError {
  const named = missing.slice(0, MOST_NAMED).join(", ");
  const more = missing.length > MOST_NAMED ? " and more" : "";
  const which = missing.length === 1 ? `Part ${named} is` : `Parts ${named}${more} are`;
  return new UploadRefusedError("form", `${which} missing, of ${count}.`);
}

/** Names of users may be what paths cannot. Who needs no name has uploads with all others. */
async function ownerOf(user: string | undefined): Promise<string> {
  const bytes = new TextEncoder().encode(user === undefined ? "anyone" : `user ${user}`);
  return (await sha256Hex(bytes)).slice(0, 32);
}

async function filesIn(
  files: FileStore,
  folder: string,
  { most, after = folder }: { readonly most: number; readonly after?: string },
): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  let cursor: string | undefined = after;
  while (cursor !== undefined && found.length < most) {
    const limit = Math.min(most - found.length, LARGEST_PAGE);
    const page: FilePage = await files.list({ limit, cursor });
    const inside = page.files.filter(({ path }) => path.startsWith(folder));
    found.push(...inside);
    cursor = inside.length < page.files.length ? undefined : page.cursor;
  }
  return found;
}

/** The bodies of parts one after the other, each opened when the one before it has ended. */
function joined(
  count: number,
  open: (part: number) => Promise<ReadableStream<Uint8Array>>,
): ReadableStream<Uint8Array> {
  let part = 0;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      for (; part <= count; reader = undefined) {
        reader ??= part < count ? (await open(++part)).getReader() : undefined;
        if (reader === undefined) return controller.close();
        const { value } = await reader.read();
        if (value !== undefined) return controller.enqueue(value);
      }
    },
    cancel: (reason) => reader?.cancel(reason),
  }, { highWaterMark: 0 });
}
