/** What curdling's clients send, and what they are told. */

import type { MadeSdist } from "../../testing/make_sdist.ts";
import type { MadeWheel } from "../../testing/make_wheel.ts";
import type { House } from "./house.ts";

/** One version as `/api/NAME` tells of it. */
export interface Listed {
  readonly name: string;
  readonly version: string;
  readonly urls: readonly { readonly url: string; readonly sha256?: string }[];
}

/** The request of curdling's uploader: a form whose one field is named as the file. */
export function putOf(
  { filename, bytes }: MadeWheel | MadeSdist,
  { field = filename, headers = {} }: {
    readonly field?: string;
    readonly headers?: Record<string, string>;
  } = {},
): RequestInit {
  const boundary = "1f6a9d53c0b84e0c8f0f0c64d0c2b1aa";
  const head = `--${boundary}\r\n` +
    `Content-Disposition: form-data; name="${field}"; filename="${filename}"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  return {
    method: "PUT",
    headers: { ...headers, "content-type": `multipart/form-data; boundary=${boundary}` },
    body: new Blob([head, bytes, `\r\n--${boundary}--\r\n`]),
  };
}

/** Uploads as curdling does. */
export async function put(
  house: House,
  file: MadeWheel | MadeSdist,
  options: Parameters<typeof putOf>[1] = {},
): Promise<Response> {
  const init = putOf(file, options);
  const body = await (init.body as Blob).arrayBuffer();
  return await house.fetch(`/p/${file.filename}`, { ...init, body });
}

/** What `/api/NAME` tells. */
export async function listedAt(
  house: House,
  path: string,
  headers: Record<string, string> = {},
): Promise<Listed[]> {
  const response = await house.fetch(path, { headers });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return await response.json();
}

/** The names of the files that `/api/NAME` lists, by versions. */
export function namesIn(listed: readonly Listed[]): [string, string[]][] {
  return listed.map(({ version, urls }) => [
    version,
    urls.map(({ url }) => url.slice(url.lastIndexOf("/") + 1)),
  ]);
}
