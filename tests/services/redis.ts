import { findProgram } from "./program.ts";
import { type Service, service } from "./server.ts";

/** Redis, or Valkey, with nothing written to disk. */
export const redis: Service = service({
  program: findProgram(["redis-server", "valkey-server"]),
  arguments: ({ port, folder }) => [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
    ...["--save", "", "--appendonly", "no"],
  ],
});
