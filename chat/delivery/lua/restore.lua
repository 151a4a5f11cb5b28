-- Put back what Redis has lost of a stream, with the ids that readers hold as cursors.
--
-- KEYS  stream, control
-- ARGV  attempt, life in seconds, the guest's input or '', then for each entry of the stream, in
--       order: id, type, body, token ids
-- Returns 1, or 0 when a later attempt holds the stream, it has ended, or it holds other entries.
local held = redis.call('HMGET', KEYS[2], 'attempt', 'input')
if held[1] and held[1] ~= ARGV[1] then
  local other = tonumber(held[1])
  if not other or other > tonumber(ARGV[1]) then return 0 end
end
local count = (#ARGV - 3) / 4
local kept = redis.call('XLEN', KEYS[1])
if kept > count then return 0 end
if kept > 0 then
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]
  if last ~= ARGV[4 * kept] then return 0 end
end
for i = kept, count - 1 do
  local a = 3 + 4 * i
  local fields = {'t', ARGV[a + 2], 'd', ARGV[a + 3]}
  if ARGV[a + 4] ~= '' then
    fields[5], fields[6] = 'i', ARGV[a + 4]
  end
  redis.call('XADD', KEYS[1], ARGV[a + 1], unpack(fields))
end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
redis.call('HSET', KEYS[2], 'attempt', ARGV[1], 'run', run, 'count', count)
if count > 0 then
  redis.call('HSET', KEYS[2], 'last', ARGV[4 * count])
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
if ARGV[3] ~= '' and not held[2] then redis.call('HSET', KEYS[2], 'input', ARGV[3]) end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
