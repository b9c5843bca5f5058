/** What reads a page (its dataLayer, markup of products, cart forms, consent tools), and fills its slots. */
// In this order the files pack best.
import { drain } from './layer'
import { lookSoon } from './markup'
import { readChoices } from './choices'
import { core } from './lent'
import './carts'
import { settle } from './told'
import { scan } from './slots'

// A consent tool that is asked comes after the layer: it has the last word over a default found there.
core._hooks = [drain, readChoices, lookSoon, (leaving) => (leaving ? settle() : scan())]
