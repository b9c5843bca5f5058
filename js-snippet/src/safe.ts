/** The tag is a guest: nothing of ours is ever thrown into the page; it is counted and told to the server instead. */

/** Why something was given up, how often; travels as `context.lost` with the next events. */
export type Loss = 'error' | 'old' | 'full' | 'large'
export type Losses = { [why in Loss]?: number }

let losses: Losses = {}

export const lose = (why: Loss, count = 1): void => {
  if (count) losses[why] = (losses[why] || 0) + count
}

/** What was lost since the last call; nothing when nothing was. */
export const takeLosses = (): Losses | undefined => {
  const taken = losses
  losses = {}
  return Object.keys(taken)[0] ? taken : undefined
}

/** `work`, made harmless: every door by which the page, the browser or a timer calls us goes through here. */
export const safe = <A extends unknown[]>(work: (...given: A) => void): (...given: A) => void => {
  return (...given) => {
    try {
      work(...given)
    } catch (error) {
      lose('error')
    }
  }
}

export const on = (target: EventTarget, type: string, work: (event: Event) => void): void => {
  target.addEventListener(type, safe(work), true)
}

export const after = (delay: number, work: () => void): ReturnType<typeof setTimeout> => setTimeout(safe(work), delay)
