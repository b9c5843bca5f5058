/** What reads a page: its dataLayer, markup of products, cart forms, consent tools. */
// In this order the files pack best.
import { lookSoon } from './markup'
import { core, doors, load } from './lent'
import { drain } from './layer'
import './carts'
import { settle } from './told'
import { readChoices } from './choices'

core._hooks.unshift((leaving) => {
  drain()
  // After the layer: a tool that is asked has the last word over a default found there.
  readChoices()
  lookSoon(leaving)
  if (leaving) settle()
})

/** The debug file puts its own door here. */
doors.doctor = () => load('debug', DEBUG, () => {})
if (location.hash.includes('habitue_debug=')) doors.doctor()
