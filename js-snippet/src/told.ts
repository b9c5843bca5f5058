/** Tells the core what was seen, without a person's data and what no JSON can hold. */
import { after, core, doors, log, note, page } from './lent'
import type { Any } from './lent'
import type { Json, Sighting } from './events'

export const kindOf = (value: unknown): string => ({}).toString.call(value).slice(8, -1)

/** What names a person, and what nobody needs. */
const PERSONAL =
  /mail|phone|address|street|birth|passw|user|customer|buyer|billing|recipient|contact|^zip|^city|post(al|code)|(first|last|sur|given|family|full).?name|review|rating|description|^gtm\./i
const ADDRESS = /[\w.+-](@|%40)[\w-]+\.\w/

/** How many values may still be copied: what a page has in its objects is without end. */
let room: number

function clean(value: Any, depth: number, longest: number): unknown {
  const kind = kindOf(value)
  if (kind === 'Array' || kind === 'Object') {
    const copy: Any = kind === 'Array' ? [] : {}
    for (const key in value) {
      if (depth && room-- > 0 && !PERSONAL.test(key)) copy[key] = clean(value[key], depth - 1, longest)
    }
    return copy
  }
  return typeof value === 'string'
    ? ADDRESS.test(value)
      ? undefined
      : value.slice(0, longest)
    : typeof value === 'number' || value === !!value
      ? value
      : undefined
}

/** `source`: where it was seen. `depth`, `longest`: of objects, and of texts. */
export function tell(name: string, data: Json, source: string, depth = 5, longest = 500): void {
  room = 3000
  doors.track(name, clean(data, depth, longest) as Json, { source })
}

/** What was captured, newest last, and since when, ms. */
export function captured(since = 0): Sighting[] {
  return log.filter(([at, what]) => what === 'captured' && at > since).map(([, , event]) => event as Sighting)
}

/** Was a view of a product told since the visitor came to this address (by `source`)? */
export function viewed(source = ''): boolean {
  const { url } = page()
  let found = false
  for (const { event, context } of captured()) {
    found = context.page.url === url && (found || (isView(event) && (context.source || '').startsWith(source)))
  }
  return found
}

export const isView = (name?: string): boolean => /view_?item$|product.?view/i.test(name!)

export const ignore = (what: unknown): void => note('ignored', ['told before', what])
void after
void core
