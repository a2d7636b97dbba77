/**
 * A part of a file that is not held yet, passed on as the upstream sends it.
 *
 * Who asks for a part wants to look into a large wheel before its whole is there, and would have to wait
 * for all of it. These bytes are the only ones that are given out before a digest was checked: a digest
 * is of the whole. Installers check that when they have the whole, and from us they get it checked.
 */

import type { Clock } from "../../contracts/clock.ts";
import { UpstreamError } from "../../contracts/errors.ts";
import type { ByteRange } from "../../contracts/file_store.ts";
import { within } from "./time_limit.ts";
import type { Fetched } from "./upstream_fetch.ts";

const STALLED_MS = 30_000;

/** The bytes of an answer, which must be as many as the range has. */
export function passedRange(
  { response, url, abort }: Fetched,
  { length }: ByteRange,
  clock: Clock,
): ReadableStream<Uint8Array> {
  const reader = response.body?.getReader();
  let leftBytes = length;
  const late = (): never => {
    abort();
    throw new UpstreamError(url, `nothing came for ${STALLED_MS} ms`);
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const reading = Promise.resolve(reader?.read());
      const value = (await within(reading, { clock, limitMs: STALLED_MS, late }))?.value;
      leftBytes -= value?.byteLength ?? 0;
      if (leftBytes < 0 || value === undefined && leftBytes > 0) {
        abort();
        throw new UpstreamError(url, "it sent another number of bytes than it announced");
      }
      if (value === undefined) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      abort();
    },
  }, { highWaterMark: 0 });
}

/** Whether an answer is this part of a file of this length, as it is. */
export function isRange(
  { response }: Fetched,
  { offset, length }: ByteRange,
  sizeBytes: number,
): boolean {
  const { status, headers } = response;
  return status === 206 && (headers.get("content-encoding") ?? "identity") === "identity" &&
    headers.get("content-range") === `bytes ${offset}-${offset + length - 1}/${sizeBytes}`;
}
