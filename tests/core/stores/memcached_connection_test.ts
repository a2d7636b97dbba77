/** One connection to memcached, shared by many callers, over a socket that is played by hand. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MemcachedConnection, type Replies } from "../../../backends/memcached/connection.ts";
import type { MetaCommand } from "../../../backends/memcached/protocol.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { PlayedSocket } from "./played_socket.ts";

function connected() {
  const socket = new PlayedSocket();
  const clock = new ManualClock();
  const connection = new MemcachedConnection(socket, { timeoutMs: 1_000, clock });
  /** Sends calls in one write; their answers. */
  const ask = (...calls: (readonly MetaCommand[])[]): Promise<Replies>[] => {
    const answers = calls.map(() => Promise.withResolvers<Replies>());
    connection.send(calls.map((commands, index) => ({
      commands,
      load: commands.length,
      succeed: answers[index]!.resolve,
      fail: answers[index]!.reject,
    })));
    return answers.map(({ promise }) => promise);
  };
  return { socket, clock, connection, ask };
}

const reading = (key: string): MetaCommand => ({ verb: "mg", key, flags: ["v"] });
const both = [reading("a"), reading("b")];
const text = (replies: Replies): string[] =>
  replies.map(({ code, value }) => value ? new TextDecoder().decode(value) : code);

describe("MemcachedConnection", () => {
  it("sends the commands of many callers in one write, and gives each their own replies", async () => {
    const { socket, ask } = connected();
    const [first, second] = ask(both, [reading("c")]);
    socket.play("VA 1 O0\r\nx\r\nEN\r\nVA 1 O2\r\nz\r\n");
    deepEqual([text(await first!), text(await second!)], [["x", "EN"], ["z"]]);
    deepEqual(socket.sent, ["mg a v O0\r\nmg b v O1\r\nmg c v O2\r\n"]);
  });

  it("sends more before the replies are there, and takes them in turn", async () => {
    const { socket, ask } = connected();
    const [first] = ask([reading("a")]);
    await settled();
    const [second] = ask([reading("b")]);
    await settled();
    deepEqual(socket.sent, ["mg a v O0\r\n", "mg b v O1\r\n"]);
    socket.play("VA 1 O0\r\nx\r\nVA 1 O");
    deepEqual(text(await first!), ["x"]);
    socket.play("1\r\ny\r\n");
    deepEqual(text(await second!), ["y"]);
  });

  it("gives up on a reply that is late, and nobody behind it is given what comes then", async () => {
    const { socket, clock, connection, ask } = connected();
    const [slow] = ask(both);
    await clock.advance(600);
    const [other] = ask([reading("c")]);
    const late = [slow!, other!].map((answer) => rejects(answer, /no reply within 1000 ms/));
    await clock.advance(399);
    equal(connection.isOpen, true);
    await clock.advance(1);
    await Promise.all(late);
    deepEqual([connection.isOpen, socket.isClosed], [false, true]);
    socket.play("VA 1 O0\r\nx\r\nVA 1 O1\r\ny\r\nVA 1 O2\r\nz\r\n");
    await settled();
    equal(clock.sleeping, 0);
  });

  it("gives every reply a deadline of its own, but not every piece of one", async () => {
    const { socket, clock, ask } = connected();
    const [answer] = ask(both);
    await clock.advance(900);
    socket.play("VA 1 O0\r\nx\r\n");
    await clock.advance(900);
    socket.play("VA 1 O1\r\n");
    await settled();
    const late = rejects(answer!, /no reply within 1000 ms/);
    await clock.advance(100);
    await late;
  });

  it("begins the deadline anew for who asks after a while without anything", async () => {
    const { socket, clock, connection, ask } = connected();
    const [first] = ask([reading("a")]);
    await clock.advance(700);
    socket.play("EN\r\n");
    await first;
    await clock.advance(200);
    const [second] = ask([reading("b")]);
    await clock.advance(999);
    equal(connection.isOpen, true);
    socket.play("EN\r\n");
    deepEqual(text(await second!), ["EN"]);
  });

  it("waits for nobody longer because the clock was set back", async () => {
    let [now, wake] = [1_700_000_000_000, () => {}];
    const clock = {
      now: () => now,
      sleep: () => new Promise<void>((resolve) => wake = resolve),
    };
    const socket = new PlayedSocket();
    const connection = new MemcachedConnection(socket, { timeoutMs: 1_000, clock });
    const answer = new Promise((succeed, fail) => {
      connection.send([{ commands: both, load: 2, succeed, fail }]);
    });
    now -= 3_600_000;
    wake();
    await rejects(answer, /no reply within 1000 ms/);
  });

  it("gives up on a write that nobody takes, and says that it is not ready before", async () => {
    const { socket, clock, connection, ask } = connected();
    socket.takesMore = false;
    const [answer] = ask([reading("a")]);
    const late = rejects(answer!, /no reply within 1000 ms/);
    await settled();
    equal(connection.isReady, false);
    await clock.advance(1_000);
    await late;
  });

  it("is ready for more as long as not too much is on its way", async () => {
    const { socket, connection, ask } = connected();
    const answers: Promise<Replies>[] = [];
    while (connection.isReady) {
      answers.push(...ask(Array.from({ length: 512 }, () => reading("a"))));
      await settled();
      ok(answers.length <= 8);
    }
    equal(connection.load, 8 * 512);
    socket.play("EN\r\n".repeat(512));
    await answers[0];
    deepEqual([connection.isReady, connection.load], [true, 7 * 512]);
    connection.close();
    await Promise.allSettled(answers);
  });

  for (
    const [what, play, message] of [
      ["an end", undefined, /ended the connection/],
      ["a failure", new Error("reset by peer"), /reset by peer/],
      ["an end within a value", "VA 10 O0\r\nab", /ended the connection/],
      ["nonsense", "VA x\r\n", /it has no size/],
      ["an answer to nothing", "HD O7\r\n", /answers what nobody asked: HD O7/],
      ["an answer without its mark", "HD\r\n", /answers what nobody asked: HD/],
      ["nothing for somebody else", "EN O1\r\n", /answers what nobody asked: EN O1/],
      ["an answer in words of its own", "XX\r\n", /answers what nobody asked: XX/],
      ["a server before 1.6", "ERROR\r\nERROR\r\n", /does not know the meta protocol/],
      ["a refusal of a whole line", "CLIENT_ERROR bad\r\n", /server refuses: CLIENT_ERROR bad/],
      ["a server with users", "CLIENT_ERROR unauthenticated\r\n", /wants a name and a password/],
    ] as const
  ) {
    it(`is closed by ${what}, and everybody on it is told`, async () => {
      const { socket, connection, ask } = connected();
      const told = ask(both, [reading("c")]).map((answer) => rejects(answer, message));
      socket.play(play);
      socket.play(undefined);
      await Promise.all(told);
      deepEqual([connection.isOpen, connection.isReady, socket.isClosed], [false, false, true]);
    });
  }

  it("is closed by an end, or by anything else, while it is idle", async () => {
    for (const piece of [undefined, "HD\r\n", "H", new Error("reset by peer")]) {
      const { socket, connection } = connected();
      socket.play(piece);
      await settled();
      equal(connection.isOpen, false);
    }
  });

  it("sends nothing once it is closed, and says so", async () => {
    const { socket, connection, ask } = connected();
    connection.close();
    await rejects(ask(both)[0]!, /the connection has ended/);
    await rejects(connection.signIn("name", "word"), /the connection has ended/);
    deepEqual(socket.sent, []);
  });

  it("is closed by more than it was asked, after what it was asked", async () => {
    const { socket, connection, ask } = connected();
    const [answer] = ask([reading("a")]);
    socket.play("VA 1 O0\r\nx\r\nVA 1 O1\r\ny\r\n");
    deepEqual(text(await answer!), ["x"]);
    equal(connection.isOpen, false);
  });

  it("rejects with the message of a refusal, and goes on for everybody else", async () => {
    const { socket, connection, ask } = connected();
    const [first, second] = ask(both, [reading("c")]);
    const refused = rejects(first!, /SERVER_ERROR out of memory/);
    socket.play("SERVER_ERROR out of memory\r\nVA 1 O1\r\nx\r\nVA 1 O2\r\nz\r\n");
    await refused;
    deepEqual(text(await second!), ["z"]);
    equal(connection.isOpen, true);
  });

  it("signs in before anything else, or is closed", async () => {
    const { socket, connection } = connected();
    const signedIn = connection.signIn("name", "wörd");
    socket.play("STORED\r\n");
    await signedIn;
    deepEqual(socket.sent, ["set auth 0 0 10\r\nname wörd\r\n"]);
    const refused = rejects(connection.signIn("name", "wrong"), /refuses to sign in "name"/);
    socket.play("CLIENT_ERROR authentication failure\r\n");
    await refused;
    equal(connection.isOpen, false);
  });

  describe("with many callers on it", () => {
    const count = 12;
    /** The value of each key names it; every third key has none, every fourth caller asks for two. */
    const calls = Array.from({ length: count }, (_, index) => {
      const keys = index % 4 === 0 ? [`${index}`, `${index}+`] : [`${index}`];
      return keys.map(reading);
    });
    const answerTo = ({ key = "" }: MetaCommand, mark: number): string =>
      parseInt(key) % 3 === 0
        ? `EN O${mark}\r\n`
        : `VA ${key.length + 6} O${mark}\r\nvalue ${key}\r\n`;
    const replies = calls.flat().map(answerTo);
    const wanted = calls.map((commands) =>
      commands.map(({ key = "" }) => parseInt(key) % 3 === 0 ? "EN" : `value ${key}`)
    );

    /** Each caller has their own values or an error; answers how many have values. */
    async function ownOrNone(answers: readonly Promise<Replies>[]): Promise<number> {
      const outcomes = await Promise.allSettled(answers);
      outcomes.forEach((outcome, index) => {
        if (outcome.status === "fulfilled") deepEqual(text(outcome.value), wanted[index]);
        else match(String(outcome.reason), /^(Syntax)?Error: /);
      });
      return outcomes.filter(({ status }) => status === "fulfilled").length;
    }

    it("cut off at any byte, gives what is whole to those whose it is, and an error to the others", async () => {
      const bytes = new TextEncoder().encode(replies.join(""));
      const ends: number[] = [];
      let [end, from] = [0, 0];
      for (const { length } of calls) {
        for (const reply of replies.slice(from, from += length)) end += reply.length;
        ends.push(end);
      }
      for (let at = 0; at <= bytes.length; at++) {
        const { socket, ask } = connected();
        const answers = [...ask(...calls.slice(0, 5)), ...ask(...calls.slice(5))];
        socket.play(bytes.slice(0, at));
        socket.play(undefined);
        equal(await ownOrNone(answers), ends.filter((end) => end <= at).length, `cut at ${at}`);
      }
    });

    it("gives nobody another's value, whichever reply is lost, doubled, or out of turn", async () => {
      const spoiled = fc.tuple(
        fc.constantFrom("lost", "doubled", "out of turn"),
        fc.nat({ max: replies.length - 1 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      );
      await fc.assert(fc.asyncProperty(spoiled, async ([fault, at, lengths]) => {
        const { socket, connection, ask } = connected();
        const checked = ownOrNone(ask(...calls));
        const played = [...replies];
        if (fault === "lost") played.splice(at, 1);
        else if (fault === "doubled") played.splice(at, 0, played[at]!);
        else played.push(...played.splice(at, 1));
        const bytes = new TextEncoder().encode(played.join(""));
        for (let start = 0, i = 0; start < bytes.length; i++) {
          socket.play(bytes.slice(start, start += lengths[i % lengths.length]!));
          await settled();
        }
        socket.play(undefined);
        await checked;
        await settled();
        equal(connection.isOpen, false);
      }));
    });
  });
});
