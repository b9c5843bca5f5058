import { newTracker, setUserId, trackPageView, trackSelfDescribingEvent } from 'snowplow-browser-tracker-3'
import {
  EnhancedEcommercePlugin, addEnhancedEcommerceActionContext, addEnhancedEcommerceProductContext, trackEnhancedEcommerceAction,
} from 'snowplow-enhanced-ecommerce-3'
import { EcommercePlugin, addItem, addTrans, trackAddToCart, trackTrans } from '@snowplow/browser-plugin-ecommerce'
import { SHOE, SHOE_ENTITY, SOCK, SOCK_ENTITY, TRAITS, USER } from '../scenario.mjs'
import { walk } from './walk.js'

const classic = window.SHOP.variant.startsWith('classic')
const item = (id, { sku, name, category, price, quantity }) => ({ orderId: id, sku, name, category, price, quantity, currency: 'EUR' })

walk({
  start: (url, appId) => newTracker('sp', url, { appId, cookieSecure: false, cookieSameSite: 'Lax', bufferSize: window.SHOP.variant === 'classic' ? 3 : 1, plugins: [EnhancedEcommercePlugin(), EcommercePlugin()] }),
  home: (tracker) => {
    trackPageView()
    tracker.flushBuffer()
  },
  product(tracker) {
    trackPageView()
    addEnhancedEcommerceProductContext(SHOE_ENTITY)
    trackEnhancedEcommerceAction({ action: 'detail' })
    tracker.flushBuffer()
  },
  cart(tracker) {
    const { sku, name, category, price, quantity, currency } = SHOE
    trackAddToCart({ sku, name, category, unitPrice: price, quantity, currency })
    tracker.flushBuffer()
  },
  login(tracker) {
    setUserId(USER)
    trackSelfDescribingEvent({ event: { schema: 'iglu:com.acme/login/jsonschema/1-0-0', data: TRAITS } })
    tracker.flushBuffer()
  },
  order(tracker, id) {
    setUserId(USER)
    if (classic) {
      addTrans({ orderId: id, total: 119.85, tax: 18.35, shipping: 4.95, currency: 'EUR' })
      addItem(item(id, SHOE))
      addItem(item(id, SOCK))
      trackTrans()
    } else {
      addEnhancedEcommerceActionContext({ id, revenue: 119.85, tax: 18.35, shipping: 4.95, currency: 'EUR' })
      addEnhancedEcommerceProductContext(SHOE_ENTITY)
      addEnhancedEcommerceProductContext(SOCK_ENTITY)
      trackEnhancedEcommerceAction({ action: 'purchase' })
    }
    tracker.flushBuffer()
  },
})
