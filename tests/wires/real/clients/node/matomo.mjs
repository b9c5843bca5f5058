import MatomoTracker from 'matomo-tracker'
import { SHOE, SOCK, USER } from '../scenario.mjs'
import { HOST, KEY, ORDER } from './native.mjs'

const tracker = new MatomoTracker(KEY, `${HOST}/matomo.php`)
tracker.on('error', (error) => console.log('error', error))
const row = ({ sku, name, category, price, quantity }) => [sku, name, category, price, quantity]
const rand = () => String(Math.random()).slice(2, 10)
const who = { _id: '7f1c2a9e5b7d4c1e' }
const at = (path) => ({ ...who, url: `http://shop.test/${path}`, rand: rand() })
const shoe = { _pks: SHOE.sku, _pkn: SHOE.name, _pkc: SHOE.category, _pkp: SHOE.price }

tracker.track({ ...at('home'), action_name: 'Home' })
const rest = [
  { ...at('product'), action_name: 'Product', ...shoe },
  { ...at('cart'), idgoal: 0, revenue: 89.9, ec_items: JSON.stringify([row(SHOE)]) },
  { ...at('login'), action_name: 'Login', uid: USER },
  {
    ...at('order'), uid: USER, idgoal: 0, ec_id: ORDER, revenue: 119.85, ec_tx: 18.35, ec_sh: 4.95, currency: 'EUR',
    ec_items: JSON.stringify([row(SHOE), row(SOCK)]), cdt: Math.floor(Date.now() / 1000) - 3600,
  },
]
// It never reads the answer to `track`, so nothing would end this process.
tracker.trackBulk(rest, (said) => {
  console.log(said)
  setTimeout(() => process.exit(0), 500)
})
