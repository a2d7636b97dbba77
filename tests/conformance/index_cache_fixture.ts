/** What the cases of the index cache suite stand on. */

import type { IndexCache, PackageFile } from "../../src/contracts/index_cache.ts";

/** One fresh, empty index under test. */
export interface IndexCacheFixture {
  /** The index. */
  readonly index: IndexCache;
  /** A second opening of the same tables, as another process has it. */
  readonly other: IndexCache;
  /** How many interleavings of reloads and others are tried. Default: 8. */
  readonly simulations?: number;
  /** Makes the store fail from now on. Without it the case on failure must be skipped. */
  breakStore?(): void | Promise<void>;
  /** Gives everything back. */
  close?(): void | Promise<void>;
}

/** The record of version `version` of a project, with the given facts changed. */
export function recordOf(
  project: string,
  version = "1.0",
  facts: Partial<PackageFile> = {},
): PackageFile {
  const filename = `${project.replaceAll("-", "_")}-${version}-py3-none-any.whl`;
  return Object.freeze({
    filename,
    project,
    version,
    uploadedAt: 1_700_000_000_123,
    sizeBytes: 12_345,
    sha256: "0123456789abcdef".repeat(4),
    path: `01/23/${filename}`,
    ...facts,
  });
}

/** A record with every fact there is. */
export const fullRecord: PackageFile = recordOf("demo", "2.0rc1", {
  uploadedAt: 1_699_999_999_999,
  sizeBytes: 5_000_000_000,
  md5: "0123456789abcdef0123456789abcdef",
  blake2b: "fedcba9876543210".repeat(4),
  requiresPython: ">=3.9, <4",
  summary: "A demonstration, “quoted” with 'both' \"kinds\"\nof 日本 and 😀",
  metadataSha256: "f".repeat(64),
  hasProvenance: true,
  yanked: 'it eats "files" & leaves\u0000nothing',
  uploader: "zoë",
  upstream: "main",
});

/** Records that a careless table would confuse or spoil. */
export const strangeRecords: readonly PackageFile[] = [
  recordOf("naïve-日本", "1.0"),
  recordOf("__proto__"),
  recordOf("constructor"),
  recordOf("quote", "1.0", { filename: "o'brien\"; DROP TABLE packages; --.whl" }),
  recordOf("percent", "1.0", { filename: "100%_sure-1.0.tar.gz" }),
  recordOf("percent", "1.0", { filename: "100Xasure-1.0.tar.gz" }),
  recordOf("case", "1.0", { filename: "Case-1.0.tar.gz" }),
  recordOf("case", "1.0", { filename: "case-1.0.tar.gz" }),
  recordOf("case", "1.0", { filename: "cáse-1.0.tar.gz" }),
  recordOf("blank", "1.0", { filename: "blank-1.0.zip" }),
  recordOf("blank", "1.0", { filename: "blank-1.0.zip " }),
  recordOf("long", "1".repeat(1_000), { filename: `${"l".repeat(251)}.whl` }),
  recordOf("yanked", "1", { yanked: true }),
  recordOf("yanked", "2", { yanked: "true" }),
  recordOf("yanked", "3", { yanked: "" }),
  recordOf("empty", "1", { requiresPython: "", uploader: "", sizeBytes: 0, uploadedAt: 0 }),
  recordOf("early", "1", { uploadedAt: -1 }),
  recordOf("late", "1", { uploadedAt: 253_402_300_799_999 }),
  recordOf("wordy", "1", { summary: "s".repeat(100_000) }),
];
