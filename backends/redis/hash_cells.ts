/** Cells that are fields of hashes, or strings beside them. */

/**
 * The Lua that reaches them, by two arguments: `kind` and `field`. The kind is `string`, or for hashes
 * which writes give the hash a time to live, `none`, `new` or `always`.
 */
export const hashCells = `
local kind, field = ARGV[#ARGV - 1], ARGV[#ARGV]
local isString = kind == 'string'
local function fetch()
  if isString then return call('GET', key) end
  return call('HGET', key, field)
end
local function drop()
  if isString then call('DEL', key) else call('HDEL', key, field) end
end
local function writeField(record, ttl)
  local isNew = call('EXISTS', key) == 0
  call('HSET', key, field, record)
  if kind == 'none' or (kind == 'new' and not isNew) then return end
  local left = call('PTTL', key)
  if ttl == '' then call('PERSIST', key)
  elseif isNew or (left >= 0 and left < tonumber(ttl)) then call('PEXPIRE', key, ttl) end
end
local function write(record, ttl)
  if not isString then writeField(record, ttl)
  elseif ttl == '' then call('SET', key, record)
  else call('SET', key, record, 'PX', ttl) end
end`;
