/**
 * Which of a cluster's 16,384 slots holds a key, and names that lie in the slot of a key.
 *
 * A slot is the CRC-16 (XMODEM) of the key, or of what stands between its first brace and the next
 * closing one, if anything does: the hash tag (Redis cluster specification, "Key distribution model").
 * So `{key}name` lies where `key` does, unless `key` has braces of its own; a key with a tag keeps it
 * behind any prefix; and for what is left, a tag with the same CRC is looked for.
 */

import type { RedisSlots } from "./commands.ts";

/**
 * The slots of a Redis cluster, for connections to one.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { clusterSlots } from "@cairn/cache/ioredis";
 *
 * equal(clusterSlots.slotOf("123456789"), 0x31c3);
 * equal(clusterSlots.nameBeside("key", "_lock"), "{key}_lock");
 * ```
 */
export const clusterSlots: RedisSlots = Object.freeze({ slotOf, nameBeside, tagIn });

function slotOf(key: string): number {
  return crc16(encoder.encode(tagOf(key) ?? key)) % slots;
}

function nameBeside(key: string, prefix: string): string {
  if (tagOf(key) !== undefined) return prefix + key;
  if (key !== "" && !/[{}]/.test(key)) return `{${key}}${prefix}`;
  return `{${tagIn(slotOf(key))}}:${prefix}${key}`;
}

/** The least number, in base 36, whose CRC is the slot's. */
function tagIn(slot: number): string {
  for (; tags.size < slots && !tags.has(slot); tried++) {
    const tag = tried.toString(36);
    const found = slotOf(tag);
    if (!tags.has(found)) tags.set(found, tag);
  }
  return tags.get(slot)!;
}

const slots = 16_384;
const encoder = new TextEncoder();
const tags = new Map<number, string>();
let tried = 0;

function tagOf(key: string): string | undefined {
  const open = key.indexOf("{");
  const close = open < 0 ? -1 : key.indexOf("}", open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : undefined;
}

const polynomial = 0x1021;
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte << 8;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder << 1) ^ (remainder & 0x8000 ? polynomial : 0);
  }
  return remainder;
});

function crc16(bytes: Uint8Array): number {
  let remainder = 0;
  for (const byte of bytes) {
    remainder = ((remainder << 8) & 0xffff) ^ table[(remainder >> 8) ^ byte]!;
  }
  return remainder;
}
