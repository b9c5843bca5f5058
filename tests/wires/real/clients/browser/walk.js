// Runs the step of this page, waits until the collector has it, and goes on to the next page.
const { host, key, step, next, order } = window.SHOP

export async function walk(client) {
  try {
    const tracker = await client.start(`http://${host}`, key, host)
    await client[step](tracker, order)
    const settled = await fetch(`/settled/${step}`)
    if (settled.ok && next) location.href = next
  } catch (error) {
    await fetch('/failed', { method: 'POST', body: `${step}: ${error && (error.stack || error)}` })
  }
}
