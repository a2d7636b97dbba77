import { findProgram } from "./program.ts";
import { type Service, service } from "./server.ts";

/** memcached over TCP. */
export const memcached: Service = service({
  program: findProgram(["memcached"]),
  arguments: ({ port }) => ["-p", String(port), "-l", "127.0.0.1", "-U", "0", "-u", "nobody"],
});
