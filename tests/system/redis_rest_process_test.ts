/** `cairn redis-rest` as a process of its own, before a real Redis, asked by Upstash's own client. */

import { deepEqual, doesNotMatch, equal, match, rejects } from "node:assert/strict";
import process from "node:process";
import { after, before, beforeEach, describe, it } from "node:test";
import { Redis as UpstashClient } from "@upstash/redis";
import { startCairn } from "../clients/cairn_process.ts";
import type { CairnServer } from "../clients/cairn_server.ts";
import { interrupted, type Ran, run } from "../clients/command.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";
import { until } from "../testing/until.ts";

const RUNTIME = [process.execPath, ...("Deno" in globalThis ? ["run", "-A"] : [])];
const command = "redis-rest";
const env = { ...process.env as Record<string, string>, NO_COLOR: "1" };
const token = "a secret/token=";

describe("the process cairn redis-rest", { skip: redis.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  let cairn: CairnServer;
  let client: UpstashClient;

  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
    await admin.call("SELECT", "2");
    const address = `redis://127.0.0.1:${server.port}/2`;
    cairn = await startCairn(RUNTIME, [address, "--token", token], { command });
    client = new UpstashClient({ url: cairn.url, token, enableTelemetry: false });
  });
  beforeEach(async () => void (await admin.call("FLUSHALL")));
  after(async () => {
    await cairn.stop();
    admin.close();
    await server.stop();
  });

  async function ask(path: string, request: RequestInit = {}): Promise<[number, unknown]> {
    const headers = { Authorization: `Bearer ${token}`, ...request.headers };
    const response = await fetch(cairn.url + path, { ...request, headers });
    return [response.status, await response.json()];
  }

  it("does single commands, in the database of its address", async () => {
    const value = { text: "ż|ó", list: [1, null, true] };
    equal(await client.set("key", value, { ex: 100 }), "OK");
    deepEqual(await client.get("key"), value);
    equal(await admin.call("GET", "key"), JSON.stringify(value));
    equal(await client.get("nowhere"), null);
    equal(await client.incrby("count", 5), 5);
    deepEqual(await client.mget("count", "nowhere"), [5, null]);
    equal(await client.hset("hash", { a: 1, b: "two" }), 2);
    deepEqual(await client.hgetall("hash"), { a: 1, b: "two" });
    deepEqual(await client.eval("return {KEYS[1], ARGV[1]}", ["k"], ["v"]), ["k", "v"]);
    await rejects(() => client.lpush("key", 1), /WRONGTYPE/);
  });

  it("does pipelines, written and gathered by the client", async () => {
    const answers = await client.pipeline().set("a", 1).incr("a").lpush("b", "x").exec();
    deepEqual(answers, ["OK", 2, 1]);
    const gathering = new UpstashClient({
      ...{ url: cairn.url, token, enableTelemetry: false },
      enableAutoPipelining: true,
    });
    deepEqual(await Promise.all([gathering.get("a"), gathering.get("c"), gathering.llen("b")]), [
      2,
      null,
      1,
    ]);
  });

  it("does transactions, whole or not at all", async () => {
    deepEqual(await client.multi().incr("n").incr("n").exec(), [1, 2]);
    const body = JSON.stringify([["INCR", "n"], ["NO-SUCH-COMMAND"]]);
    const [status, answer] = await ask("/multi-exec", { method: "POST", body });
    deepEqual([status, /EXECABORT/.test(JSON.stringify(answer))], [400, true]);
    equal(await client.get("n"), 2);
  });

  it("does commands in the path, and keeps every byte of a body", async () => {
    const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    deepEqual(await ask("/set/by%2Fpath?EX=100", { method: "POST", body }), [200, {
      result: "OK",
    }]);
    deepEqual(new Uint8Array(await admin.callBytes("GET", "by/path") as Uint8Array), body);
    const headers = { "Upstash-Encoding": "base64" };
    const [, answer] = await ask("/get/by%2Fpath", { headers });
    deepEqual(answer, { result: btoa(String.fromCharCode(...body)) });
  });

  it("lets in who knows the token, and nobody else", async () => {
    const stranger = new UpstashClient({
      ...{ url: cairn.url, token: "wrong", enableTelemetry: false, retry: false },
    });
    await rejects(() => stranger.set("key", 1), /Unauthorized/);
    await rejects(() => stranger.pipeline().set("key", 1).exec(), /Unauthorized/);
    await rejects(() => stranger.multi().set("key", 1).exec(), /Unauthorized/);
    equal(await admin.call("EXISTS", "key"), 0);
    const answer = await fetch(`${cairn.url}/PING?_token=${encodeURIComponent(token)}`);
    deepEqual(await answer.json(), { result: "PONG" });
  });

  it("makes a token up and tells it, where none is given", async () => {
    const address = `redis://127.0.0.1:${server.port}`;
    const other = await startCairn(RUNTIME, [address], { command });
    const told = /token +(\S{32,})/;
    await until("it tells the token", () => told.test(other.output()));
    const [, made = ""] = told.exec(other.output())!;
    const own = new UpstashClient({ url: other.url, token: made, enableTelemetry: false });
    equal(await own.ping(), "PONG");
    equal(await other.stop(), 0);
  });

  it("ends when it is asked to, after the answers that are due", async () => {
    const address = `redis://127.0.0.1:${server.port}`;
    const other = await startCairn(RUNTIME, [address, "--token", "t"], { command });
    const slow = `
      local function now() local time = redis.call('TIME'); return time[1] * 1000000 + time[2] end
      local till = now() + 300000
      redis.call('PUBLISH', 'begun', '1')
      while now() < till do end
      return 'done'`;
    const body = JSON.stringify(["EVAL", slow, "0"]);
    const headers = { Authorization: "Bearer t", Connection: "close" };
    const seen = Promise.withResolvers<void>();
    const unwatch = await admin.monitor(([name]) => name === "EVAL" && seen.resolve());
    const answer = fetch(other.url, { method: "POST", body, headers });
    await seen.promise;
    unwatch();
    const code = other.stop();
    deepEqual(await (await answer).json(), { result: "done" });
    equal(await code, 0);
    await rejects(() => fetch(other.url));
  });

  it("ends when it is interrupted", async () => {
    const [program, ...rest] = [...RUNTIME, "src/apps/cli.ts", command];
    const args = [...rest, "--port", "0", `redis://127.0.0.1:${server.port}`];
    const { code, output } = await interrupted(program!, args, { env, once: /Ctrl\+C/ });
    equal(code, 0, output);
  });

  async function refused(...args: string[]): Promise<string> {
    const [program, ...rest] = [...RUNTIME, "src/apps/cli.ts", command, ...args];
    const { code, output }: Ran = await run(program!, rest, { env });
    equal(code, 2, output);
    return output;
  }

  it("says why it cannot begin, and no password", async () => {
    const away = await refused("redis://ann:s3cret@127.0.0.1:1", "--port", "0");
    match(away, /^cairn: .*ECONNREFUSED|^cairn: .*refused/i);
    doesNotMatch(away, /s3cret/);
    const wrong = await refused(`redis://ann:s3cret@127.0.0.1:${server.port}`, "--port", "0");
    match(wrong, /^cairn: WRONGPASS/);
    doesNotMatch(wrong, /s3cret/);
    match(await refused(`redis://127.0.0.1:${server.port}/99`, "--port", "0"), /out of range/);
    const { port } = new URL(cairn.url);
    const taken = await refused(`redis://127.0.0.1:${server.port}`, "--port", port);
    match(taken, new RegExp(`^cairn: Cannot listen on ${cairn.url}: `));
    match(await refused("http://127.0.0.1"), /^cairn: .*give redis:\/\/HOST/);
  });
});
