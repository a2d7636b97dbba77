/** The kernels that every test of hashing runs over. */

import { inlineKernel } from "../../../src/hash/inline_kernel.ts";
import type { Kernel } from "../../../src/hash/kernel.ts";
import { ScriptKernel } from "../../../src/hash/script_kernel.ts";

/** The kernel that this runtime loads, and its twin. */
export const kernels: readonly Kernel[] = [inlineKernel(), new ScriptKernel()];
