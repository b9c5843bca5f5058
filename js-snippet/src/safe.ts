/** The tag is a guest: nothing of ours is ever thrown into the page; it is counted and told to the server instead. */

/** Why something was given up, how often; travels as `context.lost` with the next events. */
export type Loss = 'error' | 'old' | 'full' | 'large'

const losses: Partial<Record<Loss, number>> = {}

export function lose(why: Loss, count = 1): void {
  losses[why] = (losses[why] || 0) + count
}

/** What was lost since the last call, for an envelope; nothing when nothing was. */
export function takeLosses(): Partial<Record<Loss, number>> | undefined {
  const taken = Object.assign({}, losses)
  for (const why in taken) delete losses[why as Loss]
  return Object.keys(taken).length ? taken : undefined
}

/** `work`, made harmless: every door by which the page, the browser or a timer calls us goes through here. */
export function safe<A extends unknown[]>(work: (...given: A) => void): (...given: A) => void {
  return (...given) => {
    try {
      work(...given)
    } catch (error) {
      lose('error')
    }
  }
}
