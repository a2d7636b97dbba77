/** The keys of entries in an SQLite database that is elsewhere. */

import type { Listing } from "../../src/contracts/listing.ts";
import { listedKeys } from "./listed_keys.ts";
import { type RemoteDatabase, runRemote } from "./remote.ts";
import { page } from "./remote_statements.ts";

/** A listing of a database; a page of keys is one trip. */
export function remoteListing(database: RemoteDatabase): Listing {
  return Object.freeze({
    name: database.name,
    keys: (prefix: string): AsyncIterable<string> =>
      listedKeys(prefix, async (start) => {
        const [rows] = await runRemote(database, "list", [page(start)]);
        return rows!.map(({ key }) => key as string);
      }),
  });
}
