/** A process that writes to an index: `index_writer.ts FILE NAME`. */

import { argv } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { sqliteIndex } from "../../../backends/index_sql.ts";
import { recordOf } from "../../conformance/index_cache_fixture.ts";

const [file, name] = argv.slice(2);
const database = new DatabaseSync(file!);
const index = sqliteIndex(database);
for (let number = 0; number < 40; number++) {
  await index.save(recordOf("shared", `${number}+${name}`));
  await index.add(recordOf("race", `${number}`, { uploader: name! }));
}
database.close();
