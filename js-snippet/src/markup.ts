/** The product in the page's markup, unless something else has told of one. The server understands what we send. */
import { after, all, host, on, safe } from './lent'
import type { Any } from './lent'
import { forgetView, tell } from './told'

const microdata = (scope: Element): Any => {
  const found: Any = {}
  for (const element of all('[itemprop]', scope)) {
    if (element.parentElement!.closest('[itemscope]') === scope) {
      const { href, src, value, textContent } = element as Any
      ;(found[element.getAttribute('itemprop')!] ||= []).push(
        element.matches('[itemscope]')
          ? microdata(element)
          : element.getAttribute('content') || href || src || value || textContent.trim()
      )
    }
  }
  return found
}

let seen: string
let planned: unknown

const look = safe(() => {
  planned = 0
  const markup = {
    jsonld: all('[type*=ld]')
      .map((script) => script.textContent!)
      .filter((text) => /Product|Breadcrumb/.test(text))
      .map((text) => {
        try {
          return JSON.parse(text)
        } catch {
          return text
        }
      }),
    microdata: all('[itemtype*="/Product"]:not([itemtype*="/Product"] *)').map(microdata),
    // Templates write `name` as often.
    opengraph: Object.fromEntries(
      all('[property^=og],[property^=product],[name^=og],[name^="product:"]').map((meta: Any) => [
        meta.getAttribute('property') || meta.name,
        meta.content
      ])
    )
  }
  const now = JSON.stringify(markup)
  if (now === seen) return
  seen = now
  if (!markup.microdata[0] && !/product/i.test(now)) return forgetView()
  tell(
    'view_item',
    {
      markup: {
        ...markup,
        canonical: (all('[rel=canonical]')[0] as HTMLLinkElement)?.href,
        platform_id: /(postid|product-id)-(\d+)/.exec(document.body.className)?.[2] || '' + host.ShopifyAnalytics?.meta?.product?.id
      }
    },
    'markup',
    12,
    20000
  )
})

/** In a second, for the dataLayer may still speak; now when the page leaves. */
export const lookSoon = (leaving?: boolean): void => {
  if (leaving) look()
  else planned ||= after(1000, look)
}

// A page that comes back from the bfcache is looked at again.
on(window, 'pageshow', (event) => {
  if ((event as PageTransitionEvent).persisted) {
    seen = ''
    forgetView()
    lookSoon()
  }
})
