/** The REST front of a Redis: Upstash's protocol, to the letter, and its own client against it. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { Redis as UpstashClient } from "@upstash/redis";
import { listen, type Listening } from "../../src/apps/listen.ts";
import { redisRest } from "../../src/apps/redis_rest.ts";
import { parseRedisRestOptions } from "../../src/apps/redis_rest_options.ts";
import { type RedisServer, redisServer } from "../../src/apps/redis_socket.ts";
import { formatReply, parseReply, RespReader, type RespReply } from "../../backends/redis/resp.ts";
import { connectRedis, type RedisAdmin } from "../services/redis_admin.ts";
import { redis } from "../services/redis.ts";
import type { Server } from "../services/server.ts";

const token = "a token";

describe("RESP", () => {
  const replies: readonly RespReply[] = [
    "OK",
    new Error("ERR no"),
    -7,
    null,
    new Uint8Array(0),
    Uint8Array.of(0x0d, 0x0a, 0xff),
    [],
    [1, null, ["QUEUED", Uint8Array.of(1)]],
  ];

  it("comes back as it was, whole and byte by byte", () => {
    for (const reply of replies) deepEqual(parseReply(formatReply(reply)), reply);
    const reader = new RespReader();
    const read: RespReply[] = [];
    for (const byte of replies.flatMap((reply) => [...formatReply(reply)])) {
      reader.push(Uint8Array.of(byte));
      const reply = reader.take();
      if (reply !== undefined) read.push(reply);
    }
    deepEqual(read, replies);
  });

  it("is refused where it is cut short, goes on or is something else", () => {
    const whole = formatReply([1, Uint8Array.of(1, 2)]);
    for (let length = 0; length < whole.length; length++) {
      throwsSyntax(() => parseReply(whole.subarray(0, length)));
    }
    throwsSyntax(() => parseReply(new Uint8Array([...whole, 0])));
    throwsSyntax(() => parseReply(new TextEncoder().encode("HTTP/1.1 200 OK\r\n")));
    throwsSyntax(() => parseReply(new TextEncoder().encode(":1x\r\n")));
    throwsSyntax(() => parseReply(new TextEncoder().encode("*1\r\n".repeat(100) + ":1\r\n")));
  });

  function throwsSyntax(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      return ok(error instanceof SyntaxError, String(error));
    }
    throw new Error("Nothing was thrown");
  }
});

describe("cairn redis-rest", { skip: redis.missing }, () => {
  let server: Server;
  let admin: RedisAdmin;
  let origin: RedisServer;
  let front: Listening;

  before(async () => {
    server = await redis.start();
    admin = await connectRedis(server.port);
    origin = redisServer(`redis://127.0.0.1:${server.port}`);
    front = await listen(redisRest({ redis: origin, token }), { hostname: "127.0.0.1", port: 0 });
  });
  beforeEach(async () => void (await admin.call("FLUSHALL")));
  after(async () => {
    await front.stop();
    origin.close();
    admin.close();
    await server.stop();
  });

  async function ask(path: string, request: RequestInit = {}): Promise<[number, unknown]> {
    const headers = { Authorization: `Bearer ${token}`, ...request.headers };
    const response = await fetch(front.url + path, { ...request, headers });
    return [response.status, await response.json()];
  }
  const post = (path: string, body: unknown, headers = {}): Promise<[number, unknown]> =>
    ask(path, { method: "POST", body: JSON.stringify(body), headers });

  it("single commands, as a body and as a path", async () => {
    deepEqual(await post("/", ["SET", "k", "v", "EX", 100]), [200, { result: "OK" }]);
    deepEqual(await post("/", ["GET", "k"]), [200, { result: "v" }]);
    deepEqual(await ask("/GET/k"), [200, { result: "v" }]);
    deepEqual(await ask("/get/nowhere"), [200, { result: null }]);
    deepEqual(await ask("/set/a%2Fb/%C5%BC?EX=100", { method: "PUT" }), [200, { result: "OK" }]);
    equal(await admin.call("GET", "a/b"), "ż");
    ok(Number(await admin.call("TTL", "a/b")) > 90);
    deepEqual(await post("/", ["INCRBY", "n", 5]), [200, { result: 5 }]);
    deepEqual(await post("/", ["MGET", "k", "no"]), [200, { result: ["v", null] }]);
    deepEqual(await post("/", ["EVAL", "return {1, ARGV[1]}", 0, "x"]), [200, {
      result: [1, "x"],
    }]);
  });

  it("a body follows the arguments of a path, byte for byte", async () => {
    const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    deepEqual(await ask("/set/bytes", { method: "POST", body }), [200, { result: "OK" }]);
    deepEqual(new Uint8Array(await admin.callBytes("GET", "bytes") as Uint8Array), body);
  });

  it("base64 for every text but OK", async () => {
    const headers = { "Upstash-Encoding": "base64" };
    await admin.callBytes("SET", "k", Uint8Array.of(0xff, 0));
    await admin.call("SET", "ok", "OK");
    deepEqual(await post("/", ["GET", "k"], headers), [200, { result: "/wA=" }]);
    deepEqual(await post("/", ["GET", "ok"], headers), [200, { result: "T0s=" }]);
    deepEqual(await post("/", ["SET", "k", "v"], headers), [200, { result: "OK" }]);
    deepEqual(await post("/", ["PING"], headers), [200, { result: "UE9ORw==" }]);
  });

  it("pipelines answer each command for itself", async () => {
    deepEqual(await post("/pipeline", [["SET", "k", "1"], ["LPUSH", "k", "x"], ["INCR", "k"]]), [
      200,
      [
        { result: "OK" },
        { error: "WRONGTYPE Operation against a key holding the wrong kind of value" },
        { result: 2 },
      ],
    ]);
    deepEqual(await post("/pipeline", []), [200, []]);
  });

  it("transactions are done whole, or refused as a whole", async () => {
    const done = await post("/multi-exec", [["SET", "k", "1"], ["INCR", "k"], ["LPUSH", "k", "x"]]);
    deepEqual(done[0], 200);
    deepEqual((done[1] as unknown[]).slice(0, 2), [{ result: "OK" }, { result: 2 }]);
    match(JSON.stringify(done[1]), /WRONGTYPE/);
    const [status, body] = await post("/multi-exec", [["SET", "k", "9"], ["NOPE"]]);
    equal(status, 400);
    match(JSON.stringify(body), /"error":"EXECABORT/);
    equal(await admin.call("GET", "k"), "2");
  });

  it("replies in Redis's own protocol", async () => {
    await admin.callBytes("SET", "k", Uint8Array.of(0xff));
    const response = await fetch(`${front.url}/`, {
      method: "POST",
      body: '["MGET","k","no"]',
      headers: { "Authorization": `Bearer ${token}`, "Upstash-Response-Format": "resp2" },
    });
    const reply = parseReply(new Uint8Array(await response.arrayBuffer()));
    deepEqual(reply, [Uint8Array.of(0xff), null]);
  });

  it("lets nobody in without the token", async () => {
    const forms = [{}, { Authorization: "Bearer " }, { Authorization: "Bearer wrong" }, {
      Authorization: `Basic ${token}`,
    }];
    for (const headers of forms) {
      for (const path of ["/", "/pipeline", "/multi-exec", "/GET/k"]) {
        const response = await fetch(front.url + path, { method: "POST", body: "[]", headers });
        deepEqual([response.status, await response.json()], [401, { error: "Unauthorized" }], path);
      }
    }
    const response = await fetch(`${front.url}/PING?_token=${encodeURIComponent(token)}`);
    deepEqual(await response.json(), { result: "PONG" });
  });

  it("refuses what is no command, and what would take the connection from the others", async () => {
    equal((await post("/", ["NOPE"]))[0], 400);
    equal((await post("/", []))[0], 400);
    equal((await post("/", { a: 1 }))[0], 400);
    equal((await post("/pipeline", ["GET"]))[0], 400);
    equal((await ask("/", { method: "POST", body: "{" }))[0], 400);
    equal((await ask("/GET/%FF"))[0], 400);
    equal((await ask("/GET/k", { method: "DELETE" }))[0], 405);
    for (const name of ["SUBSCRIBE", "monitor", "MULTI", "BLPOP", "SELECT", "AUTH", "CLIENT"]) {
      equal((await post("/", [name, "x", "0"]))[0], 400, name);
      equal((await post("/pipeline", [[name, "x", "0"]]))[0], 400, name);
    }
    deepEqual(await post("/", ["PING"]), [200, { result: "PONG" }]);
  });

  it("serves Upstash's own client", async () => {
    const client = new UpstashClient({ url: front.url, token, enableTelemetry: false });
    equal(await client.set("k", { a: [1, "ż"] }, { ex: 100 }), "OK");
    deepEqual(await client.get("k"), { a: [1, "ż"] });
    equal(await client.set("k", 1, { nx: true }), null);
    const pipeline = client.pipeline();
    pipeline.incr("n").get("k");
    deepEqual(await pipeline.exec(), [1, { a: [1, "ż"] }]);
    const multi = client.multi();
    multi.incr("n").incr("n");
    deepEqual(await multi.exec(), [2, 3]);
    deepEqual(await client.eval("return {KEYS[1], ARGV[1]}", ["a"], ["b"]), ["a", "b"]);
  });

  it("answers 502 while Redis is away, and goes on when it is back", async () => {
    const other = await redis.start();
    const away = redisServer(`redis://127.0.0.1:${other.port}`);
    const handler = redisRest({ redis: away, token });
    const headers = { Authorization: `Bearer ${token}` };
    const ping = async (): Promise<number> =>
      (await handler(new Request("http://front/PING", { headers }), undefined)).status;
    equal(await ping(), 200);
    await admin.call("PING");
    const killer = await connectRedis(other.port);
    await killer.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    killer.close();
    ok([200, 502].includes(await ping()), "the loss may be noticed before or by the request");
    equal(await ping(), 200);
    await other.stop();
    await ping();
    equal(await ping(), 502);
    away.close();
  });

  it("asks nothing of a database or as a user that Redis refuses", async () => {
    await admin.call("SET", "key", "of database 0");
    const refused = { "/99": /DB index is out of range/, "": /WRONGPASS/ };
    for (const [path, reason] of Object.entries(refused)) {
      const user = path === "" ? "nobody:secret@" : "";
      const away = redisServer(`redis://${user}127.0.0.1:${server.port}${path}`);
      await rejects(() => away.send([["GET", "key"]]), reason);
      await rejects(() => away.send([["DEL", "key"]]), reason);
      away.close();
    }
    const other = redisServer(`redis://127.0.0.1:${server.port}/1`);
    deepEqual(await other.send([["GET", "key"]]), [null]);
    other.close();
    equal(await admin.call("GET", "key"), "of database 0");
  });

  it("reads its command line", () => {
    deepEqual(parseRedisRestOptions(["redis://h:1/2", "-p", "0", "--token", "t"]), {
      redis: "redis://h:1/2",
      hostname: "127.0.0.1",
      port: 0,
      token: "t",
    });
    equal(parseRedisRestOptions(["--help"]), undefined);
    for (const args of [["a", "b"], ["--port", "x"], ["--token", ""], ["--nope"]]) {
      let isRefused = false;
      try {
        parseRedisRestOptions(args);
      } catch (error) {
        isRefused = error instanceof TypeError || error instanceof RangeError;
      }
      ok(isRefused, args.join(" "));
    }
  });
});
