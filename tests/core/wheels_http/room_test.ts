import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { Evictions } from "../../../src/wheels/upstream/evictions.ts";
import type { UpstreamOptions } from "../../../src/wheels/upstream/upstream.ts";
import { bytesOf, House, type HouseOptions, type PublishedWheel } from "./house.ts";
import { settled, storedPaths, TwistedUpstream } from "./upstreams.ts";

const MB = 1_000_000;

/** A house that reads wheels of about a megabyte through, with room for some of them. */
class Small {
  readonly upstream = new TwistedUpstream();
  readonly house: House;

  constructor(rules: Partial<UpstreamOptions>, options: HouseOptions = {}) {
    this.house = new House({ ...options, upstream: { ...rules, fetch: this.upstream.fetch } });
  }

  async wheel(name: string): Promise<PublishedWheel> {
    return await this.upstream.house.publish({ name, version: "1.0", paddingBytes: MB });
  }

  async read(wheel: PublishedWheel, times = 1): Promise<void> {
    for (let round = 0; round < times; round++) {
      deepEqual(await bytesOf(await this.house.fetch(wheel.path)), wheel.bytes);
      await settled(this.house);
      await this.house.clock.advance(1_000);
    }
  }

  /** The projects of which the bytes of a file are here. */
  async held(): Promise<string[]> {
    const paths = (await storedPaths(this.house)).filter((path) => path.endsWith(".whl"));
    return paths.map((path) => path.split("/").at(-2)!).sort();
  }
}

describe("what is kept of an upstream's files", () => {
  it("I-178: what is least in use goes when there is too much, and is fetched again", async () => {
    const small = new Small({ maxHeldBytes: 3.5 * MB });
    const wheels: Record<string, PublishedWheel> = {};
    for (const name of ["a", "b", "c", "d", "e"]) wheels[name] = await small.wheel(name);
    await small.read(wheels.a!, 5);
    await small.read(wheels.b!, 1);
    await small.read(wheels.c!, 3);
    deepEqual(await small.held(), ["a", "b", "c"]);
    await small.read(wheels.d!);
    deepEqual(await small.held(), ["a", "c", "d"], "b was used least");
    const asked = small.upstream.count(wheels.b!.filename);
    deepEqual((await small.house.page("b")).versions, ["1.0"], "its page still lists it");
    await small.read(wheels.b!);
    equal(small.upstream.count(wheels.b!.filename), asked + 1);
    equal((await small.held()).includes("b"), true);
    equal((await small.held()).length, 3);
  });

  it("I-178: files of our own and pinned ones stay, and so does what is on its way", async () => {
    const small = new Small({ maxHeldBytes: 1.5 * MB, pinned: ["pin*"] });
    const own = await small.house.publish({ name: "own", version: "1.0", paddingBytes: 3 * MB });
    const pinned = await small.wheel("pinned");
    const others = [await small.wheel("x"), await small.wheel("y")];
    for (const wheel of [pinned, ...others]) await small.read(wheel);
    deepEqual(await small.held(), ["own", "pinned", "y"], "y is there until something else comes");
    deepEqual(await bytesOf(await small.house.fetch(own.path)), own.bytes);

    const { clock, files } = small.house;
    const log = (): void => {};
    const isBusy = (path: string): boolean => path.includes("/y/");
    const bound = { folder: "upstream.main/", maxBytes: 1, pinned: ["pin*"] };
    const evictions = new Evictions({ files, clock, log, isBusy }, bound);
    await evictions.stored(`upstream.main/y/${others[1]!.filename}`, MB);
    deepEqual(await small.held(), ["own", "pinned", "y"], "nothing goes that is on its way");
  });

  it("I-178: counts what an earlier process left, and lets that go first", async () => {
    const before = new Small({});
    const wheels = [await before.wheel("a"), await before.wheel("b")];
    for (const wheel of wheels) await before.read(wheel);
    const { clock, index, files } = before.house;
    const after = new Small({ maxHeldBytes: 2.5 * MB }, { clock, index, files: () => files });
    await after.read(await after.wheel("c"));
    deepEqual(await after.held(), ["b", "c"]);
  });

  it("has a bound above nothing, and pins names", () => {
    throws(() => new Small({ maxHeldBytes: 0 }), /"maxHeldBytes" is 0/);
    throws(() => new Small({ maxHeldBytes: NaN }), /"maxHeldBytes" is NaN/);
    throws(() => new Small({ pinned: ["a*b"] }), /Cannot pin "a\*b"/);
  });
});

describe("a part of a large file that is not held", () => {
  const LARGE = { name: "large", version: "1.0", paddingBytes: 2 * MB };

  /** An upstream that sends parts as they are asked for, and the whole when it is let. */
  async function slowly(): Promise<{ small: Small; wheel: PublishedWheel; let: () => void }> {
    const small = new Small({});
    const wheel = await small.upstream.house.publish(LARGE);
    let answer: () => void = () => {};
    const held = new Promise<void>((resolve) => answer = resolve);
    small.upstream.twist = async (request) => {
      const isWhole = request.url.endsWith(wheel.filename) && !request.headers.has("range");
      if (isWhole) await held;
      return await small.upstream.house.app.fetch(request);
    };
    return { small, wheel, let: () => answer() };
  }

  it("I-179: comes from the upstream at once, while the whole is fetched once", async () => {
    const { small, wheel, let: answer } = await slowly();
    const { house, upstream } = small;
    const size = wheel.bytes.length;
    const parts = [[size - 16_384, size - 1], [0, 99], [1_000_000, 1_065_535]] as const;
    for (const [from, to] of parts) {
      const response = await house.fetch(wheel.path, { headers: { range: `bytes=${from}-${to}` } });
      equal(response.status, 206);
      equal(response.headers.get("content-range"), `bytes ${from}-${to}/${size}`);
      equal(response.headers.get("etag"), `"${wheel.sha256}"`);
      deepEqual(await bytesOf(response), wheel.bytes.slice(from, to + 1));
    }
    const wholes = (): number =>
      upstream.asked.filter(({ url, headers }) =>
        url.endsWith(wheel.filename) && !headers.has("range")
      ).length;
    equal(wholes(), 1, "the whole is on its way, once");
    answer();
    await settled(house);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    const headers = { range: "bytes=0-9" };
    deepEqual(await bytesOf(await house.fetch(wheel.path, { headers })), wheel.bytes.slice(0, 10));
    equal(wholes(), 1);
    equal(upstream.asked.filter(({ headers }) => headers.has("range")).length, 3);
  });

  it("waits for the whole where the upstream gives no parts, or is not to be trusted with them", async () => {
    const small = new Small({});
    const wheel = await small.upstream.house.publish(LARGE);
    small.upstream.twist = (request) => {
      if (!request.headers.has("range")) return undefined;
      return small.upstream.house.app.fetch(new Request(request.url));
    };
    const strict = new Small({ passesRanges: false });
    await strict.upstream.house.publish(LARGE);
    for (const { house } of [small, strict]) {
      const response = await house.fetch(wheel.path, { headers: { range: "bytes=5-14" } });
      deepEqual(await bytesOf(response), wheel.bytes.slice(5, 15));
      await settled(house);
    }
    equal(strict.upstream.asked.filter(({ headers }) => headers.has("range")).length, 0);
  });

  it("that is longer or shorter than it says never completes", async () => {
    for (const change of [-1, 1]) {
      const { small, wheel, let: answer } = await slowly();
      const slow = small.upstream.twist;
      small.upstream.twist = (request) => {
        if (!request.headers.has("range")) return slow(request);
        return new Response(new Uint8Array(10 + change), {
          status: 206,
          headers: { "content-range": `bytes 0-9/${wheel.bytes.length}` },
        });
      };
      const response = await small.house.fetch(wheel.path, { headers: { range: "bytes=0-9" } });
      const whole = await bytesOf(response).then(() => true, () => false);
      equal(whole, false, `${change}`);
      answer();
      await settled(small.house);
    }
  });
});
