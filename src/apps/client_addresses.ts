/** Where the requests of a server on this machine come from. */

/** Remembers the address of each request for as long as the request is there. */
export class ClientAddresses {
  readonly #isProxied: boolean;
  readonly #peers = new WeakMap<Request, string>();

  /** Behind a proxy that can be trusted to say so, clients are where it says they are. */
  constructor({ isProxied }: { isProxied: boolean }) {
    this.#isProxied = isProxied;
  }

  /** Notes who is at the other end of the connection. */
  note(request: Request, peer: string | undefined): void {
    if (peer !== undefined) this.#peers.set(request, peer);
  }

  /** The client's address. What a client itself puts into the header stands before the proxy's word. */
  of(request: Request): string | undefined {
    const named = this.#isProxied ? request.headers.get("x-forwarded-for") : null;
    return named?.split(",").at(-1)?.trim() ?? this.#peers.get(request);
  }
}
