/** The Worker, with what it asks of its bindings and of the network counted for each request. */

import worker, { type Context, type Env } from "../../../src/apps/worker.ts";

let asked = 0;
let metered: Env | undefined;

const network = globalThis.fetch;
globalThis.fetch = (...request: Parameters<typeof network>) => {
  asked++;
  return network(...request);
};

export default {
  /** Answers as the Worker does; the header `x-asked` of `/asked` says how much it asked since. */
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    if (new URL(request.url).pathname === "/asked") {
      const count = asked;
      asked = 0;
      return new Response(String(count));
    }
    metered ??= {
      ...env,
      FILES: counted(env.FILES),
      PAGES: counted(env.PAGES),
      INDEX: {
        prepare: (sql) => env.INDEX.prepare(sql),
        batch: (statements) => {
          asked += statements.length;
          return env.INDEX.batch(statements);
        },
      },
    };
    return await worker.fetch(request, metered, context);
  },
};

function counted<T extends object>(binding: T): T {
  return new Proxy(binding, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...parameters: unknown[]) => unknown;
      return (...parameters: unknown[]) => {
        asked++;
        return Reflect.apply(method, target, parameters);
      };
    },
  });
}
