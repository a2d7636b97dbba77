import { writeFileSync } from "node:fs";
import { findProgram } from "./program.ts";
import { type Service, service } from "./server.ts";

/** A Sentinel that watches nothing yet. */
export const redisSentinel: Service = service({
  program: findProgram(["redis-server", "valkey-server"]),
  // It writes what it learns to its file, so there must be one.
  prepare: ({ folder }) => writeFileSync(`${folder}/sentinel.conf`, "bind 127.0.0.1\n"),
  arguments: ({ port, folder }) => [
    ...[`${folder}/sentinel.conf`, "--sentinel", "--port", String(port), "--dir", folder],
  ],
});
