/**
 * What the core fetches where a page has slots to fill, or something to read: a dataLayer, markup of products, cart
 * forms, a consent tool.
 */
import { readChoices } from './choices'
import { drain } from './layer'
import { settle } from './told'
import './carts'
import { lookSoon } from './markup'
import { core, doors, load } from './lent'
import { scan } from './slots'

core._hook = (leaving) => {
  drain()
  lookSoon(leaving)
  if (leaving) settle()
  if (!leaving) scan()
}

core._start = () => {
  drain()
  readChoices()
  scan()
  lookSoon()
}

doors.doctor = () => (core.doctor ? core.doctor() : load('debug', DIGEST, () => core.doctor?.()))
