/**
 * A record as PyPICloud keeps it in a Redis hash: fields for what it knows itself, and one field with
 * a JSON value for each entry of its `data`. cairn's additions are entries like any other.
 */

import type { PackageFile } from "../../src/contracts/index_cache.ts";
import { versionKey } from "../../src/contracts/versions.ts";
import { dataOf, type PackageData, recordOfData } from "./package_data.ts";

const own = new Set(["name", "version", "filename", "last_modified", "summary", "version_key"]);

/** A row as the scripts take it. */
export function rowArguments(file: PackageFile): string[] {
  const key = versionKey(file.version);
  const fields = [
    ...["name", file.project, "version", file.version, "filename", file.filename],
    ...["last_modified", String(file.uploadedAt / 1_000), "summary", file.summary ?? ""],
    ...["version_key", JSON.stringify(key)],
    ...Object.entries(dataOf(file)).flatMap(([name, value]) => [name, JSON.stringify(value)]),
  ];
  const { filename, project, uploadedAt } = file;
  return [filename, project, String(uploadedAt), key, String(fields.length), ...fields];
}

/** The fields of a row of PyPICloud's that may tell what a record lacks. */
export const leftoverFields: readonly string[] = Object.freeze([
  "size",
  "uploader",
  "hash_sha256",
  "hash_md5",
]);

/** The values of those fields, where there are any. */
export function leftoversOf(texts: readonly string[]): Record<string, unknown> {
  const entries = leftoverFields.map((name, at) => [name, texts[at]] as const);
  return Object.fromEntries(
    entries.filter(([, text]) => text).map(([name, text]) => {
      return [name, JSON.parse(text!)];
    }),
  );
}

/** The record of a hash's fields; `undefined` for no fields, and for those that PyPICloud wrote. */
export function recordOfFields(fields: ReadonlyMap<string, string>): PackageFile | undefined {
  if (!fields.has("size")) return undefined;
  const data: Record<string, unknown> = {};
  for (const [name, text] of fields) {
    if (!own.has(name)) data[name] = JSON.parse(text);
  }
  return recordOfData({
    filename: fields.get("filename") ?? "",
    project: fields.get("name") ?? "",
    version: fields.get("version") ?? "",
    uploadedAt: Math.round(Number(fields.get("last_modified")) * 1_000),
    summary: fields.get("summary") ?? "",
  }, data as PackageData);
}
