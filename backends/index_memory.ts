/** An index cache in memory: for tests, and for programs that rebuild their index at each start. */

import type {
  Health,
  IndexCache,
  PackageFile,
  ProjectFiles,
  ProjectState,
} from "../src/contracts/index_cache.ts";

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

  async fetch(filename: string): Promise<PackageFile | undefined> {
    return this.#files.get(filename);
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

  async checkHealth(): Promise<Health> {
    return { isHealthy: true, reason: "" };
  }

  #store(file: PackageFile, serial: number): PackageFile {
    this.#remove(file.filename, serial);
    const { summary, ...facts } = file;
    const record = Object.freeze(summary ? { ...facts, summary } : facts);
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
