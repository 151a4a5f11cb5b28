-- Make one attempt the only one that may append from now on, and tell what stands in the stream.
--
-- Redis may have been killed since the stream was begun: it then has all of it or only its
-- beginning, and readers know more. `run` remembers which life of the server the stream is from.
--
-- KEYS  stream, control
-- ARGV  attempt (0 ends whatever was), life in seconds
-- Returns nil when a later attempt holds it or it has ended; else the guest's input, whether the
-- stream is surely whole, its entries, and the id that new ones must be above: of a stream whose
-- words were dropped, too ('' for none).
local held = redis.call('HMGET', KEYS[2], 'attempt', 'input', 'run', 'last')
if held[1] and ARGV[1] ~= '0' then
  local other = tonumber(held[1])
  if not other or other > tonumber(ARGV[1]) then return false end
end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
local is_whole = #entries == 0 or held[3] == run
redis.call('HSET', KEYS[2], 'attempt', ARGV[1], 'run', run, 'count', #entries)
local last = held[4] or ''
if #entries > 0 then
  last = entries[#entries][1]
  redis.call('HSET', KEYS[2], 'last', last)
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return {held[2] or '', is_whole and 1 or 0, entries, last}
