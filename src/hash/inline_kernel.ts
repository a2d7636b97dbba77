/**
 * The kernel for every runtime that has no better way to load it: from text, compiled at once.
 *
 * It must be called while a module is evaluated: Workers refuse to compile within a request, and
 * those with a compatibility date before 2025-06-01 always. Then, under a content security policy
 * without `'wasm-unsafe-eval'`, and where SIMD is missing, the plain TypeScript kernel serves.
 */

import type { Kernel } from "./kernel.ts";
import { KERNEL } from "./kernel_bytes.ts";
import { ScriptKernel } from "./script_kernel.ts";
import { wasmKernel } from "./wasm_kernel.ts";

/** The compiled kernel, or the plain one where this runtime does not let us compile. */
export function inlineKernel(): Kernel {
  const module = compiled();
  return module ? wasmKernel(module) : new ScriptKernel();
}

function compiled(): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(bytesOf(KERNEL));
  } catch {
    // Refusal is an answer, not a failure: the plain kernel gives the same results.
    return undefined;
  }
}

// The reverse of `textOf` in `assembly/build.ts`: 91 digits from "#" on, without the backslash; two
// of them for a byte that is not below 88.
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let length = 0, at = 0;
  const digit = (): number => {
    const code = text.charCodeAt(at++);
    return code < 92 ? code - 35 : code - 36;
  };
  while (at < text.length) {
    const first = digit();
    bytes[length++] = first < 88 ? first : 88 + (first - 88) * 91 + digit();
  }
  return bytes.subarray(0, length);
}
