import { memoryIndex } from "../../../backends/index_memory.ts";
import { indexCacheSuite, indexFailureCase } from "../../conformance/index_cache_suite.ts";

indexCacheSuite("memory", () => {
  const index = memoryIndex();
  return { index, other: index, simulations: 100 };
}, {
  skips: [{ case: indexFailureCase, reason: "memory cannot fail" }],
  ids: {
    "clause 1: a file is its filename: the same one is replaced": "P-001",
    "clause 1: a file is its filename: another one replaces nothing": "P-002",
    "summary tells of the highest version, whatever was saved last": "P-009",
    "an empty index answers emptily": "P-013",
  },
});
