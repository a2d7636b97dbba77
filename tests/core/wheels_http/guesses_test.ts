import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { networkOf } from "../../../src/wheels/users/client_network.ts";
import { usersOf } from "../../../src/wheels/users/htpasswd.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { House } from "./house.ts";

const RIGHT = "correct horse";
const ADDRESS = "x-test-address";

/** A house that nobody enters without a password, each of which costs a check. */
class LockedHouse {
  readonly house: House;
  /** How many passwords were checked against a hash. */
  checks = 0;
  /** How many were at one moment at most. */
  most = 0;
  #running = 0;

  constructor(options: { rememberMs?: number; isPlaceKnown?: boolean } = {}) {
    const { rememberMs = 60_000, isPlaceKnown = true } = options;
    const clock = new ManualClock();
    const check = async (password: string): Promise<boolean> => {
      this.checks++;
      this.most = Math.max(this.most, ++this.#running);
      await Promise.resolve();
      this.#running--;
      return password === RIGHT;
    };
    const users = usersOf(new Map([["ann", check], ["bob", check]]), { rememberMs, clock });
    const addressOf = (request: Request) => request.headers.get(ADDRESS) ?? undefined;
    this.house = new House({
      clock,
      app: { access: { users, open: [], ...isPlaceKnown ? { addressOf } : {} } },
    });
  }

  ask(name: string, password: string, address = "192.0.2.1"): Promise<Response> {
    const authorization = `Basic ${btoa(`${name}:${password}`)}`;
    return this.house.fetch("/simple/", { headers: { authorization, [ADDRESS]: address } });
  }

  async statuses(asking: Iterable<Promise<Response>>): Promise<Record<number, number>> {
    const counts: Record<number, number> = {};
    for (const { status } of await Promise.all(asking)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  async guess(count: number, name: string, address?: string): Promise<Record<number, number>> {
    const counts: Record<number, number> = {};
    for (let guess = 0; guess < count; guess++) {
      const { status } = await this.ask(name, `guess ${guess}`, address);
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  }
}

function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

describe("guessing passwords", () => {
  it("ends after ten wrong ones in a minute: 429, which says when to come back", async () => {
    const locked = new LockedHouse();
    deepEqual(await locked.guess(12, "ann"), { 401: 10, 429: 2 });
    equal(locked.checks, 10);
    const response = await locked.ask("ann", RIGHT);
    equal(response.status, 429);
    equal(response.headers.get("retry-after"), "60");
    equal(response.headers.get("cache-control"), "no-store");
    equal(response.headers.get("www-authenticate"), null);
    match(await response.text(), /^Too many wrong passwords/);
    equal(locked.checks, 10);
    await locked.house.clock.advance(60_000);
    equal((await locked.ask("ann", RIGHT)).status, 200);
  });

  it("is told to the log once for each lock", async () => {
    const locked = new LockedHouse();
    await locked.guess(12, "ann");
    const warnings = locked.house.logged.filter(({ level }) => level === "warn");
    equal(warnings.length, 1);
    match(warnings[0]!.message, /^Locked out "ann"/);
    ok(!JSON.stringify(locked.house.logged).includes("guess"));
  });

  it("locks nobody out at another address, and no other user", async () => {
    const locked = new LockedHouse();
    await locked.guess(30, "ann", "198.51.100.7");
    equal((await locked.ask("ann", RIGHT)).status, 200);
    equal((await locked.ask("bob", RIGHT, "198.51.100.7")).status, 200);
    equal((await locked.ask("ann", RIGHT, "198.51.100.7")).status, 200, "it is remembered");
  });

  it("does not lock out a password that is remembered", async () => {
    const locked = new LockedHouse();
    equal((await locked.ask("ann", RIGHT)).status, 200);
    equal((await locked.guess(11, "ann"))[429], 1);
    equal((await locked.ask("ann", RIGHT)).status, 200);
    equal(locked.checks, 11);
  });

  it("is forgiven by a right one", async () => {
    const locked = new LockedHouse({ rememberMs: 0 });
    for (let round = 0; round < 3; round++) {
      deepEqual(await locked.guess(9, "ann"), { 401: 9 });
      equal((await locked.ask("ann", RIGHT)).status, 200);
    }
  });

  it("costs no more checks, and no two at a time, when all are sent at once", async () => {
    const locked = new LockedHouse();
    const guesses = times(300, (at) => locked.ask("ann", `guess ${at}`));
    deepEqual(await locked.statuses(guesses), { 401: 10, 429: 290 });
    equal(locked.checks, 10);
    equal(locked.most, 1);
  });

  it("ends after a hundred wrong ones at one address, whatever names they go with", async () => {
    const locked = new LockedHouse();
    const guesses = times(150, (at) => locked.ask(`user ${at}`, "x"));
    deepEqual(await locked.statuses(guesses), { 401: 100, 429: 50 });
    equal(locked.checks, 100);
    equal((await locked.ask("ann", RIGHT, "198.51.100.7")).status, 200);
    await locked.house.clock.advance(60_000);
    equal((await locked.ask("ann", RIGHT)).status, 200);
  });

  it("is counted for each user alone where addresses are not known", async () => {
    const locked = new LockedHouse({ isPlaceKnown: false });
    const guesses = times(150, (at) => locked.ask(`user ${at}`, "x"));
    deepEqual(await locked.statuses(guesses), { 401: 150 });
    deepEqual(await locked.guess(12, "ann"), { 401: 10, 429: 2 });
    equal((await locked.ask("bob", RIGHT)).status, 200);
  });

  it("counts no request without a password", async () => {
    const locked = new LockedHouse();
    for (let count = 0; count < 200; count++) await locked.house.fetch("/simple/");
    equal((await locked.ask("ann", RIGHT)).status, 200);
  });

  it("one right password sent many times at once is checked once", async () => {
    const locked = new LockedHouse();
    deepEqual(await locked.statuses(times(80, () => locked.ask("ann", RIGHT))), { 200: 80 });
    equal(locked.checks, 1);
  });

  it("is not held up for good by a check that never ends", async () => {
    let checks = 0;
    const check = async (): Promise<boolean> => {
      if (++checks === 1) await new Promise<never>(() => {});
      return true;
    };
    const clock = new ManualClock();
    const users = usersOf(new Map([["ann", check], ["bob", check]]), { clock });
    const house = new House({ clock, app: { access: { users, open: [] } } });
    const ask = (name: string): Promise<Response> =>
      house.fetch("/simple/", { headers: { authorization: `Basic ${btoa(`${name}:x`)}` } });
    const [stuck, next] = [ask("ann"), ask("ann")];
    equal((await ask("bob")).status, 200);
    await clock.advance(30_000);
    equal((await next).status, 200);
    equal((await stuck).status, 200);
    equal(clock.sleeping, 0);
  });

  it("I-136: says no more of a wrong password than of an unknown user, for no less work", async () => {
    const locked = new LockedHouse();
    const answers: unknown[] = [];
    for (const name of ["ann", "nobody"]) {
      const response = await locked.ask(name, "wrong");
      answers.push([response.status, await response.text(), [...response.headers]]);
    }
    deepEqual(answers[0], answers[1]);
    equal(locked.checks, 2);
  });

  it("is counted for an IPv6 network as a whole", async () => {
    const locked = new LockedHouse();
    await Promise.all(times(10, (at) => locked.ask("ann", `guess ${at}`, `2001:db8:0:1::${at}`)));
    equal((await locked.ask("ann", RIGHT, "2001:db8:0:1:ffff::1")).status, 429);
    equal((await locked.ask("ann", RIGHT, "2001:db8:0:2::1")).status, 200);
  });
});

describe("networkOf", () => {
  it("is an IPv4 address, or the first half of an IPv6 one", () => {
    const cases: Record<string, string | undefined> = {
      "192.0.2.1": "192.0.2.1",
      "::ffff:192.0.2.1": "192.0.2.1",
      "::FFFF:c000:201": "192.0.2.1",
      "2001:DB8::1": "2001:db8:0:0",
      "2001:db8:1:2:3:4:5:6": "2001:db8:1:2",
      "fe80::1%eth0": "fe80:0:0:0",
      "::1": "0:0:0:0",
      "": undefined,
      "localhost": undefined,
      "1.2.3": undefined,
      "192.0.2.1, 192.0.2.2": undefined,
      "[::1]": undefined,
      "2001:db8::1]/@x": undefined,
    };
    for (const [address, network] of Object.entries(cases)) {
      equal(networkOf(address), network, address);
    }
  });
});
