import { memoryIndex } from "../../../backends/index_memory.ts";
import { indexCacheSuite, indexFailureCase } from "../../conformance/index_cache_suite.ts";

indexCacheSuite("memory", () => {
  const index = memoryIndex();
  return { index, other: index, simulations: 100 };
}, {
  layout: "own",
  skips: [{ case: indexFailureCase, reason: "memory cannot fail" }],
});
