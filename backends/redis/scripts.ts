/**
 * The scripts by which Redis decides in one step.
 *
 * A cell is where a value lies: a string at a key, or a field of a hash. Scripts on cells have their
 * key first and begin with the argument `now`: where that is empty, records have no deadline of their
 * own and live as long as Redis keeps them. What else it takes to reach the cell follows all other
 * arguments. They are written here as what follows the functions that reach cells. Times to live are milliseconds; an empty one is for ever, and one that is not positive
 * removes the value.
 *
 * Scripts replicate by their effects, so they may ask for the time (Redis 5 and later).
 */

/** A script. */
export interface RedisScript {
  /** Its source in Lua 5.1. */
  readonly source: string;
}

/** The Lua for cells that are strings; every other kind has the same functions. */
export const stringCells = `
local function fetch() return call('GET', key) end
local function drop() call('DEL', key) end
local function write(record, ttl)
  if ttl == '' then call('SET', key, record) else call('SET', key, record, 'PX', ttl) end
end`;

/** A script on cells that some Lua reaches, as {@linkcode stringCells} does. */
export function scriptOn(cells: string, body: string): RedisScript {
  return { source: begin + cells + common + body };
}

const begin = `
local call, key, now = redis.call, KEYS[1], tonumber(ARGV[1])`;

const common = `
local function load()
  local record = fetch()
  if not record or not now then return record end
  if #record < 9 or record:byte() ~= 1 then return false end
  return struct.unpack('<d', record, 2) > now and record
end
local function store(record, ttl)
  if ttl ~= '' and tonumber(ttl) <= 0 then drop() else write(record, ttl) end
end`;

/**
 * Arguments: record, ttl, and whether the cell must be full, `1`, or empty, `0`, or either, nothing.
 * Answers whether it was so.
 */
export const put = `
if ARGV[4] ~= '' and ARGV[4] ~= (load() and '1' or '0') then return 0 end
store(ARGV[2], ARGV[3])
return 1`;

/** Keys: cell, lock. */
export const remove = `
drop()
return call('DEL', KEYS[2])`;

/** Arguments: the head of the record with the new deadline, ttl. Answers whether the cell was full. */
export const touch = `
local record = load()
if not record then return 0 end
store(now and ARGV[2] .. record:sub(#ARGV[2] + 1) or record, ARGV[3])
return 1`;

/** Arguments: the value expected. Answers whether it was there. */
export const deleteIf = `
local record = load()
if not record or (now and record:sub(10) or record) ~= ARGV[2] then return 0 end
drop()
return 1`;

/**
 * Keys: cell, lock, fences. Arguments: token, lease. Answers the fence, or 0 where the lock is held,
 * and the record in the cell behind a `=`, or an empty text: not everybody passes on nothing in a list.
 *
 * A fence is the server's time in microseconds, or one more than the last where that is not greater:
 * so it grows also where the clock steps back, and where the last fence was lost.
 */
export const acquire = `
local record = fetch()
record = record and '=' .. record or ''
if not call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {'0', record} end
local time = call('TIME')
local last = tonumber(call('GET', KEYS[3]) or 0)
local fence = string.format('%.0f', math.max(time[1] * 1000000 + time[2], last + 1))
call('SET', KEYS[3], fence)
return {fence, record}`;

/** Keys: cell, lock. Arguments: token, record, ttl. Answers whether the lock was held by the token. */
export const commit = `
if call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
call('DEL', KEYS[2])
store(ARGV[3], ARGV[4])
return 1`;

/**
 * Keys: counter, a string whose record holds digits. Arguments: now, delta, the head of its record,
 * ttl. Answers the count, or nothing where it would leave the integers that doubles hold exactly.
 */
export const increment = `
local held = load()
local count = (held and tonumber(held:sub(10)) or 0) + tonumber(ARGV[2])
if math.abs(count) > 9007199254740991 then return false end
count = string.format('%.0f', count)
if not held then
  store(ARGV[3] .. count, ARGV[4])
  return count
end
local left = call('PTTL', key)
write(held:sub(1, 9) .. count, left < 0 and '' or left)
return count`;

/**
 * No script on a cell. Keys: lock. Arguments: token, and the lease to renew it with, or nothing to
 * release it. Answers whether it was held by the token.
 */
export const lockScript: RedisScript = {
  source: `
local call, lock = redis.call, KEYS[1]
if call('GET', lock) ~= ARGV[1] then return 0 end
return ARGV[2] and call('PEXPIRE', lock, ARGV[2]) or call('DEL', lock)`,
};
