/**
 * The scripts of the index in Redis: each change is one step, so that rows, summaries and serials
 * always agree.
 *
 * A script begins with the arguments `root` and `own`, what PyPICloud's keys and cairn's begin with.
 * PyPICloud's: `package:FILE` a hash, `set` of projects, `set:NAME` of files, `summary:NAME` a hash.
 * cairn's: `index`, a hash of serial, schema_version and cursor; `serials`, a hash by project;
 * `claims`, a set; `files`, all complete ones, sorted; `versions:NAME`, their version keys and names,
 * sorted; `times:NAME`, their times. Sorted sets order members of one score by their bytes, which
 * comparisons in Lua do not.
 *
 * PyPICloud may remove a row without a word to the sorted sets, so these are looked through from
 * their ends for one that is there.
 *
 * A row travels as filename, project, epoch milliseconds, version key, the count of what follows, and
 * its fields with their values. A row is complete when it has a size: PyPICloud writes none.
 */

import type { RedisScript } from "../redis/scripts.ts";

const prelude = `
local root, own = ARGV[1], ARGV[2]
local touched = {}
local function drop(file)
  local key = root .. 'package:' .. file
  local row = redis.call('HMGET', key, 'name', 'version_key')
  local name = row[1]
  if not name then return false end
  redis.call('DEL', key)
  redis.call('SREM', root .. 'set:' .. name, file)
  redis.call('ZREM', own .. 'files', file)
  redis.call('ZREM', own .. 'times:' .. name, file)
  if row[2] then
    redis.call('ZREM', own .. 'versions:' .. name, string.sub(row[2], 2, -2) .. ' ' .. file)
  end
  touched[name] = true
  return true
end
local function put(at)
  local file, name, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 4])
  drop(file)
  redis.call('HSET', root .. 'package:' .. file, unpack(ARGV, at + 5, at + 4 + count))
  redis.call('SADD', root .. 'set', name)
  redis.call('SADD', root .. 'set:' .. name, file)
  redis.call('ZADD', own .. 'files', 0, file)
  redis.call('ZADD', own .. 'times:' .. name, ARGV[at + 2], file)
  redis.call('ZADD', own .. 'versions:' .. name, 0, ARGV[at + 3] .. ' ' .. file)
  touched[name] = true
  return at + 5 + count
end
local function last(set, name)
  while true do
    local member = redis.call('ZRANGE', own .. set .. name, -1, -1)[1]
    if not member then return end
    local file = member
    if set == 'versions:' then
      file = string.sub(member, string.find(member, ' ', 1, true) + 1)
    end
    if redis.call('HGET', root .. 'package:' .. file, 'name') == name then return file end
    redis.call('ZREM', own .. set .. name, member)
  end
end
local function summarise(name)
  local highest, newest = last('versions:', name), last('times:', name)
  if not highest then return end
  local row = redis.call('HMGET', root .. 'package:' .. highest, 'version', 'summary')
  redis.call('HSET', root .. 'summary:' .. name, 'name', name, 'summary', row[2] or '',
    'last_modified', redis.call('HGET', root .. 'package:' .. newest, 'last_modified'),
    'version', row[1])
end
local function settle()
  if not next(touched) then return end
  local serial = redis.call('HINCRBY', own .. 'index', 'serial', 1)
  for name in pairs(touched) do
    redis.call('HSET', own .. 'serials', name, serial)
    if redis.call('EXISTS', root .. 'set:' .. name) == 0 then
      redis.call('SREM', root .. 'set', name)
      redis.call('DEL', root .. 'summary:' .. name)
    else
      summarise(name)
    end
  end
end
local function isAt(at)
  local held = redis.call('HGETALL', root .. 'package:' .. ARGV[at])
  local count = tonumber(ARGV[at + 4])
  if #held ~= count then return false end
  local fields = {}
  for index = 1, count, 2 do fields[held[index]] = held[index + 1] end
  for index = at + 5, at + 4 + count, 2 do
    if fields[ARGV[index]] ~= ARGV[index + 1] then return false end
  end
  return true
end
`;

/** Arguments: rows. */
export const saveRows: RedisScript = scriptOf(`
local at = 3
while at <= #ARGV do at = put(at) end
settle()
return 1`);

/** Arguments: a row. Answers the fields of the row that is there. */
export const addRow: RedisScript = scriptOf(`
local key = root .. 'package:' .. ARGV[3]
if redis.call('HEXISTS', key, 'size') == 0 then
  put(3)
  settle()
end
return redis.call('HGETALL', key)`);

/** Arguments: the row expected, and one to replace it or none. Answers whether it was there. */
export const replaceRow: RedisScript = scriptOf(`
if not isAt(3) then return 0 end
local following = 8 + tonumber(ARGV[7])
if ARGV[following] then put(following) else drop(ARGV[3]) end
settle()
return 1`);

/** Arguments: a filename. Answers whether there was a row. */
export const clearRow: RedisScript = scriptOf(`
if not drop(ARGV[3]) then return 0 end
settle()
return 1`);

/** Removes every row. */
export const clearRows: RedisScript = scriptOf(`
for _, name in ipairs(redis.call('SMEMBERS', root .. 'set')) do
  for _, file in ipairs(redis.call('SMEMBERS', root .. 'set:' .. name)) do drop(file) end
  touched[name] = true
end
settle()
return 1`);

/** Arguments: a project, and 1 or 0. */
export const claimProject: RedisScript = scriptOf(`
local claims = own .. 'claims'
if redis.call('SISMEMBER', claims, ARGV[3]) == tonumber(ARGV[4]) then return 0 end
redis.call(ARGV[4] == '1' and 'SADD' or 'SREM', claims, ARGV[3])
return redis.call('HINCRBY', own .. 'index', 'serial', 1)`);

/** Answers the names of projects that have complete rows or a claim. */
export const projectNames: RedisScript = scriptOf(`
local names = redis.call('SMEMBERS', own .. 'claims')
for _, name in ipairs(redis.call('SMEMBERS', root .. 'set')) do
  if redis.call('EXISTS', own .. 'versions:' .. name) == 1 and
    redis.call('SISMEMBER', own .. 'claims', name) == 0 then
    names[#names + 1] = name
  end
end
return names`);

/** Arguments: a project. Answers its serial, its claim, and the fields of its rows. */
export const projectRows: RedisScript = scriptOf(`
local rows = {}
for _, file in ipairs(redis.call('SMEMBERS', root .. 'set:' .. ARGV[3])) do
  rows[#rows + 1] = redis.call('HGETALL', root .. 'package:' .. file)
end
return {redis.call('HGET', own .. 'serials', ARGV[3]),
  redis.call('SISMEMBER', own .. 'claims', ARGV[3]), rows}`);

/**
 * Arguments: the filename to start after, empty for the first page, and how many. Answers the last
 * filename, if more may follow, and the fields of rows in the order of filenames.
 */
export const pageRows: RedisScript = scriptOf(`
local rows = {}
local start = ARGV[3] == '' and 0 or redis.call('ZLEXCOUNT', own .. 'files', '-', '[' .. ARGV[3])
local files = redis.call('ZRANGE', own .. 'files', start, start + ARGV[4] - 1)
for _, file in ipairs(files) do
  rows[#rows + 1] = redis.call('HGETALL', root .. 'package:' .. file)
end
return {#files == tonumber(ARGV[4]) and files[#files], rows}`);

/** Arguments: the cursor expected and the next one, empty for none. Answers whether it was there. */
export const moveMark: RedisScript = scriptOf(`
local index = own .. 'index'
if (redis.call('HGET', index, 'cursor') or '') ~= ARGV[3] then return 0 end
if ARGV[4] == '' then redis.call('HDEL', index, 'cursor')
else redis.call('HSET', index, 'cursor', ARGV[4]) end
return 1`);

/** Arguments: a version of the layout. Answers the one there is, which is that if there was none. */
export const layoutVersion: RedisScript = scriptOf(`
redis.call('HSETNX', own .. 'index', 'schema_version', ARGV[3])
return redis.call('HGET', own .. 'index', 'schema_version')`);

function scriptOf(body: string): RedisScript {
  return Object.freeze({ source: `${prelude.trim()}\n${body.trim()}` });
}
