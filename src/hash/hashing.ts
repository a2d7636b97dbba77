/**
 * Rings and digests over the inlined kernel: the entry for every runtime but workerd, whose
 * `hashing_workerd.ts` differs in where the kernel comes from and in nothing else.
 */

import { inlineKernel } from "./inline_kernel.ts";
import type { Kernel } from "./kernel.ts";
import { type KetamaOptions, ketamaOver, type KetamaRing } from "./ketama.ts";

const kernel: Kernel = /* @__PURE__ */ inlineKernel();

/** Makes a ring that agrees with libmemcached. */
export function ketama(options: KetamaOptions): KetamaRing {
  return ketamaOver(kernel, options);
}
