import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import {
  PluginNotFoundError,
  RegionAlreadyConfiguredError,
} from "../../../src/contracts/errors.ts";
import { coerceText } from "../../../src/region/config.ts";
import {
  openBackend,
  type OpenerArguments,
  registerBackend,
} from "../../../src/region/registry.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { ProxyBackend } from "../../../src/compose/proxy.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";
import { counter } from "../../testing/region_bench.ts";

const clock = new ManualClock();
const opened: OpenerArguments[] = [];
let closed = 0;
const close = async (): Promise<void> => void closed++;

registerBackend("mock", () => (args) => {
  opened.push(args);
  return { backend: new ModelStore<Entry>(clock, { name: "mock" }), close };
});

describe("configureFromConfig", () => {
  it("D-052: sets expiration, backend and arguments with the prefix stripped", async () => {
    const region = makeRegion({ clock });
    const config = {
      "cache.example.backend": "mock",
      "cache.example.expiration_time": 600,
      "cache.example.arguments.url": "127.0.0.1",
      "cache.example.arguments.dogpile_lockfile": false,
      "cache.example.arguments.xyz": null,
      "elsewhere.backend": "other",
    };
    equal(await region.configureFromConfig(config, "cache.example."), region);
    equal(region.backend.name, "mock");
    deepEqual(opened.at(-1), { url: "127.0.0.1", dogpile_lockfile: false, xyz: null });
    await region.set("key", 1);
    const entry = await region.getEntry("key");
    deepEqual([entry?.softExpiresAt, entry?.hardExpiresAt], [clock.now() + 600_000, NEVER]);
  });

  it("D-053: takes text for numbers, truth values and nothing, as dogpile does", async () => {
    const region = makeRegion({ clock });
    await region.configureFromConfig({
      "cache.example.backend": "mock",
      "cache.example.expiration_time": "600",
      "cache.example.arguments.url": "127.0.0.1",
      "cache.example.arguments.dogpile_lockfile": "false",
      "cache.example.arguments.xyz": "None",
    }, "cache.example.");
    deepEqual(opened.at(-1), { url: "127.0.0.1", dogpile_lockfile: false, xyz: null });
    await region.set("key", 1);
    equal((await region.getEntry("key"))?.softExpiresAt, clock.now() + 600_000);
  });

  it("D-174 D-175 D-176 D-177: coerces whole and decimal numbers, signs and exponents", () => {
    deepEqual(["-1", "+1", "0.1", "-3.14e-10"].map(coerceText), [-1, 1, 0.1, -3.14e-10]);
  });

  it("coerces what dogpile coerces, and nothing else", () => {
    deepEqual([".5", "5.", "1e5", " 7 ", "TRUE", "False"].map(coerceText), [
      0.5,
      5,
      1e5,
      7,
      true,
      false,
    ]);
    for (const text of ["none", "inf", "nan", "0x10", "1_000", "", "1 2", "e5", "."]) {
      equal(coerceText(text), text);
    }
  });

  it("takes cairn's own names, too", async () => {
    class Proxy extends ProxyBackend {}
    const region = makeRegion({ clock });
    await region.configureFromConfig({
      backend: "mock",
      softTtlMs: "100",
      hardTtlMs: "200",
      marksMaxAgeMs: "0",
      wrap: [Proxy],
    });
    await region.set("key", 1);
    const entry = await region.getEntry("key");
    deepEqual([entry?.softExpiresAt, entry?.hardExpiresAt], [clock.now() + 100, clock.now() + 200]);
    equal(region.backend instanceof Proxy, true);
  });

  it("D-064: an unknown backend is refused by name, and nothing is configured", async () => {
    const region = makeRegion();
    await rejects(region.configureFromConfig({ backend: "no such" }), (error) => {
      match((error as Error).message, /"no such"/);
      return error instanceof PluginNotFoundError;
    });
    equal(region.isConfigured, false);
  });

  it("refuses what is missing or wrong, and configures nothing", async () => {
    const region = makeRegion();
    await rejects(region.configureFromConfig({}, "cache."), /"cache.backend" is missing/);
    const wrong = { "c.backend": "mock", "c.expiration_time": "one hour" };
    await rejects(
      region.configureFromConfig(wrong, "c."),
      /c.expiration_time one hour: it is not a number/,
    );
    const never = { backend: "mock", expiration_time: -1 };
    await rejects(region.configureFromConfig(never), /for ever is spelled NEVER/);
    equal(region.isConfigured, false);
  });

  it("D-061 D-062: replaces a backend if told to; the mangler stays", async () => {
    const keyMangler = (key: string): string => `m ${key}`;
    const region = makeRegion({ clock, keyMangler });
    await region.configureFromConfig({ backend: "mock" });
    await region.set("key", 1);
    await rejects(region.configureFromConfig({ backend: "mock" }), RegionAlreadyConfiguredError);
    equal(await region.get("key"), 1);
    await region.configureFromConfig({ backend: "mock", replace_existing_backend: "true" });
    equal(await region.get("key"), undefined);
    equal(region.keyMangler, keyMangler);
    await region.set("key", 2);
    deepEqual((region.actualBackend as ModelStore<Entry>).keys.includes("m key"), true);
  });

  it("a replacement while a creation is under way leaves it to end on the old backend", async () => {
    const [old, fresh] = [new ModelStore<Entry>(clock), new ModelStore<Entry>(clock)];
    const region = makeRegion({ clock, backend: old });
    const gate = Promise.withResolvers<string>();
    const creating = region.getOrCreate("key", () => gate.promise);
    await clock.advance(0);
    region.configure({ backend: fresh, replaceExistingBackend: true });
    gate.resolve("made");
    equal(await creating, "made");
    equal((await old.get(["key"]))[0]?.payload, "made");
    equal(await region.get("key"), undefined);
  });
});

describe("a region that opened its stores", () => {
  it("closes them, replaced ones too, and nothing that was handed in", async () => {
    const before = closed;
    const region = await makeRegion({ clock }).configureFromConfig({ backend: "mock" });
    await region.configureFromConfig({ backend: "mock", replaceExistingBackend: true });
    equal(closed, before);
    await region.close();
    await region.close();
    equal(closed, before + 2);
    await makeRegion({ backend: new ModelStore<Entry>(clock) }).close();
    equal(closed, before + 2);
  });

  it("closes what it opened in vain, and is disposed of", async () => {
    const before = closed;
    const region = makeRegion({ clock, near: { maxEntries: 1 } });
    await rejects(region.configureFromConfig({ backend: "mock" }), RegionAlreadyConfiguredError);
    equal(closed, before + 1);
    const other = await makeRegion({ clock }).configureFromConfig({ backend: "mock" });
    await other[Symbol.asyncDispose]();
    equal(closed, before + 2);
  });
});

describe("the registry of backends", () => {
  it("loads when a name is first used, and once", async () => {
    const loads = counter();
    registerBackend("lazy", () => {
      loads();
      return () => ({ backend: new ModelStore<Entry>(clock), close });
    });
    equal(loads(), 1);
    await Promise.all([openBackend("lazy"), openBackend("lazy")]);
    equal(loads(), 3);
  });

  it("a later registration of a name takes it over", async () => {
    for (const name of ["first", "second"]) {
      registerBackend("taken", () => () => {
        return { backend: new ModelStore<Entry>(clock, { name }), close };
      });
    }
    equal((await openBackend("taken")).backend.name, "second");
  });

  it("closes what an opener opened, once, and disposes of it", async () => {
    const before = closed;
    const store = await openBackend("mock");
    await Promise.all([store.close(), store.close()]);
    await store[Symbol.asyncDispose]();
    equal(closed, before + 1);
    await (await openBackend("mock"))[Symbol.asyncDispose]();
    equal(closed, before + 2);
  });

  it("finds the opener of an address by its scheme, and gives it the address", async () => {
    await openBackend("mock://user@host:1234/0?timeout=5", { argument: 1 });
    const { url, argument } = opened.at(-1) as OpenerArguments;
    deepEqual([url?.host, url?.searchParams.get("timeout"), argument], ["host:1234", "5", 1]);
    await rejects(openBackend("gopher://host"), PluginNotFoundError);
  });
});
