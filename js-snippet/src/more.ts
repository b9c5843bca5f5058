/** What reads a page: its dataLayer, markup of products, cart forms, consent tools. */
// In this order the files pack best.
import { drain } from './layer'
import { lookSoon } from './markup'
import { readChoices } from './choices'
import { core } from './lent'
import './carts'
import { settle } from './told'

core._hooks.unshift((leaving) => {
  drain()
  // After the layer: a tool that is asked has the last word over a default found there.
  readChoices()
  lookSoon(leaving)
  if (leaving) settle()
})
