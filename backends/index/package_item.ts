/** A record as PyPICloud keeps it in DynamoDB: attributes, and a map `data` for the rest. */

import type { PackageFile } from "../../src/contracts/index_cache.ts";
import type { SummaryFacts } from "../../src/contracts/project_summaries.ts";
import { dataOf, type PackageData, recordOfData } from "./package_data.ts";

/** A value of DynamoDB's. */
export type DynamoValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly BOOL: boolean }
  | { readonly M: DynamoItem };

/** An item: its values by attribute. */
export type DynamoItem = Readonly<Record<string, DynamoValue>>;

/** The item of a record. */
export function itemOf(file: PackageFile): DynamoItem {
  const data = Object.entries(dataOf(file)).map(([name, value]) => [name, valueOf(value)]);
  return {
    filename: { S: file.filename },
    name: { S: file.project },
    version: { S: file.version },
    last_modified: secondsOf(file.uploadedAt),
    ...file.summary && { summary: { S: file.summary } },
    data: { M: Object.fromEntries(data) },
  };
}

/** The record of an item; `undefined` for one that PyPICloud wrote. */
export function recordOfItem(item: DynamoItem): PackageFile | undefined {
  return recordOfData({ summary: "", ...factsOfItem(item) }, dataOfItem(item) as PackageData);
}

/** The map `data` of an item. */
export function dataOfItem(item: DynamoItem): Record<string, unknown> {
  const map = item.data !== undefined && "M" in item.data ? item.data.M : {};
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, plainOf(value)]));
}

/** What a summary is made of. */
export function factsOfItem(item: DynamoItem): SummaryFacts {
  const summary = textOf(item.summary);
  return {
    filename: textOf(item.filename),
    project: textOf(item.name),
    version: textOf(item.version),
    uploadedAt: instantOf(item.last_modified),
    ...summary && { summary },
  };
}

/** The text of an attribute; empty where it is missing. */
export function textOf(value: DynamoValue | undefined): string {
  return value !== undefined && "S" in value ? value.S : "";
}

/** The number of an attribute; 0 where it is missing. */
export function numberOf(value: DynamoValue | undefined): number {
  return value !== undefined && "N" in value ? Number(value.N) : 0;
}

/** An instant as PyPICloud has it: seconds with a fraction. */
export function secondsOf(uploadedAt: number): DynamoValue {
  return { N: (uploadedAt / 1_000).toFixed(3) };
}

/** The instant of such seconds, in epoch milliseconds. */
export function instantOf(value: DynamoValue | undefined): number {
  return Math.round(numberOf(value) * 1_000);
}

function valueOf(value: unknown): DynamoValue {
  if (typeof value === "number") return { N: String(value) };
  return typeof value === "boolean" ? { BOOL: value } : { S: String(value) };
}

function plainOf(value: DynamoValue): unknown {
  if ("N" in value) return Number(value.N);
  if ("BOOL" in value) return value.BOOL;
  return textOf(value);
}
