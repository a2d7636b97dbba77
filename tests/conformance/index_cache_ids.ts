/**
 * Which acceptance items a case of the index suite proves. PyPICloud tested each of its three caches
 * by itself, so most of its items name a layout, and one case proves another item on each.
 */

/** Whose tables a store has. `"own"` is none of PyPICloud's. */
export type IndexLayout = "sql" | "redis" | "dynamodb" | "own";

/** What the names of cases begin with on a store of this layout. */
export function idsOf(layout: IndexLayout): Record<string, string> {
  return Object.fromEntries(
    Object.entries(items).map(([name, { every = "", ...ids }]) => [
      name,
      [every, ids[layout as keyof typeof ids]].filter(Boolean).join(" "),
    ]),
  );
}

type Items = { readonly [Layout in "every" | "sql" | "redis" | "dynamodb"]?: string };

const items: Readonly<Record<string, Items>> = {
  "clauses 1 to 4: after any changes it is what the model is": { every: "I-198" },
  "an empty index answers emptily": {
    every: "P-013",
    sql: "P-030",
    redis: "P-047",
    dynamodb: "P-065",
  },
  "save stores one record": { sql: "P-016", dynamodb: "P-051" },
  "fetch answers the record, with every fact": {
    sql: "P-021",
    redis: "P-032 P-038",
    dynamodb: "P-055",
  },
  "fetch of an unknown file is undefined": { sql: "P-022", redis: "P-039", dynamodb: "P-056" },
  "clause 1: a name that is not ASCII": { sql: "P-017" },
  "clause 1: a file is its filename: the same one is replaced": { every: "P-001" },
  "clause 1: a file is its filename: another one replaces nothing": {
    every: "P-002",
    sql: "P-028",
    redis: "P-045",
    dynamodb: "P-062",
  },
  "all answers exactly that project's files": { sql: "P-023", redis: "P-040", dynamodb: "P-057" },
  "distinct answers each name once, sorted by code unit": {
    sql: "P-024",
    redis: "P-041",
    dynamodb: "P-058",
  },
  "clear of a project's only file leaves nothing but its serial": {
    sql: "P-019",
    dynamodb: "PX-06",
  },
  "clear keeps the name while another file exists": { redis: "P-035" },
  "clause 5: failure is a BackendError, never an empty answer": {
    sql: "P-031",
    redis: "P-048",
    dynamodb: "P-066",
  },
  "summary tells of the highest version, whatever was saved last": {
    every: "P-009 PX-07 I-205",
  },
  "summary follows when the highest version goes": { every: "PX-08" },
  "summary after four uploads of two names has two entries": {
    sql: "P-027",
    redis: "P-046",
    dynamodb: "P-061",
  },
  "search or: any term in the name, or any in the summary": {
    sql: "P-025",
    redis: "P-043",
    dynamodb: "P-059",
  },
  "search and: all terms in the name, or all in the summary": {
    sql: "P-026",
    redis: "P-044",
    dynamodb: "P-060",
  },
  "an upload is one record and one file, with its digests": { sql: "P-014", dynamodb: "P-050" },
  "an upload without a summary": { dynamodb: "P-064" },
  "other bytes under a name that is taken are refused": { every: "P-005" },
  "two uploads of one name at once: the first wins, for the file and the record": {
    every: "PX-04",
  },
  "two files of one version are beside each other": { every: "P-007" },
  "an upload that broke off after its file is completed by itself, or by a reload": {
    every: "PX-11",
  },
  "an upload that is not what it says, or too large, or not kept, leaves nothing": {
    every: "PX-17",
  },
  "a removal takes the file, its record and its summary": {
    sql: "P-018",
    redis: "P-033",
    dynamodb: "P-052",
  },
  "a reload of an empty index takes every file in, with its digest": {
    every: "P-010",
    sql: "P-020 P-029",
    dynamodb: "P-054",
  },
  "a reload of a full index reads no file and changes no record": { every: "P-011" },
  "a reload adds what is missing, under one summary": { every: "P-067" },
  "a reload removes what is gone, and its summary": { every: "P-068" },
  "a reload removes what is gone and leaves what is uploaded while it lists": { every: "P-069" },
  "an upload after the records were read stays": { every: "PX-02" },
  "a reload removes what goes between its listings": { every: "P-070 PX-03" },
  "a reload follows what another region has written, whatever the names": { every: "PX-12" },
  "a reload makes a newer file the summary's time": { every: "P-071" },
  "a reload takes in three files of one version, under one summary": { every: "P-072" },
};
