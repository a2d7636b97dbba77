/** The Worker, with what its cron trigger has it ask of its bindings counted, and its log kept. */

import worker, { type Context, type Env } from "../../../src/apps/worker.ts";

const counts: number[] = [];
const lines: string[] = [];
console.log = (line: string) => void lines.push(line);

export default {
  /** Answers as the Worker does, and what the test asks besides. */
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/counts") return Response.json(counts.splice(0));
    if (pathname === "/log") return new Response(lines.join("\n"));
    if (pathname === "/drop") return Response.json(await drop(env.FILES, await request.formData()));
    return await worker.fetch(request, env, context);
  },
  /** Fires as often at once as the variable `AT_ONCE` says. */
  async scheduled(event: unknown, env: Env & { readonly AT_ONCE?: string }): Promise<void> {
    const firings = Array.from({ length: Number(env.AT_ONCE ?? 1) }, () => fire(event, env));
    await Promise.all(firings);
  },
};

async function fire(event: unknown, env: Env): Promise<void> {
  let count = 0;
  const asked = (times: number): void => void (count += times);
  const counted = { ...env, FILES: bucket(env.FILES, asked), INDEX: database(env.INDEX, asked) };
  await worker.scheduled(event, counted).finally(() => counts.push(count));
}

/** Puts files into the bucket, and answers when the bucket says that it got each. */
async function drop(real: Env["FILES"], form: FormData): Promise<[string, number][]> {
  const files = [...form.entries()] as [string, File][];
  return await Promise.all(files.map(async ([path, file]): Promise<[string, number]> => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const object = await real.put(path, bytes, { onlyIf: { etagDoesNotMatch: "*" } });
    return [path, object!.uploaded.getTime()];
  }));
}

type Asked = (times: number) => void;

function bucket(real: Env["FILES"], asked: Asked): Env["FILES"] {
  return new Proxy(real, {
    get: (target, name) => {
      const method = Reflect.get(target, name);
      return (...parameters: unknown[]) => {
        asked(1);
        return Reflect.apply(method, target, parameters);
      };
    },
  });
}

function database(real: Env["INDEX"], asked: Asked): Env["INDEX"] {
  return {
    prepare: (sql) => real.prepare(sql),
    batch: (statements) => {
      asked(statements.length);
      return real.batch(statements);
    },
  };
}
