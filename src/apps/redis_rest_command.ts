/** `cairn redis-rest`: Redis over HTTP until the process is asked to end. */

import { randomId } from "../contracts/random.ts";
import { listen, stopOnSignal } from "./listen.ts";
import { redisRest } from "./redis_rest.ts";
import { parseRedisRestOptions, REDIS_REST_USAGE } from "./redis_rest_options.ts";
import { redisServer } from "./redis_socket.ts";
import { painted, say } from "./terminal.ts";

/** Runs the command. Rejects where Redis does not answer or the port is taken. */
export async function runRedisRest(args: readonly string[]): Promise<void> {
  const options = parseRedisRestOptions(args);
  if (options === undefined) return say(REDIS_REST_USAGE);
  const { hostname, port, token = randomId() } = options;
  const redis = redisServer(options.redis);
  try {
    const [pong] = await redis.send([["PING"]]);
    if (pong instanceof Error) throw pong;
    const { url, stop } = await listen(redisRest({ redis, token }), { hostname, port });
    stopOnSignal(async () => {
      await stop();
      redis.close();
    });
    say(`\n  ${painted("cairn redis-rest", "bold")} answers at ${url}`);
    if (options.token === undefined) say(`  ${painted("token", "dim")} ${token}`);
    say(`\n  ${painted("Ctrl+C ends it", "dim")}\n`);
  } catch (error) {
    redis.close();
    throw error;
  }
}
