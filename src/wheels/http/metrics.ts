/** Counts of lookups for monitoring, in the text form of Prometheus: of this process alone. */

import type { Lookup, Outcome, Tally } from "../lookups.ts";
import type { Wheelhouse } from "../wheelhouse.ts";
import { type Access, isProblem, refusalOf } from "./access.ts";
import { problemResponse } from "./errors.ts";
import type { Routes } from "./routes.ts";

/** What metrics are answered from. */
export interface MetricParts {
  /** Counts. */
  readonly wheelhouse: Wheelhouse;
  /** Who may see that. */
  readonly access: Access;
}

const LOOKUPS: readonly Lookup[] = ["page", "file"];
const OUTCOMES: readonly Outcome[] = ["hit", "stale", "fill", "wait", "error"];

/** The route of metrics: for who may see pages, and for admins where there are rights. */
export function metricRoutes({ wheelhouse, access }: MetricParts): Routes {
  return {
    "/-/metrics": {
      GET: async (request) => {
        const visitor = await access.check(request, "list");
        if (isProblem(visitor)) return problemResponse(request, visitor);
        if (visitor.rights?.isAdmin(visitor.name) === false) {
          const message = "Only admins see the metrics.";
          const problem = { status: 403, message, code: "forbidden" };
          return problemResponse(request, refusalOf(visitor, problem));
        }
        const text = textOf((lookup) => wheelhouse.lookups.tally(lookup));
        const bytes = new TextEncoder().encode(text);
        return new Response(request.method === "HEAD" ? null : bytes, {
          headers: {
            "content-type": "text/plain; version=0.0.4; charset=utf-8",
            "content-length": String(bytes.byteLength),
            "cache-control": "no-store",
          },
        });
      },
    },
  };
}

function textOf(tallyOf: (lookup: Lookup) => Tally): string {
  const lines = [
    "# HELP cairn_lookups_total Pages and files that were looked for.",
    "# TYPE cairn_lookups_total counter",
    ...LOOKUPS.map((lookup) => `cairn_lookups_total{of="${lookup}"} ${tallyOf(lookup).begun}`),
    "# HELP cairn_lookup_outcomes_total What became of them.",
    "# TYPE cairn_lookup_outcomes_total counter",
    ...LOOKUPS.flatMap((lookup) =>
      OUTCOMES.map((outcome) => {
        const labels = `of="${lookup}",outcome="${outcome}"`;
        return `cairn_lookup_outcomes_total{${labels}} ${tallyOf(lookup)[outcome]}`;
      })
    ),
  ];
  return `${lines.join("\n")}\n`;
}
