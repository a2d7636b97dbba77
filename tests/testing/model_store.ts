/**
 * The simplest store that keeps the contracts of `Backend` and `Atomics`: one map, no cleverness.
 *
 * It is the model against which stores and compositions are judged, and the store beneath
 * compositions under test. Values are held by reference and compared as JSON, or byte by byte.
 */

import { requireKeys, requireWrites } from "../../src/compose/limits.ts";
import type { Atomics } from "../../src/contracts/atomics.ts";
import { type Backend, type Limits, UNLIMITED, type Write } from "../../src/contracts/backend.ts";
import type { Clock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";

/** A backend with atomics over a map. */
export class ModelStore<V> implements Backend<V>, Atomics<V> {
  readonly name: string;
  readonly limits: Limits;
  /** How many batches with something in them it has served. */
  trips = 0;
  /** Whether every operation fails. */
  isBroken = false;
  readonly #clock: Clock;
  readonly #values: Map<string, Write<V>> = new Map();
  readonly #counters: Map<string, { count: number; expiresAt: number }> = new Map();

  constructor(clock: Clock, options: { name?: string; limits?: Limits } = {}) {
    this.#clock = clock;
    this.name = options.name ?? "model";
    this.limits = options.limits ?? UNLIMITED;
  }

  /** The keys of live values, sorted. */
  get keys(): string[] {
    return [...this.#values.keys()].filter((key) => this.#live(key)).sort();
  }

  /** The deadline of a live value, or `undefined`. */
  deadlineOf(key: string): number | undefined {
    return this.#live(key)?.expiresAt;
  }

  async get(keys: readonly string[]): Promise<(V | undefined)[]> {
    this.#begin("get", keys);
    return keys.map((key) => this.#live(key)?.value);
  }

  async set(writes: readonly Write<V>[]): Promise<void> {
    requireWrites(this, writes, sizeOf);
    this.#begin("set", writes.map(({ key }) => key));
    for (const write of writes) this.#values.set(write.key, write);
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#begin("delete", keys);
    for (const key of keys) this.#values.delete(key);
  }

  async add(write: Write<V>): Promise<boolean> {
    this.#begin("add", [write.key]);
    const isAbsent = this.#live(write.key) === undefined;
    if (isAbsent) this.#values.set(write.key, write);
    return isAbsent;
  }

  async replace(write: Write<V>): Promise<boolean> {
    this.#begin("replace", [write.key]);
    const isPresent = this.#live(write.key) !== undefined;
    if (isPresent) this.#values.set(write.key, write);
    return isPresent;
  }

  async increment(key: string, delta: number, expiresAt: number): Promise<number> {
    this.#begin("increment", [key]);
    const held = this.#counters.get(key);
    const isLive = held !== undefined && held.expiresAt > this.#clock.now();
    const counter = isLive ? held : { count: 0, expiresAt };
    counter.count += delta;
    this.#counters.set(key, counter);
    return counter.count;
  }

  async touch(key: string, expiresAt: number): Promise<boolean> {
    this.#begin("touch", [key]);
    const held = this.#live(key);
    if (held) this.#values.set(key, { ...held, expiresAt });
    return held !== undefined;
  }

  async deleteIf(key: string, expected: V): Promise<boolean> {
    this.#begin("deleteIf", [key]);
    const held = this.#live(key);
    const isEqual = held !== undefined && textOf(held.value) === textOf(expected);
    if (isEqual) this.#values.delete(key);
    return isEqual;
  }

  #begin(operation: string, keys: readonly string[]): void {
    requireKeys(this, keys);
    if (keys.length === 0) return;
    this.trips++;
    if (this.isBroken) throw new BackendError(this.name, operation, new Error("out of order"));
  }

  #live(key: string): Write<V> | undefined {
    const write = this.#values.get(key);
    return write && write.expiresAt > this.#clock.now() ? write : undefined;
  }
}

function sizeOf(value: unknown): number {
  return value instanceof Uint8Array ? value.length : 0;
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? `bytes ${value}` : `json ${JSON.stringify(value)}`;
}
