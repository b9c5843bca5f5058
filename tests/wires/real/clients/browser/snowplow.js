import { newTracker, setUserId, trackPageView, trackSelfDescribingEvent } from '@snowplow/browser-tracker'
import { SnowplowEcommercePlugin, trackAddToCart, trackProductView, trackTransaction } from '@snowplow/browser-plugin-snowplow-ecommerce'
import { SHOE_ENTITY, SOCK_ENTITY, TRAITS, USER, transaction } from '../scenario.mjs'
import { walk } from './walk.js'

const VARIANTS = {
  '': {},
  'custom-path': { postPath: '/com.acme/track' },
  get: { eventMethod: 'get' },
  base64: { encodeBase64: true, stateStorageStrategy: 'localStorage' },
}

walk({
  // The shop of the tests has no https.
  start: (url, appId) => newTracker('sp', url, { appId, cookieSecure: false, cookieSameSite: 'Lax', plugins: [SnowplowEcommercePlugin()], ...VARIANTS[window.SHOP.variant] }),
  home: () => trackPageView(),
  product() {
    trackPageView()
    trackProductView(SHOE_ENTITY)
  },
  cart: () => trackAddToCart({ products: [SHOE_ENTITY], total_value: 89.9, currency: 'EUR' }),
  login() {
    setUserId(USER)
    trackSelfDescribingEvent({ event: { schema: 'iglu:com.acme/login/jsonschema/1-0-0', data: TRAITS } })
  },
  order(_, id) {
    setUserId(USER)
    trackTransaction({ ...transaction(id), products: [SHOE_ENTITY, SOCK_ENTITY] })
  },
})
