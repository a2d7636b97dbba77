/** Core metadata of files that the upstream has: fetched once, checked, and kept beside the file. */

import type { Clock } from "../../contracts/clock.ts";
import { IntegrityError, UpstreamError } from "../../contracts/errors.ts";
import type { FileStore } from "../../contracts/file_store.ts";
import type { ColdFile } from "./fill.ts";
import { metadataPath } from "../paths.ts";
import { sha256Hex } from "../sha256_hex.ts";
import { within } from "./time_limit.ts";
import type { Upstream } from "./upstream.ts";

/** The largest metadata that is believed, in bytes. */
const MOST_BYTES = 4 * 1_048_576;
/** How long it may take, in milliseconds. */
const LIMIT_MS = 30_000;

/** Fetches metadata, each only once at a time in a process. */
export class ColdMetadata {
  readonly #files: FileStore;
  readonly #upstream: Upstream;
  readonly #clock: Clock;
  readonly #running = new Map<string, Promise<void>>();

  /** Takes where metadata goes and where it comes from. */
  constructor(parts: { files: FileStore; upstream: Upstream; clock: Clock }) {
    this.#files = parts.files;
    this.#upstream = parts.upstream;
    this.#clock = parts.clock;
  }

  /** Makes sure that the metadata with this digest is stored; answers its path. */
  async stored(cold: ColdFile, sha256: string): Promise<string> {
    const path = metadataPath(cold.path);
    if (await this.#files.head(path) !== undefined) return path;
    let fetching = this.#running.get(path);
    if (fetching === undefined) {
      fetching = this.#fetch(cold, sha256).finally(() => this.#running.delete(path));
      this.#running.set(path, fetching);
    }
    await within(fetching, {
      clock: this.#clock,
      limitMs: LIMIT_MS,
      late: () => {
        this.#running.delete(path);
        throw new UpstreamError(cold.file.url, `no metadata after ${LIMIT_MS} ms`);
      },
    });
    return path;
  }

  async #fetch({ file, path }: ColdFile, expected: string): Promise<void> {
    const url = `${file.url}.metadata`;
    const { response, abort } = await this.#upstream.open(url);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let sizeBytes = 0;
    for await (const chunk of response.body ?? []) {
      sizeBytes += chunk.byteLength;
      chunks.push(new Uint8Array(chunk));
      if (sizeBytes <= MOST_BYTES) continue;
      abort();
      throw new UpstreamError(url, `it has more than ${MOST_BYTES} bytes`, { status: 200 });
    }
    const blob = new Blob(chunks);
    const actual = await sha256Hex(new Uint8Array(await blob.arrayBuffer()));
    if (actual !== expected) {
      throw new IntegrityError(`"${file.filename}.metadata"`, "sha256", { expected, actual });
    }
    await this.#files.put(metadataPath(path), blob.stream(), { sizeBytes, sha256: expected });
  }
}
