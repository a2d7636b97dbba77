/**
 * A client for memcached 1.6 and later: few connections that many callers share, to one server, over
 * TCP, TLS or a unix socket. What `memcachedBackend` and its locks are given; of use without them, too.
 */

export {
  type ConnectMemcached,
  type MemcachedAddress,
  memcachedAddress,
} from "./memcached/address.ts";
export type { MemcachedSocket, Replies } from "./memcached/connection.ts";
export type { MetaCommand, MetaReply } from "./memcached/protocol.ts";
export {
  type MemcachedCredentials,
  type MemcachedServer,
  memcachedServer,
  type MemcachedServerOptions,
} from "./memcached/server.ts";
export { nodeSocket, type NodeSocketOptions } from "./memcached/node_socket.ts";
