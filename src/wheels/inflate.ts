/** Inflating with a bound, by the platform's own DecompressionStream. */

import { InvalidDistributionError } from "../contracts/errors.ts";

/**
 * Inflates raw deflate data whose length is stated beforehand. More bytes than stated end it at
 * once; they, or data that is no deflate stream, throw an `InvalidDistributionError`.
 */
export async function inflateRaw(
  data: Uint8Array<ArrayBuffer>,
  statedBytes: number,
): Promise<Uint8Array> {
  const inflated = streamOfBytes(data).pipeThrough(new DecompressionStream("deflate-raw"));
  const content = new Uint8Array(statedBytes);
  let length = 0;
  try {
    for await (const chunk of chunksOf(inflated)) {
      if (length + chunk.length > statedBytes) break;
      content.set(chunk, length);
      length += chunk.length;
    }
  } catch (cause) {
    throw new InvalidDistributionError("it has an entry that cannot be inflated", { cause });
  }
  if (length < statedBytes) {
    throw new InvalidDistributionError("it has an entry of another size than stated");
  }
  return content;
}

/** The chunks of a stream, which is cancelled when the loop over them ends early. */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  let isDone = false;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) {
        isDone = true;
        return;
      }
      yield value;
    }
  } finally {
    // The reason for ending early is the loop's; that a broken stream cannot be cancelled adds
    // nothing to it.
    if (!isDone) await reader.cancel().catch(() => undefined);
  }
}

function streamOfBytes(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}
