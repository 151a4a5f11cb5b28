-- Forget what was written of a reply: another text is told in its place.
--
-- Readers keep their cursors: the stream stays, empty, and with it the id that all which follow are
-- above, whatever the clock of who writes them says. Who comes later sees no word of it. A worker
-- that takes over from here finds an empty stream and begins the text anew.
--
-- KEYS  stream, control
-- ARGV  attempt
-- Returns 1, or 0 when this attempt does not hold the stream.
if redis.call('HGET', KEYS[2], 'attempt') ~= ARGV[1] then return 0 end
redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
redis.call('HSET', KEYS[2], 'count', 0)
return 1
