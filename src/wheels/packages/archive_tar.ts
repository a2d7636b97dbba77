/**
 * Source distributions in gzipped tar archives.
 *
 * All members lie in one folder, and PKG-INFO is a regular file right in it (PEP 625, PEP 643).
 */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import type { ByteRange } from "../../contracts/file_store.ts";
import { topOf } from "./archive_paths.ts";
import { ALWAYS_ALLOWED, LARGEST_GROWTH, LARGEST_METADATA } from "./archive_zip.ts";
import { inflated } from "./inflate.ts";
import type { ParsedFilename } from "./names.ts";
import { type RangeSource, windowsOf } from "./range_source.ts";
import { type TarMember, tarMembers } from "./tar_members.ts";

/**
 * The bytes of PKG-INFO. Throws an `InvalidDistributionError` if the archive is not sound. It is
 * unpacked to its end if `isThorough`, else read no further than PKG-INFO.
 */
export async function readTarMetadata(
  parsed: ParsedFilename,
  source: RangeSource,
  isThorough: boolean,
): Promise<Uint8Array> {
  if (!/\.(?:tar\.gz|tgz)$/.test(parsed.filename)) refuse("it is neither a .tar.gz nor a .zip");
  const magic = await source.read({ offset: 0, length: Math.min(2, source.sizeBytes) });
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) refuse("it is not a gzip file");
  const watched = new WatchedSource(source);
  const most = Math.max(ALWAYS_ALLOWED, LARGEST_GROWTH * source.sizeBytes);
  const unpacked = bounded(inflated(windowsOf(watched), "gzip"), most);
  try {
    return await findMetadata(unpacked, isThorough);
  } catch (cause) {
    if (cause instanceof InvalidDistributionError || watched.hasFailed) throw cause;
    return refuse("it cannot be unpacked", cause);
  }
}

/** Remembers whether the source failed, as platforms differ in what their inflaters throw. */
class WatchedSource implements RangeSource {
  readonly sizeBytes: number;
  readonly #source: RangeSource;
  hasFailed = false;

  constructor(source: RangeSource) {
    this.#source = source;
    this.sizeBytes = source.sizeBytes;
  }

  async read(range: ByteRange): Promise<Uint8Array> {
    try {
      return await this.#source.read(range);
    } catch (cause) {
      this.hasFailed = true;
      throw cause;
    }
  }
}

async function findMetadata(
  unpacked: AsyncIterable<Uint8Array>,
  isThorough: boolean,
): Promise<Uint8Array> {
  let top: string | undefined;
  let metadata: Uint8Array | undefined;
  for await (const member of tarMembers(unpacked)) {
    top ??= topOf(member.path);
    if (topOf(member.path) !== top) refuse("it has more than one folder at its top");
    if (member.path !== `${top}/PKG-INFO`) continue;
    if (metadata !== undefined) refuse("it has PKG-INFO twice");
    metadata = await contentOf(member);
    if (!isThorough) break;
  }
  return metadata ?? refuse(`PKG-INFO not found at "${top ?? ""}/PKG-INFO"`);
}

async function contentOf(member: TarMember): Promise<Uint8Array> {
  if (member.kind !== "file") refuse("its PKG-INFO is not a file");
  if (member.sizeBytes > LARGEST_METADATA) refuse("its PKG-INFO is too large");
  return new Uint8Array(await member.content());
}

/** Lets at most so many bytes through. */
async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let passed = 0;
  for await (const chunk of chunks) {
    passed += chunk.length;
    if (passed > mostBytes) refuse(`it grows more than ${LARGEST_GROWTH}-fold when unpacked`);
    yield chunk;
  }
}

function refuse(reason: string, cause?: unknown): never {
  throw new InvalidDistributionError(reason, { cause });
}
