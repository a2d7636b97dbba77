import { existsSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { findProgram, type Program } from "./program.ts";
import { type Place, runAs, type Service, service } from "./server.ts";

const program = findProgram(["memcached"]);

/** memcached over TCP. */
export const memcached: Service = service({ program, arguments: asNobody });

/**
 * memcached with one thread for all connections. With several each connection has its own, and which of
 * them shares a processor with the client decides more than what the client does.
 */
export const memcachedOfOneThread: Service = service({
  program,
  arguments: (place) => [...asNobody(place), "-t", "1"],
});

/** memcached on a unix socket in its folder, see {@linkcode socketOf}. */
export const memcachedOnSocket: Service = service({
  program,
  arguments: ({ folder }) => ["-s", socketOf(folder), "-u", userInfo().username],
  isReady: ({ folder }) => existsSync(socketOf(folder)),
});

/** Where a memcached on a socket listens. */
export function socketOf(folder: string): string {
  return `${folder}/socket`;
}

/** The name and password that a memcached with users knows. */
export const credentials = Object.freeze({ user: "name", password: "password" });

/** memcached that wants its clients to sign in. */
export const memcachedWithUsers: Service = service({
  program,
  prepare: ({ folder }) => {
    writeFileSync(`${folder}/users`, `${credentials.user}:${credentials.password}\n`);
  },
  arguments: (place) => [...asMyself(place), "-Y", `${place.folder}/users`],
});

const openssl: Program = program.missing ? program : findProgram(["openssl"]);

/** memcached over TLS, for `localhost`, with a certificate of its own, see {@linkcode authorityOf}. */
export const memcachedWithTls: Service = service({
  program: openssl.missing ? openssl : program,
  prepare: ({ folder }) => {
    const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const files = ["-keyout", `${folder}/key.pem`, "-out", authorityOf(folder)];
    runAs(undefined, [openssl.path, ...request, "-nodes", "-days", "2", ...name, ...files]);
  },
  arguments: (place) => [
    ...[...asMyself(place), "-Z", "-o", `ssl_chain_cert=${authorityOf(place.folder)}`],
    ...["-o", `ssl_key=${place.folder}/key.pem`],
  ],
});

/** The certificate of a memcached over TLS, which signs itself. */
export function authorityOf(folder: string): string {
  return `${folder}/certificate.pem`;
}

function asNobody({ port }: Place): string[] {
  return ["-p", String(port), "-l", "127.0.0.1", "-U", "0", "-u", "nobody"];
}

function asMyself({ port }: Place): string[] {
  return ["-p", String(port), "-l", "127.0.0.1", "-U", "0", "-u", userInfo().username];
}
