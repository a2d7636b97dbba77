// runs on: deno
/** One region in several Workers: values in Workers KV, creations decided by a Durable Object. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Miniflare, Response as MiniflareResponse } from "miniflare";
import { bundle } from "../runtimes/bundle.ts";
import { until } from "../testing/until.ts";

/** What is created, when the test lets it. */
class Origin {
  /** The paths that were asked for. */
  readonly asked: string[] = [];
  readonly #isOpen: Promise<void>;
  /** Lets all creations end, those to come too. */
  open: () => void = () => {};

  constructor() {
    this.#isOpen = new Promise((resolve) => void (this.open = resolve));
  }

  async answer(path: string): Promise<string> {
    this.asked.push(path);
    await this.#isOpen;
    return `made ${this.asked.length}`;
  }

  /** Resolves when it has been asked so many times. */
  async heard(times: number): Promise<void> {
    await until(`the origin is asked ${times} times`, () => this.asked.length >= times);
  }
}

const names = ["one", "two", "three", "four"];

interface AskedWorker {
  fetch(url: string, request: { method: string }): Promise<Response>;
}

describe("a region in several Workers", () => {
  let miniflare: Miniflare;
  let origin = new Origin();

  before(async () => {
    const { script, broken } = await bundle([], {
      conditions: ["workerd", "worker"],
      external: ["cloudflare:workers"],
      epilogue: `
        import { answer } from "./tests/system/workerd/region_worker.ts";
        export { CairnStore } from "./backends/cairn_store.ts";
        export default { fetch: answer };`,
    });
    deepEqual(broken, []);
    miniflare = new Miniflare({
      workers: names.map((name, index) => ({
        name,
        compatibilityDate: "2026-06-01",
        modules: [{ type: "ESModule", path: "worker.mjs", contents: script }],
        kvNamespaces: { CACHE: "cache" },
        durableObjects: {
          STORE: {
            className: "CairnStore",
            useSQLite: true,
            ...index === 0 ? {} : { scriptName: names[0]! },
          },
        },
        serviceBindings: {
          ORIGIN: async (request: { readonly url: string }) =>
            new MiniflareResponse(await origin.answer(new URL(request.url).pathname)),
        },
      })),
    });
    await miniflare.ready;
    // Who has looked for the region's marks before they were made believes for a second that there
    // are none, and takes what was created under them for invalidated. So they are made first.
    origin.open();
    await ask("one", "/first");
  });
  after(() => miniflare.dispose());

  async function ask(name: string, path: string, method: string = "GET"): Promise<string> {
    const worker = await miniflare.getWorker(name) as unknown as AskedWorker;
    const response = await worker.fetch(`http://worker.example${path}`, { method });
    const text = await response.text();
    ok(response.ok, text);
    return text;
  }

  it("of all who ask at once, in all Workers, one creates and the others wait for it", async () => {
    origin = new Origin();
    const answers = names.flatMap((name) => [ask(name, "/page"), ask(name, "/page")]);
    // Whoever asks for another key is not held up by them.
    const others = names.map((name) => ask(name, `/other/${name}`));
    await origin.heard(1 + names.length);
    origin.open();
    equal(new Set(await Promise.all(answers)).size, 1);
    equal(new Set(await Promise.all(others)).size, 1);
    equal(origin.asked.filter((path) => path === "/page").length, 1);
  });

  it("what one Worker deletes the next one creates anew, and all have that", async () => {
    origin = new Origin();
    origin.open();
    equal(await ask("one", "/deleted"), "made 1");
    equal(await ask("two", "/deleted"), "made 1");
    await ask("three", "/deleted", "DELETE");
    equal(await ask("four", "/deleted"), "made 2");
    equal(await ask("one", "/deleted"), "made 2");
  });

  it("a creation under way that another Worker's delete has overtaken stores nothing", async () => {
    origin = new Origin();
    const overtaken = ask("one", "/overtaken");
    await origin.heard(1);
    await ask("two", "/overtaken", "DELETE");
    origin.open();
    equal(await overtaken, "made 1");
    equal(await ask("three", "/overtaken"), "made 2");
    equal(await ask("one", "/overtaken"), "made 2");
  });
});
