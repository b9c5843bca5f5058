/** What reads a page: its dataLayer, markup of products, cart forms. */
import { drain } from './layer'
import { settle } from './told'
import './carts'
import { lookSoon } from './markup'
import { core } from './lent'

core._hooks.unshift((leaving) => {
  drain()
  lookSoon(leaving)
  if (leaving) settle()
})
