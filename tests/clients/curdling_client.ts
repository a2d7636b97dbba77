/**
 * curdling's client as it speaks on the wire: plain requests of urllib3, each with the password from the
 * address, no type that it would accept, and no redirect followed that it did not ask for.
 */

import { Buffer } from "node:buffer";
import { request as httpRequest } from "node:http";
import type { IncomingHttpHeaders } from "node:http";

/** An answer. */
export interface CurdlingAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
}

/** One server, as somebody. */
export class CurdlingClient {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;

  /** `user` is `name:password`. */
  constructor(url: string, user?: string) {
    this.#url = new URL(url);
    this.#headers = {
      host: this.#url.host,
      "accept-encoding": "identity",
      ...user === undefined ? {} : {
        authorization: `Basic ${Buffer.from(user).toString("base64")}`,
      },
    };
  }

  /** Asks for an address, or for a path of the server. */
  get(path: string): Promise<CurdlingAnswer> {
    return this.#send("GET", path, this.#headers, undefined);
  }

  /** Puts a file as the uploader does. */
  put(filename: string, bytes: Uint8Array): Promise<CurdlingAnswer> {
    const boundary = "b3a0b0f3d4a94a6c8f2c4ad0c0b5a6f1";
    const body = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${filename}"; ` +
          `filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
      ),
      bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const headers = {
      ...this.#headers,
      "content-length": String(body.length),
      "content-type": `multipart/form-data; boundary=${boundary}`,
    };
    return this.#send("PUT", `/p/${filename}`, headers, body);
  }

  #send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
  ): Promise<CurdlingAnswer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(new URL(path, this.#url), { method, headers }, (response) => {
        const pieces: Uint8Array[] = [];
        response.on("data", (piece: Uint8Array) => pieces.push(piece));
        response.on("error", reject);
        response.on("end", () => {
          const whole = Buffer.concat(pieces);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes: new Uint8Array(whole),
            text: whole.toString("utf8"),
          });
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}
