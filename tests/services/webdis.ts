import { writeFileSync } from "node:fs";
import { findProgram } from "./program.ts";
import { type Server, type Service, service } from "./server.ts";

const program = findProgram(["webdis"]);

/**
 * Webdis before the Redis whose port is its one argument. It reads everything from a file, the port of
 * Redis among it, so each is a service of its own.
 */
export const webdis: Service = Object.freeze({
  missing: program.missing,
  start: ([redisPort]: readonly string[] = []): Promise<Server> =>
    service({
      program,
      prepare: ({ port, folder }) => {
        const settings = {
          redis_host: "127.0.0.1",
          redis_port: Number(redisPort),
          http_host: "127.0.0.1",
          http_port: port,
          threads: 2,
          pool_size: 4,
          daemonize: false,
          logfile: `${folder}/webdis.log`,
        };
        writeFileSync(`${folder}/webdis.json`, JSON.stringify(settings));
      },
      arguments: ({ folder }) => [`${folder}/webdis.json`],
    }).start(),
});
