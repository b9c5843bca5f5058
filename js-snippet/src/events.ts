/** Builds an event: Segment's envelope, saying what was seen and nothing of who saw it. */
import { random } from './random'

export type Json = Record<string, unknown>

/** Where an order's id may stand: Segment's, GA4's and Universal Analytics' place. */
type Order = { [name in 'order_id' | 'orderId' | 'transaction_id']?: string } & { purchase?: { actionField?: { id?: string } } }

export interface Page {
  url: string
  path: string
  title: string
  referrer: string
}

/** Named so because `Event` is the DOM's. `reset` never travels as an event: it is the logout's place in the queue. */
export interface Sighting {
  type: 'page' | 'track' | 'identify' | 'reset'
  messageId: string
  timestamp: string
  context: { page: Page; user_hash?: string; source?: string }
  event?: string
  name?: string
  userId?: string
  properties?: Json
  traits?: Json
}

let referrer = document.referrer

/** In a single-page shop the page before this one referred to it, not the site the visit began with. */
export const refer = (url: string): void => {
  referrer = url
}

/** An e-mail address in an address (`?email=ann@example.com`) or a title stays on the page. */
export const clean = (text: string): string => text.replace(/(^|[/?&#\s])[^/?&#\s]+(@|%40)[^/?&#\s]*/g, '$1')

export const currentPage = (): Page => ({
  url: clean(location.href),
  path: clean(location.pathname),
  title: clean(document.title),
  referrer: clean(referrer)
})

/** An order is one event, however often pages tell of it: its id is that of the event. `at`: when it happened, ms. A copy is made, so that what the shop does to its objects later changes nothing. */
export const build = (type: Sighting['type'], fields: Json, context?: Json, at?: number): Sighting => {
  const { order_id, orderId, transaction_id, purchase } = (fields.properties || {}) as Order
  const order = /^(purchase|order.?completed)$/i.test(fields.event as string)
    ? order_id || orderId || transaction_id
    : purchase?.actionField?.id
  return JSON.parse(
    JSON.stringify({
      type,
      timestamp: new Date(at || Date.now()),
      context: { page: currentPage(), ...context },
      ...fields,
      messageId: order ? 'order.' + order : random()
    })
  )
}
