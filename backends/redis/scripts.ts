/**
 * The scripts by which Redis decides in one step.
 *
 * A cell is where a value lies: a string at a key, or a field of a hash. Scripts on cells have their
 * key first and begin with the arguments `kind`, `field` and `now`: `kind` is `string`, or for hashes
 * which writes give the hash a time to live, `none`, `new` or `always`. Where `now` is empty, records
 * have no deadline of their own and live as long as Redis keeps them. Times to live are milliseconds;
 * an empty one is for ever, and one that is not positive removes the value.
 *
 * Scripts replicate by their effects, so they may ask for the time (Redis 5 and later).
 */

/** A script. */
export interface RedisScript {
  /** Its source in Lua 5.1. */
  readonly source: string;
}

const cells = `
local key, kind, field, now = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local function load()
  local record
  if kind == 'string' then record = redis.call('GET', key)
  else record = redis.call('HGET', key, field) end
  if not record or not now then return record end
  if #record < 9 or string.byte(record) ~= 1 then return false end
  return struct.unpack('<d', record, 2) > now and record
end
local function drop()
  if kind == 'string' then redis.call('DEL', key) else redis.call('HDEL', key, field) end
end
local function storeField(record, ttl)
  local isNew = redis.call('EXISTS', key) == 0
  redis.call('HSET', key, field, record)
  if kind == 'none' or (kind == 'new' and not isNew) then return end
  local left = redis.call('PTTL', key)
  if ttl == '' then redis.call('PERSIST', key)
  elseif isNew or (left >= 0 and left < tonumber(ttl)) then redis.call('PEXPIRE', key, ttl) end
end
local function store(record, ttl)
  if ttl ~= '' and tonumber(ttl) <= 0 then drop()
  elseif kind ~= 'string' then storeField(record, ttl)
  elseif ttl == '' then redis.call('SET', key, record)
  else redis.call('SET', key, record, 'PX', ttl) end
end`;

/** Arguments: record, ttl. */
export const storeScript: RedisScript = onCell("store(ARGV[4], ARGV[5])\nreturn 1");

/** Keys: cell, lock. */
export const removeScript: RedisScript = onCell("drop()\nreturn redis.call('DEL', KEYS[2])");

/** Arguments: record, ttl. Answers whether the cell was empty. */
export const addScript: RedisScript = onCell(`
if load() then return 0 end
store(ARGV[4], ARGV[5])
return 1`);

/** Arguments: record, ttl. Answers whether the cell was full. */
export const replaceScript: RedisScript = onCell(`
if not load() then return 0 end
store(ARGV[4], ARGV[5])
return 1`);

/** Arguments: the head of the record with the new deadline, ttl. Answers whether the cell was full. */
export const touchScript: RedisScript = onCell(`
local record = load()
if not record then return 0 end
store(now and ARGV[4] .. string.sub(record, #ARGV[4] + 1) or record, ARGV[5])
return 1`);

/** Arguments: the value expected. Answers whether it was there. */
export const deleteIfScript: RedisScript = onCell(`
local record = load()
if not record or (now and string.sub(record, 10) or record) ~= ARGV[4] then return 0 end
drop()
return 1`);

/**
 * Keys: cell, lock, fences. Arguments: token, lease. Answers the fence, or 0 where the lock is held,
 * and the record in the cell behind a `=`, or an empty text: not everybody passes on nothing in a list.
 *
 * A fence is the server's time in microseconds, or one more than the last where that is not greater:
 * so it grows also where the clock steps back, and where the last fence was lost.
 */
export const acquireScript: RedisScript = onCell(`
local record
if kind == 'string' then record = redis.call('GET', key)
else record = redis.call('HGET', key, field) end
record = record and '=' .. record or ''
if not redis.call('SET', KEYS[2], ARGV[4], 'NX', 'PX', ARGV[5]) then return {'0', record} end
local time = redis.call('TIME')
local fence = time[1] * 1000000 + time[2]
local last = tonumber(redis.call('GET', KEYS[3]) or 0)
if fence <= last then fence = last + 1 end
fence = string.format('%.0f', fence)
redis.call('SET', KEYS[3], fence)
return {fence, record}`);

/** Keys: cell, lock. Arguments: token, record, ttl. Answers whether the lock was held by the token. */
export const commitScript: RedisScript = onCell(`
if redis.call('GET', KEYS[2]) ~= ARGV[4] then return 0 end
redis.call('DEL', KEYS[2])
store(ARGV[5], ARGV[6])
return 1`);

/** Keys: lock. Arguments: token, lease. Answers whether the lock was held by the token. */
export const renewScript: RedisScript = Object.freeze({
  source: `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
});

/** Keys: lock. Arguments: token. */
export const releaseScript: RedisScript = Object.freeze({
  source: `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`,
});

/**
 * Keys: counter, a hash of its own. Arguments: now, delta, deadline, ttl. Answers the count, or
 * nothing where it would leave the integers that doubles hold exactly.
 */
export const incrementScript: RedisScript = Object.freeze({
  source: `
local held = redis.call('HMGET', KEYS[1], 'count', 'expiresAt')
local isHeld = held[1] and tonumber(held[2]) > tonumber(ARGV[1])
local count = (isHeld and tonumber(held[1]) or 0) + tonumber(ARGV[2])
if math.abs(count) > 9007199254740991 then return false end
count = string.format('%.0f', count)
if isHeld then
  redis.call('HSET', KEYS[1], 'count', count)
  return count
end
redis.call('HSET', KEYS[1], 'count', count, 'expiresAt', ARGV[3])
if ARGV[4] == '' then redis.call('PERSIST', KEYS[1])
else redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return count`,
});

/**
 * Turns arguments that are text, one character for each byte, into bytes: characters from 128 on
 * take two bytes in UTF-8, the first of which is 194 or 195.
 */
export const decodeArguments: string = `
local bytes = {}
for byte = 128, 255 do
  bytes[string.char(byte < 192 and 194 or 195, byte < 192 and byte or byte - 64)] = string.char(byte)
end
for index = 1, #ARGV do
  ARGV[index] = string.gsub(ARGV[index], '[\\194\\195][\\128-\\191]', bytes)
end`;

function onCell(source: string): RedisScript {
  return Object.freeze({ source: `${cells.trim()}\n${source.trim()}` });
}
