/** Reads the dataLayer that tag managers and gtag use. Nothing found there is ever called. */
import { consentMode } from './choices'
import { doors, host, safe, setting } from './lent'
import type { Any } from './lent'
import { ignore, isView, kindOf, tell, viewed } from './told'

let user: string

/** Universal Analytics named the action by where its products stand; the last that is there counts. */
const ACTIONS: Record<string, string> = {
  impressions: 'view_item_list',
  click: 'select_item',
  detail: 'view_item',
  add: 'add_to_cart',
  remove: 'remove_from_cart',
  checkout: 'begin_checkout',
  purchase: 'purchase',
  refund: 'refund'
}

/** `given`: where the user's id may stand. */
function heard(name: string, data: Any, given: Any): void {
  const id = given.user_id || given.userId
  if (id && id !== Object(id) && user !== '' + id && !/^(null|undefined|none|guest|anonymous|\(.*)$|@/i.test(id)) {
    doors.identify((user = '' + id), {}, { source: 'datalayer' })
  }
  let known = data.items || data.transaction_id || /^(login|sign_up|search|view_search_results)$/.test(name)
  for (const action in ACTIONS) if (data[action]) known = name = ACTIONS[action]!
  if (known && typeof name === 'string') {
    if (isView(name) && viewed('markup')) ignore(name)
    else tell(name, data, 'datalayer')
  }
}

function take(entry: Any): void {
  const kind = kindOf(entry)
  if (kind === 'Arguments') {
    const [command, name, given = name] = entry
    if (command === 'consent') consentMode(name, given)
    else heard(name, command === 'event' ? given : {}, given)
  } else if (kind === 'Object') heard(entry.event, entry.ecommerce || entry, entry)
}

let layer: Any
let last: unknown
let done = 0

/** Takes what was pushed since the last time, by whatever way it came. */
export const drain = safe(() => {
  const now = host[setting('datalayer') || 'dataLayer']
  if (layer !== now && Array.isArray(now)) {
    layer = now
    const { push } = now
    now.push = function () {
      const returned = push.apply(this, arguments as Any)
      drain()
      return returned
    }
  }
  if (!layer) return
  // Tag managers keep only the newest entries.
  if (layer[done - 1] !== last) done = layer.lastIndexOf(last) + 1
  while (done < layer.length) safe(take)((last = layer[done++]))
})
