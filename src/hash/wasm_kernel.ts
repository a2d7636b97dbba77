/**
 * The compiled kernel: `assembly/kernel` behind {@linkcode Kernel}.
 *
 * There is one instance in a process, for engines inline calls into one instance only. A key is
 * written straight into its memory; the rings it builds are copied out, so that they live and die
 * with the objects that use them.
 */

import { Continuum, continuumOf, tableBits } from "./continuum.ts";
import type { ByteKeys, Kernel, PointNames } from "./kernel.ts";
import { KeyStage, utf8 } from "./key_stage.ts";
import { ScriptKernel } from "./script_kernel.ts";

/** An exported global; its type has other parameters in every library of types. */
interface Address {
  readonly value: number;
}

/** The module's exports: functions, and globals that say where things lie. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  md5(at: number, length: number): void;
  md5Word(at: number, length: number): number;
  md5Words(count: number): void;
  sha1Hex(at: number, length: number): void;
  addPoints(stem: number, first: number, end: number, owner: number, before: number): void;
  buildContinuum(points: number, bits: number): number;
  readonly BATCH: Address;
  readonly ARENA: Address;
  readonly HASHES: Address;
  readonly HEX: Address;
  readonly KEY: Address;
  readonly KEY_BYTES: Address;
  readonly LENGTHS: Address;
  readonly STATE: Address;
  readonly TEXT: Address;
  readonly TEXT_BYTES: Address;
}

/** The most points of a ring built in linear memory, which never shrinks: some 32 MiB. */
const LARGEST_BUILD = 2 ** 20;
/** How many names of a larger ring are digested at a time. */
const PART_NAMES = 4_096;
const PAGE_BYTES = 65_536;
/** Padding of a short message, or the number of a point name, may follow a staged message. */
const STAGE_SLACK = 64;

const encoder = new TextEncoder();
let shared: WasmKernel | undefined;

/** The process's kernel over a compiled module; the first module given is the one in use. */
export function wasmKernel(module: WebAssembly.Module): Kernel {
  return shared ??= new WasmKernel(module);
}

/** MD5, SHA-1 and rings by WebAssembly. */
class WasmKernel implements Kernel {
  readonly kind = "wasm";
  readonly #exports: Exports;
  readonly #key: number;
  readonly #batch: number;
  /** Serves messages that are longer than the areas in linear memory. */
  readonly #script: ScriptKernel = new ScriptKernel();
  #memory!: Views;

  constructor(module: WebAssembly.Module) {
    this.#exports = new WebAssembly.Instance(module).exports as unknown as Exports;
    this.#key = this.#exports.KEY.value;
    this.#batch = this.#exports.BATCH.value;
    this.#look();
  }

  get hashes(): Uint32Array {
    return this.#memory.hashes;
  }

  hash(prefix: string, key: string): number {
    const length = this.#memory.stage.write(prefix, key);
    if (length < 0) return this.#script.hashBytes(utf8(prefix + key));
    return this.#exports.md5Word(this.#key, length) >>> 0;
  }

  hashBytes(key: Uint8Array): number {
    return this.#script.hashBytes(key);
  }

  hashMany(keys: readonly string[], from: number, prefix: string): number {
    const count = this.#stageJoined(keys, from, prefix) || this.#stageEach(keys, from, prefix);
    if (count > 0) {
      this.#exports.md5Words(count);
      return count;
    }
    this.hashes[0] = this.#script.hashBytes(utf8(prefix + keys[from]!));
    return 1;
  }

  hashManyBytes({ bytes, ends }: ByteKeys, from: number): number {
    const { text, lengths, hashes } = this.#memory;
    const start = from === 0 ? 0 : ends[from - 1]!;
    const limit = Math.min(ends.length - from, this.#batch);
    let count = 0;
    for (let end = start; count < limit; count++) {
      const next = ends[from + count]!;
      if (next - start > text.length) break;
      lengths[count] = next - end;
      end = next;
    }
    if (count === 0) {
      hashes[0] = this.#script.hashBytes(bytes.subarray(start, ends[from]));
      return 1;
    }
    text.set(bytes.subarray(start, ends[from + count - 1]));
    this.#exports.md5Words(count);
    return count;
  }

  md5(message: Uint8Array): Uint8Array {
    const length = this.#memory.stage.writeBytes(message);
    if (length < 0) return this.#script.md5(message);
    this.#exports.md5(this.#key, length);
    return this.#memory.state.slice();
  }

  sha1Hex(message: string | Uint8Array): string {
    const length = typeof message === "string"
      ? this.#memory.stage.write("", message)
      : this.#memory.stage.writeBytes(message);
    if (length < 0) return this.#script.sha1Hex(message);
    this.#exports.sha1Hex(this.#key, length);
    return textOf40(this.#memory.hex);
  }

  continuum(names: readonly PointNames[]): Continuum {
    const points = 4 * names.reduce((sum, { count }) => sum + count, 0);
    const isHeld = names.every(({ stem }) => this.#memory.stage.write("", stem) >= 0);
    if (!isHeld) return this.#script.continuum(names);
    return points > LARGEST_BUILD ? this.#large(names, points) : this.#small(names, points);
  }

  /** Digests, sorts and tabulates in linear memory. */
  #small(names: readonly PointNames[], points: number): Continuum {
    const bits = tableBits(points);
    this.#reserve(16 * points + 4 * 2 ** bits);
    let before = 0;
    for (const { owner, stem, count } of names) {
      this.#addPoints({ owner, stem, first: 0, end: count }, before);
      before += 4 * count;
    }
    const tableAt = this.#exports.buildContinuum(points, bits);
    const { buffer } = this.#exports.memory;
    const valuesAt = this.#exports.ARENA.value;
    const ownersAt = valuesAt + 4 * (points + 1);
    return new Continuum({
      values: new Uint32Array(buffer, valuesAt, points + 1).slice(),
      owners: new Uint16Array(buffer, ownersAt, points + 1).slice(),
      table: new Int32Array(buffer, tableAt, 2 ** bits).slice(),
    });
  }

  /** Digests in linear memory, in parts, and sorts outside of it. */
  #large(names: readonly PointNames[], points: number): Continuum {
    this.#reserve(8 * 4 * PART_NAMES);
    const values = new Uint32Array(points);
    const owners = new Uint16Array(points);
    const { memory, ARENA } = this.#exports;
    const entries = new Uint32Array(memory.buffer, ARENA.value, 8 * PART_NAMES);
    let at = 0;
    for (const { owner, stem, count } of names) {
      owners.fill(owner, at, at + 4 * count);
      for (let first = 0; first < count; first += PART_NAMES) {
        const end = Math.min(first + PART_NAMES, count);
        this.#addPoints({ owner, stem, first, end }, 0);
        for (let i = 0; i < 4 * (end - first); i++) values[at++] = entries[2 * i + 1]!;
      }
    }
    return continuumOf(values, owners);
  }

  #addPoints(names: NamesPart, before: number): void {
    const length = this.#memory.stage.write("", names.stem);
    this.#exports.addPoints(length, names.first, names.end, names.owner, before);
  }

  #reserve(arenaBytes: number): void {
    const { memory, ARENA } = this.#exports;
    const missing = ARENA.value + arenaBytes - memory.buffer.byteLength;
    if (missing <= 0) return;
    memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.#look();
  }

  /** All keys of a chunk in one text, encoded at once: right if every character is one byte. */
  #stageJoined(keys: readonly string[], from: number, prefix: string): number {
    const { text, lengths } = this.#memory;
    const limit = Math.min(keys.length - from, this.#batch);
    const room = text.length;
    const before = prefix.length;
    let joined = "";
    let total = 0;
    let count = 0;
    for (; count < limit; count++) {
      const key = keys[from + count]!;
      const length = before + key.length;
      total += length;
      if (total > room) break;
      joined += before === 0 ? key : prefix + key;
      lengths[count] = length;
    }
    const { read, written } = encoder.encodeInto(joined, text);
    return read === joined.length && written === read ? count : 0;
  }

  /** The keys of a chunk encoded one by one; 0 if the first does not fit. */
  #stageEach(keys: readonly string[], from: number, prefix: string): number {
    const { text, lengths } = this.#memory;
    const limit = Math.min(keys.length - from, this.#batch);
    let count = 0;
    for (let at = 0; count < limit; count++) {
      const key = prefix + keys[from + count]!;
      const { read, written } = encoder.encodeInto(key, text.subarray(at));
      if (read < key.length) break;
      lengths[count] = written;
      at += written;
    }
    return count;
  }

  #look(): void {
    const { memory: { buffer }, KEY, KEY_BYTES, TEXT, TEXT_BYTES, ...at } = this.#exports;
    this.#memory = {
      stage: new KeyStage(new Uint8Array(buffer, KEY.value, KEY_BYTES.value - STAGE_SLACK)),
      text: new Uint8Array(buffer, TEXT.value, TEXT_BYTES.value),
      lengths: new Uint32Array(buffer, at.LENGTHS.value, this.#batch),
      hashes: new Uint32Array(buffer, at.HASHES.value, this.#batch),
      state: new Uint8Array(buffer, at.STATE.value, 16),
      hex: new Uint8Array(buffer, at.HEX.value, 40),
    };
  }
}

/** Some of the names of a shard's points. */
interface NamesPart {
  readonly owner: number;
  readonly stem: string;
  readonly first: number;
  readonly end: number;
}

/** Linear memory as seen from here; new whenever it has grown. */
interface Views {
  readonly stage: KeyStage;
  readonly text: Uint8Array;
  readonly lengths: Uint32Array;
  readonly hashes: Uint32Array;
  readonly state: Uint8Array;
  readonly hex: Uint8Array;
}

// One call with forty arguments is three times as fast as any loop, decoder or apply.
// deno-fmt-ignore
function textOf40(b: Uint8Array): string {
  return String.fromCharCode(
    b[0]!, b[1]!, b[2]!, b[3]!, b[4]!, b[5]!, b[6]!, b[7]!, b[8]!, b[9]!,
    b[10]!, b[11]!, b[12]!, b[13]!, b[14]!, b[15]!, b[16]!, b[17]!, b[18]!, b[19]!,
    b[20]!, b[21]!, b[22]!, b[23]!, b[24]!, b[25]!, b[26]!, b[27]!, b[28]!, b[29]!,
    b[30]!, b[31]!, b[32]!, b[33]!, b[34]!, b[35]!, b[36]!, b[37]!, b[38]!, b[39]!,
  );
}
