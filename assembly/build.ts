/**
 * Compiles the kernel: `deno run -A assembly/build.ts` writes `src/hash/kernel.wasm` and, for every
 * place that cannot import it, `src/hash/kernel_bytes.ts`. With `--check` it writes nothing, and
 * fails if the committed files are not what the sources give.
 */

import asc from "assemblyscript/asc";

const SOURCES = new URL("./kernel/", import.meta.url);
const WASM = new URL("../src/hash/kernel.wasm", import.meta.url);
const BYTES = new URL("../src/hash/kernel_bytes.ts", import.meta.url);

/** Static data must end before the fixed areas of `kernel/memory.ts` begin. */
const STATIC_END = 0x1000;
/** Goal 13 of the kernel: what may be delivered. */
const LARGEST_BYTES = 64 * 1024;

// Optimisation would set the hand-interleaved chains of md5_lanes.ts one after the other again. The
// passes named here keep the order of the source: they let locals share a slot and drop what inlining
// left behind, which makes the module half as long and leaves the machine code as it was.
const FLAGS = [
  ...["kernel.ts", "-O0", "--noAssert", "--runtime", "stub", "--enable", "simd"],
  ...["--runPasses", "coalesce-locals,remove-unused-brs,remove-unused-names,vacuum"],
  ...["--initialMemory", "4", "--outFile", "kernel.wasm", "--textFile", "kernel.wat"],
];

/** Compiles the sources; throws with the compiler's own words if they do not. */
export async function compileKernel(): Promise<Uint8Array> {
  const outputs = new Map<string, Uint8Array | string>();
  const { error, stderr } = await asc.main(FLAGS, {
    readFile: readSource,
    writeFile: (name: string, contents: Uint8Array | string) => void outputs.set(name, contents),
    listFiles: () => [],
  });
  if (error) throw new Error(`Cannot compile the kernel: ${stderr.toString()}`, { cause: error });
  return checked(outputs.get("kernel.wasm") as Uint8Array, outputs.get("kernel.wat") as string);
}

function readSource(name: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(name, SOURCES));
  } catch {
    return null; // The compiler asks for several names of each module until one is there.
  }
}

function checked(wasm: Uint8Array, text: string): Uint8Array {
  if (/^ \(import /m.test(text)) throw new Error("Cannot deliver the kernel: it imports something");
  for (const [, at, data] of text.matchAll(/^ \(data \S+ \(i32\.const (\d+)\) "(.*)"\)$/gm)) {
    const end = Number(at) + data!.replace(/\\[0-9a-f]{2}|\\./g, ".").length;
    if (end > STATIC_END) throw new Error(`Cannot deliver the kernel: data ends at ${end}`);
  }
  if (wasm.length > LARGEST_BYTES) {
    throw new Error(`Cannot deliver the kernel: it has ${wasm.length} bytes`);
  }
  return wasm;
}

// One line: line breaks would keep gzip from finding what repeats, a tenth of the whole.
function moduleOf(wasm: Uint8Array): string {
  return [
    "// Made by assembly/build.ts from assembly/kernel; do not edit.",
    "",
    "/** The kernel, a WebAssembly module, as the text that `inline_kernel.ts` reads. */",
    "export const KERNEL: string =",
    `  "${textOf(wasm)}";`,
    "",
  ].join("\n");
}

/** Printable ASCII but the blank, the mark of exclamation, and what a string must escape. */
const DIGITS = Array.from({ length: 91 }, (_, i) => String.fromCharCode(i < 57 ? 35 + i : 36 + i));

/** Bytes below this are one digit, the others two. */
const ONE_DIGIT = 88;

/**
 * Bytes as text whose repetitions gzip can find, as base64's it cannot: there, a byte's neighbours
 * decide on its letters. Bytes of WebAssembly are mostly small, so this text is also a tenth shorter
 * than base64; compressed, by a third.
 */
function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    const rest = byte - ONE_DIGIT;
    const first = rest < 0 ? byte : ONE_DIGIT + Math.floor(rest / DIGITS.length);
    text += DIGITS[first];
    if (rest >= 0) text += DIGITS[rest % DIGITS.length];
  }
  return text;
}

async function main(check: boolean): Promise<void> {
  const wasm = await compileKernel();
  const module = moduleOf(wasm);
  if (!check) {
    await Deno.writeFile(WASM, wasm);
    await Deno.writeTextFile(BYTES, module);
    return console.log(`kernel.wasm: ${wasm.length} bytes`);
  }
  const committed = await Deno.readFile(WASM);
  const same = committed.length === wasm.length && committed.every((byte, i) => byte === wasm[i]);
  if (same && await Deno.readTextFile(BYTES) === module) return console.log("kernel: up to date");
  throw new Error("Cannot accept the kernel: its bytes are not those that the sources give");
}

if (import.meta.main) await main(Deno.args.includes("--check"));
