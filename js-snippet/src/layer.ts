/** Reads the dataLayer that tag managers and gtag use. Nothing found there is ever called. */
import { doors, host, safe, setting, wrap } from './lent'
import type { Any } from './lent'
import { consentMode } from './mode'
import { kindOf, tell } from './told'

const SOURCE = 'datalayer'
let user: string

/** `given`: where the user's id may stand. */
const heard = (name: string, data: Any, given: Any): void => {
  const id = '' + (given.user_id || given.userId || '')
  if (id !== user && !/^(null|undefined|none|guest|anonymous|[([].*|)$|@|%40/i.test(id)) {
    doors.identify((user = id), {}, { source: SOURCE })
  }
  if (Object.keys(data.items || {})[0] || data.transaction_id || data === given.ecommerce || /^(login|sign_up|search|view_search_results)$/.test(name)) {
    tell(name || 'ecommerce', data, SOURCE)
  }
}

const take = (entry: Any): void => {
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
  const now = host[setting('layer') || 'dataLayer']
  if (layer !== now && Array.isArray(now)) {
    layer = now
    wrap(now, 'push', () => drain())
  }
  if (!layer) return
  // Tag managers keep only the newest entries.
  if (layer[done - 1] !== last) done = layer.lastIndexOf(last) + 1
  while (done < layer.length) safe(take)((last = layer[done++]))
})
