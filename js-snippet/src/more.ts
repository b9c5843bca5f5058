/**
 * What the core fetches where a page has slots to fill, or something to read: a dataLayer, markup of products, cart
 * forms, a consent tool.
 */
import { readChoices } from './choices'
import { drain } from './layer'
import { settle } from './carts'
import { lookSoon } from './markup'
import { core, load, open } from './lent'
import { scan } from './slots'

core._hooks.push((leaving) => {
  drain()
  lookSoon(leaving)
  settle(leaving)
  if (!leaving) scan()
})

core._start = () => {
  drain()
  readChoices()
  scan()
  lookSoon()
}

open.doctor = () => {
  if (core.doctor) core.doctor()
  else load('debug', DIGEST, () => core.doctor?.())
}
if (location.hash.includes('habitue_debug=')) load('debug', DIGEST, () => {})
