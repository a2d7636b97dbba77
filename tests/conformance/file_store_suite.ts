/** The clauses of `FileStore`, for every store of files. */

import type { MakeFixture, Skip } from "./cases.ts";
import type { FileStoreFixture } from "./file_store_fixture.ts";
import { publicationCases } from "./file_store_publication.ts";
import { readingCases } from "./file_store_reading.ts";
import { registerTrials } from "./trials.ts";

/** Registers the cases for the file store that `make` makes. */
export function fileStoreSuite(
  name: string,
  make: MakeFixture<FileStoreFixture>,
  options: { readonly skips?: readonly Skip[] } = {},
): void {
  registerTrials(`FileStore: ${name}`, { ...readingCases, ...publicationCases }, {
    make,
    ...options,
  });
}
