// What every client does: it looks at a shop, puts a shoe into the cart, logs in and buys.
export const DEVICE = '7f1c2a9e-5b7d-4c1e-9a36-0f2b8d4e6c11'
export const USER = 'cust-4711'
export const TRAITS = { firstName: 'Ada', plan: 'gold' }
export const SHOE = {
  product_id: 'SKU-001', sku: 'SKU-001', name: 'Trail Shoe Größe 42', brand: 'Fjell', category: 'Shoes/Trail',
  variant: '42', price: 89.9, quantity: 1, currency: 'EUR',
}
export const SOCK = {
  product_id: 'SKU-002', sku: 'SKU-002', name: 'Wool Sock', brand: 'Fjell', category: 'Socks', price: 12.5, quantity: 2,
}
export const order = (id) => ({
  order_id: id, revenue: 114.9, tax: 18.35, shipping: 4.95, total: 119.85, discount: 5, currency: 'EUR',
  products: [SHOE, SOCK],
})
// The same in Snowplow's words: its revenue is the whole total.
const PRODUCT = ({ product_id, name, category, brand, price, quantity }) => ({
  id: product_id, name, category, brand, price, quantity, currency: 'EUR',
})
export const SHOE_ENTITY = PRODUCT(SHOE)
export const SOCK_ENTITY = PRODUCT(SOCK)
export const transaction = (id) => ({
  transaction_id: id, revenue: 119.85, currency: 'EUR', payment_method: 'card', tax: 18.35, shipping: 4.95,
})
