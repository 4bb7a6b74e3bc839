-- Health of Strata's kinds in Argo CD. docs/gitops/argocd.md says where it goes and what the answers mean.
-- It needs no library beyond those that Argo CD opens by default.

local function conditionOf(kind)
  for _, condition in ipairs((obj.status or {}).conditions or {}) do
    if condition.type == kind then
      return condition
    end
  end
  return nil
end

local function isTrue(condition)
  return condition ~= nil and condition.status == "True"
end

local function health(status, message)
  return { status = status, message = message }
end

-- The profile is suspended, or every layer of it is; one suspended layer leaves Ready as it was.
local function isSuspendedWhole()
  if (obj.spec or {}).suspend == true then
    return true
  end
  local layers = (obj.status or {}).layers or {}
  for _, layer in ipairs(layers) do
    if layer.state ~= "Suspended" then
      return false
    end
  end
  return #layers > 0
end

-- What time may cure is Progressing: a Degraded object fails a sync at once.
local lasting = { Timeout = true, Unhealthy = true, Unreachable = true }

local function isLasting(ready)
  if obj.kind == "Registry" then
    return true
  end
  if obj.kind == "TargetCluster" then
    -- One that never answered may be on its way up; one that did and does no more is down.
    return obj.status.uid ~= nil
  end
  return lasting[ready.reason] == true or isTrue(conditionOf("Stalled"))
end

local ready = conditionOf("Ready")
local suspended = conditionOf("Suspended")

if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "waiting for Strata to see it")
end
if isTrue(suspended) and isSuspendedWhole() then
  return health("Suspended", suspended.message)
end
if ready.status == "True" then
  if isTrue(suspended) then
    return health("Healthy", ready.message .. "; " .. suspended.message)
  end
  return health("Healthy", ready.message)
end
if ready.status == "False" and isLasting(ready) then
  return health("Degraded", ready.message)
end
return health("Progressing", ready.message)
