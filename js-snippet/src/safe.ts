/** The tag is a guest: nothing of ours is ever thrown into the page; it is counted and told to the server instead. */

/** Why something was given up, how often; travels as `context.lost` with the next events. */
export type Loss = 'error' | 'old' | 'full' | 'large'
export type Losses = { [why in Loss]?: number }

let losses: Losses | undefined

export const lose = (why: Loss, count = 1): void => {
  losses = { ...losses, [why]: (losses?.[why] || 0) + count }
}

/** What was lost since the last call; nothing when nothing was. */
export const takeLosses = (): Losses | undefined => {
  const taken = losses
  losses = undefined
  return taken
}

/** `work`, made harmless: every door by which the page, the browser or a timer calls us goes through here. */
export const safe = <A extends unknown[]>(work: (...given: A) => void): (...given: A) => void => {
  return (...given) => {
    try {
      work(...given)
    } catch {
      lose('error')
    }
  }
}

export const on = (target: EventTarget, type: string, work: (event: Event) => void): void => {
  target.addEventListener(type, safe(work), true)
}

/** Lets `then` know of each call of `owner[name]`, once it is done; whoever calls sees no difference. */
export const wrap = (owner: any, name: string, then: (self: any, given: any) => void): void => {
  const original = owner[name]
  owner[name] = function (...given: unknown[]) {
    const returned = original.apply(this, given)
    safe(then)(this, given)
    return returned
  }
}

export const after = (delay: number, work: () => void): ReturnType<typeof setTimeout> => setTimeout(safe(work), delay)
