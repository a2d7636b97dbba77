/**
 * Forms with files, `multipart/form-data`, read as they arrive.
 *
 * The platform's `formData()` and the parsers on npm hold a file in memory until its last byte is
 * there; a wheel of a hundred megabytes does not fit into a Worker that way. Here a part is given
 * out as soon as its headers are there, with its content as a stream, and only then the next.
 * Source: RFC 7578, and RFC 2046 section 5.1.1.
 */

import { malformed, MultipartScanner } from "./multipart_scanner.ts";

/** One part of a form. */
export interface Part {
  /** The name of its field. */
  readonly name: string;
  /** The name of its file, as the client states it; `undefined` for a plain field. */
  readonly filename: string | undefined;
  /** Its media type, where one is stated. */
  readonly contentType: string | undefined;
  /** Its content. What has not been read when the next part is asked for is dropped. */
  readonly body: ReadableStream<Uint8Array>;
}

/** What a form may have at most. More is a `RangeError`. */
export interface MultipartLimits {
  /** How many parts. Default 1,000. */
  readonly parts?: number;
  /** How many bytes of headers each part has. Default 16 KiB. */
  readonly headerBytes?: number;
  /** How many bytes a plain field has; a file may have any number. Default 4 MiB. */
  readonly fieldBytes?: number;
}

const BOUNDARY = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/;

const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n]*)$/;

/** Text before the first boundary and after the last is passed over up to so many bytes. */
const MOST_PREAMBLE = 64 * 1024;

/**
 * The boundary that a Content-Type states, or `undefined` if it is none of a form or has none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { boundaryOf } from "@cairn/cache/wheels";
 *
 * assert.equal(boundaryOf('multipart/form-data; boundary="a b"'), "a b");
 * assert.equal(boundaryOf("application/json"), undefined);
 * ```
 */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^\s*multipart\/form-data\s*(?:;|$)/i.test(contentType)) return undefined;
  const found = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]+))\s*(?:;|$)/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  return boundary !== undefined && BOUNDARY.test(boundary) ? boundary : undefined;
}

/**
 * The parts of a form, each as soon as its headers are there.
 *
 * Throws a `SyntaxError` where the form is malformed or cut short and a `RangeError` where it goes
 * beyond its limits, also from the body of a part. Leaving the loop early cancels `body`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { boundaryOf, readMultipart } from "@cairn/cache/wheels";
 *
 * const form = new FormData();
 * form.append("name", "foo");
 * form.append("content", new Blob(["bytes"]), "foo-1.0.tar.gz");
 * const message = new Response(form);
 * const boundary = boundaryOf(message.headers.get("content-type")!)!;
 *
 * const found: string[] = [];
 * for await (const part of readMultipart(message.body!, boundary)) {
 *   found.push(`${part.name}: ${part.filename ?? await new Response(part.body).text()}`);
 * }
 * assert.deepEqual(found, ["name: foo", "content: foo-1.0.tar.gz"]);
 * ```
 */
export async function* readMultipart(
  body: ReadableStream<Uint8Array>,
  boundary: string,
  limits: MultipartLimits = {},
): AsyncGenerator<Part, void, undefined> {
  const { parts = 1000, headerBytes = 16 * 1024, fieldBytes = 4 * 1024 * 1024 } = limits;
  const scanner = new MultipartScanner(body, boundary);
  try {
    await new PartContent(scanner, MOST_PREAMBLE).drop();
    for (let count = 1; await scanner.startsPart(); count++) {
      if (count > parts) throw new RangeError(`Cannot read form: it has more than ${parts} parts`);
      const headers = await readHeaders(scanner, headerBytes);
      const content = new PartContent(
        scanner,
        headers.filename === undefined ? fieldBytes : Infinity,
      );
      yield { ...headers, body: content.stream };
      await content.drop();
    }
    await scanner.drain(MOST_PREAMBLE);
  } finally {
    await scanner.cancel();
  }
}

/** The bytes up to the next delimiter, which either the caller reads or nobody. */
class PartContent {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #scanner: MultipartScanner;
  readonly #mostBytes: number;
  #passedBytes = 0;
  #isEnded = false;
  /** The read under way, which the next one waits for. */
  #reading: Promise<Uint8Array | undefined> = Promise.resolve(undefined);

  constructor(scanner: MultipartScanner, mostBytes: number) {
    this.#scanner = scanner;
    this.#mostBytes = mostBytes;
    this.stream = new ReadableStream({
      pull: async (controller) => {
        const chunk = await this.#next();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    }, { highWaterMark: 0 });
  }

  async drop(): Promise<void> {
    while (await this.#next() !== undefined);
  }

  #next(): Promise<Uint8Array | undefined> {
    const read = () => this.#read();
    this.#reading = this.#reading.then(read, read);
    return this.#reading;
  }

  async #read(): Promise<Uint8Array | undefined> {
    if (this.#isEnded) return undefined;
    const chunk = await this.#scanner.content();
    this.#isEnded = chunk === undefined;
    this.#passedBytes += chunk?.length ?? 0;
    if (this.#passedBytes <= this.#mostBytes) return chunk;
    throw new RangeError(`Cannot read form: a field has more than ${this.#mostBytes} bytes`);
  }
}

async function readHeaders(
  scanner: MultipartScanner,
  mostBytes: number,
): Promise<Omit<Part, "body">> {
  const headers = new Map<string, string>();
  let left = mostBytes;
  while (true) {
    const bytes = await scanner.line(left);
    if (bytes.length === 0) break;
    left -= bytes.length + 2;
    const line = new TextDecoder().decode(bytes);
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined) throw malformed("a part has a malformed header");
    if (headers.has(name.toLowerCase())) throw malformed(`a part has two ${name} headers`);
    headers.set(name.toLowerCase(), value!.trim());
  }
  return {
    ...readDisposition(headers.get("content-disposition") ?? ""),
    contentType: headers.get("content-type"),
  };
}

function readDisposition(disposition: string): Pick<Part, "name" | "filename"> {
  const parameters = readParameters(disposition);
  const name = parameters?.get("name");
  if (name === undefined) throw malformed("a part does not name its field");
  const extended = parameters?.get("filename*");
  const filename = extended === undefined ? parameters?.get("filename") : decodeExtended(extended);
  return { name, filename };
}

/**
 * The parameters of a form's disposition, in quotes or without; `undefined` for any other text.
 * Browsers write a quote as `%22`, older clients as `\"`; and as browsers leave a backslash alone,
 * one before a quote is an escape only where that quote does not end the value.
 */
function readParameters(disposition: string): Map<string, string> | undefined {
  const [type] = /^[ \t]*form-data[ \t]*/i.exec(disposition) ?? [];
  if (type === undefined) return undefined;
  const next = /;[ \t]*([^\s"=;]+)[ \t]*=[ \t]*(?:"((?:\\"|[^"])*)"|([^\s";]*))[ \t]*(?=;|$)/y;
  const found = new Map<string, string>();
  for (next.lastIndex = type.length; next.lastIndex < disposition.length;) {
    const [, name, quoted, plain] = next.exec(disposition) ?? [];
    if (name === undefined || found.has(name.toLowerCase())) return undefined;
    found.set(name.toLowerCase(), unescaped((quoted ?? plain)!));
  }
  return found;
}

function unescaped(text: string): string {
  return text.replace(/\\"|%22/g, '"').replace(/%0d/gi, "\r").replace(/%0a/gi, "\n");
}

/** `filename*=utf-8''…` (RFC 8187), which forms should not use and some clients do. */
function decodeExtended(text: string): string {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(text) ?? [];
  if (encoded === undefined) throw malformed("a file's name is not UTF-8");
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new SyntaxError("Cannot read form: a file's name is not UTF-8", { cause });
  }
}
