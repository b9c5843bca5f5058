-- wrk's script: every request another beacon; every answer looked at.
-- Arguments: path, write key, file of cookie values (one a line; may be empty), events per request,
-- where the totals go, and what a good answer contains ("" takes any).
-- Strings are cut and joined, not formatted: this runs beside the server that is measured.

local path, key, batch, totals, wanted
local cookies, count, sent = {}, 0, 0
local run_id
good, bad, example, totals_path, clock = 0, 0, "", "", ""  -- read by done() through thread:get

local threads = {}
function setup(thread)
  table.insert(threads, thread)
end

local function event(number)
  local item = number * 7919 % 5000
  return '{"type":"track","event":"Product Viewed","messageId":"' .. run_id .. '-' .. number ..
    '","timestamp":"' .. clock .. '","properties":{"product_id":"item-' .. item ..
    '","name":"Trail running shoe ' .. item .. '","price":89.9,"currency":"EUR","category":"Shoes/Trail"}}'
end

local stamped = 0
local function stamp()
  if sent - stamped > 500 or sent == 0 then
    stamped = sent
    clock = os.date("!%Y-%m-%dT%H:%M:%S.") .. string.format("%03dZ", sent % 1000)
  end
end

function init(args)
  path, key, batch, totals, wanted = args[1], args[2], tonumber(args[4]), args[5], args[6]
  totals_path = totals
  for line in io.lines(args[3]) do cookies[#cookies + 1] = line end
  run_id = string.format("%x-%d", os.time(), math.random(1e9))
  local file = io.open("/dev/urandom", "rb")
  if file then
    run_id = ""
    for byte in file:read(8):gmatch(".") do run_id = run_id .. string.format("%02x", byte:byte()) end
    file:close()
  end
end

function request()
  stamp()
  sent = sent + 1
  local events = {}
  for index = 1, batch do events[index] = event(sent * batch + index) end
  local body = '{"writeKey":"' .. key .. '","sentAt":"' .. clock ..
    '","context":{"page":{"url":"http://127.0.0.1/shoes/trail"},"locale":"de-DE"},"batch":[' ..
    table.concat(events, ",") .. "]}"
  local cookie = ""
  if #cookies > 0 then cookie = "Cookie: habitue=" .. cookies[sent * 7 % #cookies + 1] .. "\r\n" end
  return "POST " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\nContent-Length: " .. #body ..
    '\r\nsec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24"\r\nContent-Type: text/plain;charset=UTF-8\r\n' ..
    "sec-ch-ua-mobile: ?0\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " ..
    "Chrome/131.0.0.0 Safari/537.36\r\nsec-ch-ua-platform: \"Linux\"\r\nAccept: */*\r\nOrigin: http://127.0.0.1\r\n" ..
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n" ..
    "Referer: http://127.0.0.1/shoes/trail\r\nAccept-Encoding: gzip, deflate, br\r\n" ..
    "Accept-Language: de-DE,de;q=0.9\r\n" .. cookie .. "\r\n" .. body
end

function response(status, headers, body)
  if wanted == "" then
    if status < 300 then good = good + 1 else bad = bad + 1 end
    return
  end
  local found, at = 0, 1
  if status == 200 then
    repeat
      at = string.find(body, wanted, at, true)
      if at then found, at = found + 1, at + 1 end
    until not at
  end
  if found == batch then good = good + 1
  else
    bad = bad + 1
    example = status .. " " .. string.sub(body, 1, 300)
  end
end

function done(summary, latency, requests)
  local sum_good, sum_bad, shown = 0, 0, ""
  for _, thread in ipairs(threads) do
    sum_good = sum_good + thread:get("good")
    sum_bad = sum_bad + thread:get("bad")
    if thread:get("example") ~= "" then shown = thread:get("example") end
  end
  local file = io.open(threads[1]:get("totals_path"), "w")
  file:write(summary.duration, "\n", summary.requests, "\n", sum_good, "\n", sum_bad, "\n",
    latency:percentile(50), "\n", latency:percentile(99), "\n",
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, "\n", shown, "\n")
  file:close()
end
