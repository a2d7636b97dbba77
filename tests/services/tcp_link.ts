/** A TCP link to a server, on a port of its own, that a test can cut, hold up and bring back. */

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What becomes of the bytes that the server sends, from now on. */
export type LinkFault =
  /** They pass. */
  | { readonly kind: "none" }
  /** So many of them pass, and then both sides are cut off. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** They are held back, until another fault is set. */
  | { readonly kind: "hold" }
  /** They pass one by one. */
  | { readonly kind: "trickle" };

/** A link that is up. */
export class TcpLink {
  readonly #server: Server;
  /** The port of 127.0.0.1 that it leads to, for connections opened from now on. */
  target: number;
  readonly #sockets: Set<Socket> = new Set();
  readonly #held: (() => void)[] = [];
  #fault: LinkFault = { kind: "none" };
  /** How many connections have been opened through it. */
  connections = 0;

  /** Opens a link to a port of 127.0.0.1, on a port of its own choice unless told otherwise. */
  static async open(target: number, port: number = 0): Promise<TcpLink> {
    const link = new TcpLink(target);
    await new Promise<void>((resolve) => link.#server.listen(port, "127.0.0.1", resolve));
    return link;
  }

  constructor(target: number) {
    this.target = target;
    this.#server = createServer((near) => this.#join(near));
  }

  /** Its port on 127.0.0.1. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sets what happens to replies; what was held back until now passes. */
  set fault(fault: LinkFault) {
    this.#fault = fault;
    for (const pass of this.#held.splice(0)) pass();
  }

  /** Whether it holds back a reply. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Cuts every connection off; new ones are let in. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Takes the link down for good. */
  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(near: Socket): void {
    this.connections++;
    const far = connect(this.target, "127.0.0.1");
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (piece) => far.write(piece));
    far.on("data", (piece) => this.#pass(piece as Uint8Array, near));
  }

  #pass(piece: Uint8Array, near: Socket): void {
    const fault = this.#fault;
    if (fault.kind === "hold") this.#held.push(() => near.write(piece));
    else if (fault.kind === "trickle") {
      for (const byte of piece) {
        near.write(Uint8Array.of(byte));
      }
    } else if (fault.kind === "none") near.write(piece);
    else near.end(piece.subarray(0, fault.afterBytes), () => near.destroy());
  }
}
