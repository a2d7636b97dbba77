/** Uses a store that a region opens by its address, closes it, and has then to end by itself. */

import process from "node:process";
import { openers } from "../../../backends/openers.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { registerBackend } from "../../../src/region/registry.ts";

const [backend] = process.argv.slice(2);
for (const [name, load] of openers) registerBackend(name, load);
const region = await makeRegion().configureFromConfig({ backend });
const made = [
  await region.getOrCreate("key", () => "made"),
  await region.getOrCreate("key", () => "made twice"),
];
await region.close();
console.log(made.join(", "));
