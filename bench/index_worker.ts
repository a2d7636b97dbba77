/** The work of a large index on D1, inside workerd: a path is a work's title, and none fills the index. */

import type { D1Database } from "../backends/sql/d1_runner.ts";
import { d1Index } from "../backends/index_sql.ts";
import { fill, works } from "./index_works.ts";

interface Env {
  readonly INDEX: D1Database;
}

export default {
  /** Does the work, and answers how many statements it took. */
  async fetch(request: Request, { INDEX }: Env): Promise<Response> {
    const title = decodeURIComponent(new URL(request.url).pathname.slice(1));
    let count = 0;
    const index = d1Index({
      prepare: (sql) => INDEX.prepare(sql),
      batch: (statements) => {
        count += statements.length;
        return INDEX.batch(statements);
      },
    });
    // The tables are made, or looked at, before anything is counted.
    await index.serial();
    count = 0;
    try {
      await (works[title] ?? fill)(index);
      return new Response(String(count));
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};
