/** An index cache in memory: for tests, and for programs that rebuild their index at each start. */

import type {
  Health,
  IndexCache,
  PackageFile,
  ProjectFiles,
  ProjectState,
  ProjectSummary,
  RecordPage,
  SearchQuery,
} from "../src/contracts/index_cache.ts";
import { matcherOf, summariesOf } from "../src/contracts/project_summaries.ts";

/**
 * Makes an empty index in memory. It grows with what is saved and has no bound of its own.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { memoryIndex } from "@cairn/cache/index-memory";
 *
 * const index = memoryIndex();
 * await index.claim("acme-tools", true);
 * deepEqual(await index.distinct(), ["acme-tools"]);
 * ```
 */
export function memoryIndex(): IndexCache {
  return new MemoryIndex();
}

interface Project {
  readonly files: Map<string, PackageFile>;
  serial: number;
  isClaimed: boolean;
}

class MemoryIndex implements IndexCache {
  readonly name = "memory";
  readonly #files = new Map<string, PackageFile>();
  readonly #projects = new Map<string, Project>();
  #serial = 0;
  #cursor: string | undefined;

  async fetch(filename: string): Promise<PackageFile | undefined> {
    return this.#files.get(filename);
  }

  async fetchMany(filenames: readonly string[]): Promise<(PackageFile | undefined)[]> {
    return filenames.map((filename) => this.#files.get(filename));
  }

  async all(project: string): Promise<ProjectFiles> {
    const files = [...this.#projects.get(project)?.files.values() ?? []];
    return { files, ...this.#stateOf(project) };
  }

  async project(project: string): Promise<ProjectState> {
    return this.#stateOf(project);
  }

  async distinct(): Promise<string[]> {
    const names: string[] = [];
    for (const [name, { files, isClaimed }] of this.#projects) {
      if (isClaimed || files.size > 0) names.push(name);
    }
    return names.sort();
  }

  async summary(): Promise<ProjectSummary[]> {
    return summariesOf(this.#files.values());
  }

  async search(query: SearchQuery): Promise<ProjectSummary[]> {
    return summariesOf([...this.#files.values()].filter(matcherOf(query)));
  }

  async list({ limit, cursor = "" }: { limit: number; cursor?: string }): Promise<RecordPage> {
    const following = [...this.#files.keys()].filter((name) => name > cursor).sort();
    const files = following.slice(0, limit).map((name) => this.#files.get(name)!);
    return { files, cursor: following.length > limit ? files.at(-1)!.filename : undefined };
  }

  async serial(): Promise<number> {
    return this.#serial;
  }

  async add(file: PackageFile): Promise<PackageFile> {
    const first = this.#files.get(file.filename);
    return first ?? this.#store(file, ++this.#serial);
  }

  async save(file: PackageFile): Promise<void> {
    this.#store(file, ++this.#serial);
  }

  async saveMany(files: readonly PackageFile[]): Promise<void> {
    if (files.length === 0) return;
    const serial = ++this.#serial;
    const latest = new Map(files.map((file) => [file.filename, file]));
    for (const file of latest.values()) this.#store(file, serial);
  }

  async clear(filename: string): Promise<boolean> {
    if (!this.#files.has(filename)) return false;
    this.#remove(filename, ++this.#serial);
    return true;
  }

  async replace(expected: PackageFile, next: PackageFile | undefined): Promise<boolean> {
    const held = this.#files.get(expected.filename);
    if (held === undefined || !isSameRecord(held, expected)) return false;
    if (next === undefined) this.#remove(expected.filename, ++this.#serial);
    else this.#store(next, ++this.#serial);
    return true;
  }

  async clearAll(): Promise<void> {
    if (this.#files.size === 0) return;
    const serial = ++this.#serial;
    for (const filename of [...this.#files.keys()]) this.#remove(filename, serial);
  }

  async claim(project: string, isClaimed: boolean): Promise<void> {
    if (this.#stateOf(project).isClaimed === isClaimed) return;
    this.#projectOf(project).isClaimed = isClaimed;
    this.#serial++;
  }

  async cursor(): Promise<string | undefined> {
    return this.#cursor;
  }

  async moveCursor(from: string | undefined, to: string | undefined): Promise<boolean> {
    if (this.#cursor !== from) return false;
    this.#cursor = to;
    return true;
  }

  async checkHealth(): Promise<Health> {
    return { isHealthy: true, reason: "" };
  }

  #store(file: PackageFile, serial: number): PackageFile {
    this.#remove(file.filename, serial);
    const record = withoutEmptySummary(file);
    const project = this.#projectOf(record.project);
    project.files.set(record.filename, record);
    project.serial = serial;
    this.#files.set(record.filename, record);
    return record;
  }

  #remove(filename: string, serial: number): void {
    const file = this.#files.get(filename);
    if (!file) return;
    const project = this.#projectOf(file.project);
    project.files.delete(filename);
    project.serial = serial;
    this.#files.delete(filename);
  }

  #stateOf(name: string): ProjectState {
    const { serial, isClaimed } = this.#projects.get(name) ?? { serial: 0, isClaimed: false };
    return { serial, isClaimed };
  }

  #projectOf(name: string): Project {
    let project = this.#projects.get(name);
    if (!project) {
      project = { files: new Map(), serial: 0, isClaimed: false };
      this.#projects.set(name, project);
    }
    return project;
  }
}

function withoutEmptySummary({ summary, ...facts }: PackageFile): PackageFile {
  return Object.freeze(summary ? { ...facts, summary } : facts);
}

function isSameRecord(held: PackageFile, expected: PackageFile): boolean {
  const facts = Object.entries(withoutEmptySummary(expected));
  return facts.length === Object.keys(held).length &&
    facts.every(([name, fact]) => held[name as keyof PackageFile] === fact);
}
