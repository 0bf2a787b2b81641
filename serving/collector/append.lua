-- Appends the events of one request to the stream, unless the user has sent too many; all of it or nothing.
-- KEYS: stream, ids taken in this window, in the one before, events of this minute, posts of this day.
-- ARGV: field of a line; seconds that ids, events and posts are kept; most events a minute, most posts a day, id of the
-- post that is made or ''; then id and line of each event.
-- Returns {'appended', number of new events}, or {'events' or 'posts', 0} if there are too many of them.
local field, ids_s, events_s, posts_s = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local most_events, most_posts, post = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local new = {}
for at = 8, #ARGV, 2 do
  if redis.call('SISMEMBER', KEYS[2], ARGV[at]) == 0 and redis.call('SISMEMBER', KEYS[3], ARGV[at]) == 0 then
    new[#new + 1] = at
  end
end
if #new == 0 then
  return {'appended', 0}
end
if tonumber(redis.call('GET', KEYS[4]) or '0') + #new > most_events then
  return {'events', 0}
end
if post ~= '' and redis.call('SISMEMBER', KEYS[5], post) == 0 and redis.call('SCARD', KEYS[5]) >= most_posts then
  return {'posts', 0}
end
for _, at in ipairs(new) do
  redis.call('XADD', KEYS[1], '*', field, ARGV[at + 1])
  redis.call('SADD', KEYS[2], ARGV[at])
end
redis.call('EXPIRE', KEYS[2], ids_s)
redis.call('INCRBY', KEYS[4], #new)
redis.call('EXPIRE', KEYS[4], events_s)
if post ~= '' then
  redis.call('SADD', KEYS[5], post)
  redis.call('EXPIRE', KEYS[5], posts_s)
end
return {'appended', #new}
