-- Append one entry to each of any number of generations, and poke their readers.
--
-- One round trip decides, writes and tells: a worker that has lost its claim (the control hash
-- names a later attempt) adds no word, nothing follows an end entry, and a call that is sent again
-- after a time-out (Redis may have taken the first one) adds nothing twice. An entry that says
-- which one of its stream it is (from 0; -1 says nothing) is not taken where earlier ones are
-- missing. A stream lives from its start and from its end on; none takes an hour between.
--
-- KEYS  stream, control, ...
-- ARGV  life in seconds, channel of pokes, length of the keys' prefix + 1,
--       then for each: attempt, id or *, type, body, number, token ids
-- Returns for each 0 (refused), 1 (taken), 2 (taken and asked to stop) or 3 (something is lost).
local answers, lines = {}, {}

local function claim_answer(held, attempt)
  if held == attempt then return nil end
  local other = tonumber(held or '-1')
  if other and other < tonumber(attempt) then return 3 end
  return 0
end

local function append(stream, control, attempt, id, kind, body, number, ids)
  local held = redis.call('HMGET', control, 'attempt', 'count', 'last', 'cancelled')
  if held[1] ~= attempt then return claim_answer(held[1], attempt) end
  local taken = held[4] and 2 or 1
  local count = tonumber(held[2] or '0')
  number = tonumber(number)
  if number > count then return 3 end
  if number >= 0 and number < count then return taken end
  if ids == '' then
    id = redis.call('XADD', stream, id, 't', kind, 'd', body)
  else
    id = redis.call('XADD', stream, id, 't', kind, 'd', body, 'i', ids)
  end
  redis.call('HSET', control, 'count', count + 1, 'last', id)
  if kind == 'done' or kind == 'error' then
    redis.call('HSET', control, 'attempt', 'ended')
    redis.call('HDEL', control, 'input')
  end
  if kind ~= 'token' or not held[3] then
    redis.call('EXPIRE', stream, ARGV[1])
    redis.call('EXPIRE', control, ARGV[1])
  end
  local name = string.sub(stream, tonumber(ARGV[3]))
  lines[#lines + 1] = table.concat({name, held[3] or '0-0', id, kind, body}, ' ')
  return taken
end

for i = 0, #KEYS / 2 - 1 do
  local a = 3 + 6 * i
  local ok, answer = pcall(append, KEYS[2 * i + 1], KEYS[2 * i + 2], ARGV[a + 1], ARGV[a + 2],
    ARGV[a + 3], ARGV[a + 4], ARGV[a + 5], ARGV[a + 6])
  if not ok then
    local err = type(answer) == 'table' and answer.err or answer
    redis.log(redis.LOG_WARNING, err)
    for _, passing in ipairs({'READONLY', 'MISCONF', 'OOM'}) do
      if string.sub(err, 1, #passing) == passing then return redis.error_reply(err) end
    end
  end
  answers[#answers + 1] = ok and answer or 0
end
if #lines > 0 then redis.call('PUBLISH', ARGV[2], table.concat(lines, '\n')) end
return answers
