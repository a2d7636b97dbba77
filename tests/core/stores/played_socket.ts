/** A socket of memcached whose other end is the test. */

import type { MemcachedSocket } from "../../../backends/memcached/connection.ts";

/** Keeps what is sent, and gives what is played. */
export class PlayedSocket implements MemcachedSocket {
  readonly sent: string[] = [];
  isClosed = false;
  /** Whether what is sent is taken at once; otherwise when it is set again. */
  #takesMore = true;
  #taken: () => void = () => {};
  readonly #pieces: (Uint8Array | Error | undefined)[] = [];
  #wake: () => void = () => {};

  set takesMore(takesMore: boolean) {
    this.#takesMore = takesMore;
    if (takesMore) this.#taken();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.sent.push(new TextDecoder().decode(bytes));
    if (!this.#takesMore) await new Promise<void>((resolve) => this.#taken = resolve);
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    const piece = this.#pieces.shift();
    if (piece instanceof Error) throw piece;
    return piece;
  }

  close(): void {
    this.isClosed = true;
    this.play(undefined);
  }

  /** Has bytes arrive, a failure, or the end. */
  play(piece: string | Uint8Array | Error | undefined): void {
    this.#pieces.push(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
    this.#wake();
  }
}
