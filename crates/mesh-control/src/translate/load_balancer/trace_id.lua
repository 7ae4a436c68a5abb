-- Adds X-Amzn-Trace-Id to requests: Root, or beside the Root of a caller Self.
function envoy_on_request(handle)
  local headers = handle:headers()
  local random = headers:get("x-request-id"):gsub("-", ""):sub(1, 24)
  local id = string.format("1-%08x-%s", os.time(), random)
  local given = headers:get("x-amzn-trace-id")
  local value = "Root=" .. id
  if given ~= nil then
    local kept = {}
    for field in given:gmatch("[^;%s]+") do
      if field:sub(1, 5) == "Root=" then
        value = "Self=" .. id
      end
      if field:sub(1, 5) ~= "Self=" then
        table.insert(kept, field)
      end
    end
    table.insert(kept, 1, value)
    value = table.concat(kept, ";")
  end
  headers:replace("x-amzn-trace-id", value)
end
