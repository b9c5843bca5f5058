// One request each; without a random number, as their examples have it.
import { createRequire } from 'node:module'
import { SHOE, SOCK, USER } from '../scenario.mjs'
import { HOST, KEY, ORDER } from '../node/native.mjs'

const found = createRequire(import.meta.url)(process.env.PACKAGE)
const Tracker = found.MatomoTracker ?? found
const tracker = new Tracker(KEY, `${HOST}/${process.env.PACKAGE.startsWith('piwik') ? 'piwik' : 'matomo'}.php`)
tracker.on('error', (error) => console.log('error', error))
const row = ({ sku, name, category, price, quantity }) => [sku, name, category, price, quantity]
const at = (path) => ({ _id: '7f1c2a9e5b7d4c1e', url: `http://shop.test/${path}` })
const shoe = { _pks: SHOE.sku, _pkn: SHOE.name, _pkc: SHOE.category, _pkp: SHOE.price }
const cart = { idgoal: 0, revenue: 89.9, ec_items: JSON.stringify([row(SHOE)]) }
const order = { idgoal: 0, ec_id: ORDER, revenue: 119.85, currency: 'EUR', ec_items: JSON.stringify([row(SHOE), row(SOCK)]) }

tracker.track({ ...at('home'), action_name: 'Home' })
tracker.track({ ...at('product'), action_name: 'Product', ...shoe })
tracker.track({ ...at('cart'), ...cart })
tracker.track({ ...at('login'), action_name: 'Login', uid: USER })
tracker.track({ ...at('order'), uid: USER, ...order, cdt: Math.floor(Date.now() / 1000) - 3600 })
setTimeout(() => process.exit(0), 2_000) // it never reads the answers, so nothing would end this process
