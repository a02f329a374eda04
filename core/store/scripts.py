"""The Lua scripts that change jobs: each write happens whole or not at all, and counts once when it comes twice."""

from dualtrain.core.job import ENDED
from dualtrain.core.store import keys
from dualtrain.core.store.events import EMIT

ALLOW_OOM = "#!lua flags=allow-oom\n"
ANNOUNCE = f"""
local function announce(job, status) redis.call('PUBLISH', '{keys.CONTROL}', job .. ' ' .. status) end
"""
CHANGED = f"""
local function changed(job)
  if redis.call('EXISTS', '{keys.VERSION}') == 0 then
    local time = redis.call('TIME')
    redis.call('SET', '{keys.VERSION}', string.format('%.0f', time[1] * 1000000 + time[2]))
  end
  redis.call('ZADD', '{keys.CHANGES}', redis.call('INCR', '{keys.VERSION}'), job)
end
"""
MAX_DELIVERIES = 200
"""Deliveries of one job that are kept; above, records of evaluations go."""
_DELIVER = f"""
local function deliver(webhooks, deliveries, job, id, event, name, kind, data)
  local wanted = redis.call('HGET', job, 'webhook')
  if not wanted then return end
  local listed = string.find(wanted, '|' .. event .. '|', 1, true)
  if not listed and not (wanted == 'true' and event == 'ended') then return end
  local time = redis.call('TIME')
  local entry = {{type = 'job.' .. kind, data = data, created = time[1] + time[2] / 1000000, attempts = 0}}
  redis.call('HSET', deliveries, name, cjson.encode(entry))
  redis.call('ZADD', webhooks, 0, id .. '/' .. name)
  if event ~= 'evaluation' then return end
  local before = redis.call('HGET', job, 'webhook_evaluation')
  redis.call('HSET', job, 'webhook_evaluation', name)
  local untried = before and redis.call('ZSCORE', webhooks, id .. '/' .. before) == '0'
  if untried or (before and redis.call('HLEN', deliveries) > {MAX_DELIVERIES}) then
    redis.call('ZREM', webhooks, id .. '/' .. before)
    redis.call('HDEL', deliveries, before)
  end
end
"""
_ENDED = f"local ENDED = {{{', '.join(f'{status} = true' for status in sorted(ENDED))}}}"

# A job is accepted once, whatever is tried again, and only while the queue has room. One of a sweep is entered in the
# sweep's set of jobs by the same write, so that it is not created again after it was deleted; one of a request with an
# idempotency key only while the request's claim is the newest.
CREATE = (
    EMIT
    + ANNOUNCE
    + CHANGED
    + """
local job, all, queue, queued, transitions, stream, events, sequence, sweep = unpack(KEYS)
local id, rank, limit, record, claim, token = unpack(ARGV, 1, 6)
if redis.call('EXISTS', job) == 1 then return 1 end
if claim ~= '' then
  local claimed = redis.call('GET', claim)
  if not claimed or cjson.decode(claimed).token ~= token then return 2 end
end
if sweep and redis.call('SISMEMBER', sweep, id) == 1 then return 1 end
if redis.call('ZCARD', queue) >= tonumber(limit) then return 0 end
if sweep then redis.call('SADD', sweep, id) end
local number = redis.call('INCR', sequence)
redis.call('HSET', job, 'number', number, unpack(ARGV, 7))
redis.call('RPUSH', transitions, record)
redis.call('ZADD', all, number, id)
redis.call('ZADD', queued, number, id)
redis.call('ZADD', queue, rank + number, id)
changed(id)
emit(events, stream, id, 'status', record)
announce(id, 'queued')
return 1
"""
)

# A status changes only from one of its sources, and from an aggregator only under the newest token; a change that comes
# twice is known by its mark. Also in a store that is full: jobs must be paused there, or be cancelled and deleted.
TRANSITION = (
    ALLOW_OOM
    + EMIT
    + ANNOUNCE
    + CHANGED
    + _DELIVER
    + _ENDED
    + """
local job, queue, transitions, stream, events, token, webhooks, deliveries = unpack(KEYS)
local id, to, sources, fence, record, by_status, mark = unpack(ARGV, 1, 7)
local status = redis.call('HGET', job, 'status')
if not status then return 'unknown' end
if fence ~= '' and redis.call('GET', token) ~= fence then return 'stale' end
local from = string.sub(status, 2, -2)
if redis.call('HGET', job, 'mark') == mark then return '' end
if not string.find(sources, '|' .. from .. '|', 1, true) then return from end
local number = redis.call('HGET', job, 'number')
redis.call('HSET', job, 'mark', mark, 'status', '"' .. to .. '"', unpack(ARGV, 8))
redis.call('RPUSH', transitions, record)
redis.call('ZREM', by_status .. from, id)
redis.call('ZADD', by_status .. to, number, id)
if from == 'queued' then redis.call('ZREM', queue, id) end
local turn = redis.call('LLEN', transitions)
if ENDED[to] then deliver(webhooks, deliveries, job, id, 'ended', to .. '.' .. turn, to, '') end
if to == 'running' and from == 'queued' then
  deliver(webhooks, deliveries, job, id, 'started', 'started.' .. turn, 'started', '')
end
changed(id)
emit(events, stream, id, 'status', record)
announce(id, to)
return ''
"""
)

# An ended job goes with all that it left, but for what it used; what else is written of it comes under a token that is
# gone.
DELETE = (
    ALLOW_OOM
    + _ENDED
    + """
local job, all, changes, webhooks, usage, deliveries, checkpoints = unpack(KEYS, 1, 7)
local id, by_status, checkpoint = unpack(ARGV)
local status = redis.call('HGET', job, 'status')
if not status then return 'unknown' end
status = string.sub(status, 2, -2)
if not ENDED[status] then return status end
for _, step in ipairs(redis.call('HKEYS', checkpoints)) do redis.call('DEL', checkpoint .. step) end
redis.call('ZREM', all, id)
redis.call('ZREM', changes, id)
redis.call('ZREM', by_status .. status, id)
for _, name in ipairs(redis.call('HKEYS', deliveries)) do redis.call('ZREM', webhooks, id .. '/' .. name) end
local progress = cjson.decode(redis.call('HGET', job, 'progress') or '{}')
local owner = redis.call('HGET', job, 'owner') or 'null'
redis.call('HINCRBY', usage, owner .. '/jobs', 1)
for _, figure in ipairs({'passes', 'evaluations', 'worker_seconds'}) do
  redis.call('HINCRBYFLOAT', usage, owner .. '/' .. figure, string.format('%.17g', progress[figure] or 0))
end
redis.call('DEL', job, unpack(KEYS, 6))
return ''
"""
)

# Progress is written under the newest token; an event of an earlier step is left out. A commit that comes twice
# is known by its mark: who holds the newest token commits one after the other, so no other one comes between. Why a job
# that does not run any more has its status is not the aggregator's to say. Answers the status.
COMMIT = (
    EMIT
    + CHANGED
    + _DELIVER
    + """
local job, stream, events, token, history, webhooks, deliveries = unpack(KEYS)
local id, fence, mark, told = unpack(ARGV, 1, 4)
if redis.call('GET', token) ~= fence then return 'stale' end
local status = redis.call('HGET', job, 'status')
if not status then return 'unknown' end
if redis.call('HGET', job, 'committed') == mark then return status end
redis.call('HSET', job, 'committed', mark)
local runs = status == '"running"'
for _, event in ipairs(cjson.decode(told)) do
  local kind, step, data, point = unpack(event)
  local last = tonumber(redis.call('HGET', job, 'told:' .. kind) or -1)
  if (step < 0 or step > last) and (runs or kind ~= 'status') then
    if step >= 0 then redis.call('HSET', job, 'told:' .. kind, step) end
    if kind ~= '' then emit(events, stream, id, kind, data) end
    if kind == 'evaluation' then
      deliver(webhooks, deliveries, job, id, 'evaluation', 'evaluation.' .. step, 'evaluation', data)
    end
    if point ~= '' then redis.call('RPUSH', history, point) end
  end
end
for i = 5, #ARGV, 2 do
  if runs or ARGV[i] ~= 'status_reason' then redis.call('HSET', job, ARGV[i], ARGV[i + 1]) end
end
changed(id)
return status
"""
)
