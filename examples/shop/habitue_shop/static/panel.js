/* "What does Habitue know?": the visitor's profile and the reason of every offer on the page, as they change.
   Only public doors: the tag's events for the offers, the shop's /panel (which asks the public API) for the profile.
   Everything is set as text. */
(() => {
  const panel = document.getElementById('panel')
  const toggle = document.getElementById('panel-toggle')
  const root = document.body.dataset.root
  const store = 'shop-panel'
  /* On a phone it covers the page: it opens when it is asked to, and is gone on the next one. */
  const covers = matchMedia('(max-width: 44rem)')
  const offers = new Map()
  const known = new Map()
  let before = new Map()
  let profile = null
  let items = {}
  let message = 'Asking…'
  let timer

  const make = (tag, name, ...inside) => {
    const made = document.createElement(tag)
    if (name) made.className = name
    made.append(...inside.filter((part) => part !== null && part !== undefined && part !== ''))
    return made
  }

  const ago = (milliseconds) => {
    const minutes = Math.round((Date.now() - milliseconds) / 60000)
    if (!(minutes >= 0)) return ''
    if (minutes < 1) return 'just now'
    if (minutes < 60) return `${minutes} min ago`
    if (minutes < 1440) return `${Math.round(minutes / 60)} h ago`
    return `${Math.round(minutes / 1440)} days ago`
  }

  const DID = {
    product_view: 'looked at', product_click: 'looked at', add_to_cart: 'in the basket', remove_from_cart: 'taken out again',
    purchase: 'bought', wishlist_add: 'wished for', offer_click: 'clicked in an offer',
  }

  const entries = (value) => {
    if (Array.isArray(value)) return value.map((entry) => [entry.item_id || entry.name || entry.id, entry])
    return Object.entries(value || {})
  }

  const name = (id) => (items[id] && items[id].name) || (known.get(id) && known.get(id).name) || `item ${id}`
  const image = (id) => (items[id] && items[id].image_url) || (known.get(id) && known.get(id).image_url)
  const url = (id) => (items[id] && items[id].url) || (known.get(id) && known.get(id).url)

  const thing = (id, note, offer) => {
    const made = make('a', 'know-item')
    if (url(id)) made.href = url(id)
    /* What marketers wrote has no picture and no score. */
    if (offer && offer.kind) {
      made.append(make('span', '', make('b', '', offer.name || name(id)), make('small', '', note || '')))
      return made
    }
    const tile = make('img')
    tile.alt = ''
    tile.width = tile.height = 36
    if (image(id)) tile.src = image(id)
    made.append(tile, make('span', '', make('b', '', name(id)), make('small', '', note || '')))
    return made
  }

  /* A line that was not there the last time lights up. */
  const fresh = (key, value, element) => {
    if (before.size && before.get(key) !== value) element.classList.add('fresh')
    seen.set(key, value)
    return element
  }
  let seen = new Map()

  const block = (title, note, ...inside) => {
    const parts = inside.filter(Boolean)
    if (!parts.length) return null
    return make('section', 'know', make('h3', '', title, note ? make('small', '', note) : null), ...parts)
  }

  const bars = (dimension, shares) => {
    const best = entries(shares).map(([label, value]) => [label, typeof value === 'number' ? value : value.share])
      .filter(([, share]) => share >= 0.005).sort((a, b) => b[1] - a[1]).slice(0, 5)
    if (!best.length) return null
    const list = make('ul', 'bars')
    for (const [label, share] of best) {
      const percent = Math.round(share * 100)
      const bar = make('i')
      bar.style.width = `${Math.max(2, percent)}%`
      const short = dimension === 'category' ? label.split('/').slice(-2).join(' › ') : label
      list.append(fresh(`${dimension}/${label}`, percent, make('li', '', make('span', '', short), make('b', '', `${percent} %`), bar)))
    }
    return make('div', '', make('h4', '', dimension.replace('_', ' ')), list)
  }

  const chips = (pairs) => {
    const list = make('ul', 'facts-list')
    for (const [label, value] of pairs) if (value !== undefined && value !== null && value !== '') list.append(fresh(`fact/${label}`, String(value), make('li', '', make('span', '', label), make('b', '', String(value)))))
    return list.children.length ? list : null
  }

  /* The first few offers of each slot; the rest behind a line that stays open once it was opened. */
  const FIRST = 3
  const opened = new Set()

  const offerBlocks = () => Array.from(offers, ([slot, answer]) => {
    const lines = (answer.offers || []).map((offer) => {
      const reasons = (offer.reasons || []).map((reason) => reason.text).filter(Boolean)
      const line = thing(offer.item_id, reasons.join('; ') || 'no reason given', offer)
      if (typeof offer.score === 'number' && !offer.kind) line.append(make('code', '', offer.score.toFixed(2)))
      return fresh(`offer/${slot}/${offer.item_id}`, '1', make('li', '', line))
    })
    const list = make('ol', 'why', ...lines.slice(0, FIRST))
    if (lines.length > FIRST) {
      const more = make('details', '', make('summary', '', `and ${lines.length - FIRST} more`), ...lines.slice(FIRST))
      more.open = opened.has(slot)
      more.addEventListener('toggle', () => (more.open ? opened.add(slot) : opened.delete(slot)))
      list.append(make('li', '', more))
    }
    if (!lines.length) list.append(make('li', 'know-empty', answer.reason || 'nothing to offer here'))
    const where = block(slot, [answer.model && answer.model.slice(0, 8), answer.variant].filter(Boolean).join(' · '), list)
    where.dataset.slot = slot
    return where
  })

  const profileBlocks = () => {
    if (!profile) return [make('p', 'know-empty', message)]
    const session = profile.session || {}
    const orders = profile.orders || {}
    const recent = entries(profile.recent_items).sort((a, b) => (b[1].last || 0) - (a[1].last || 0)).slice(0, 8)
    const bought = entries(profile.bought).sort((a, b) => b[1].count - a[1].count).slice(0, 6)
    const affinities = profile.affinities || {}
    const consents = profile.consents || {}
    return [
      block('Who', '', chips([
        ['known as', profile.user_id ? `user ${profile.user_id}` : profile.profile_id],
        ['claims to be', profile.claimed_user_id],
        ['visits', profile.visits], ['offers shown', entries(profile.exposures).reduce((sum, [, one]) => sum + (one.count || 0), 0) || ''],
        ['traits', Object.values(profile.traits || {}).join(', ')],
        ['may analyse', consents.analytics], ['may personalise', consents.personalization],
      ])),
      block('This visit', session.started ? ago(session.started) : '', chips([
        ['events', session.events], ['pages', session.page_views], ['came from', session.referrer], ['campaign', session.campaign && (session.campaign.name || session.campaign.campaign || session.campaign.source)],
      ])),
      block('What you seem to like', 'share, fading with time', bars('category', affinities.category), bars('brand', affinities.brand), bars('price_band', affinities.price_band)),
      recent.length ? block('What you did', 'latest first', ...recent.map(([id, item]) => fresh(`did/${id}`, `${item.kind}${item.count}`, thing(id, `${DID[item.kind] || item.kind || ''}${item.count > 1 ? ` ${item.count}×` : ''} · ${ago(item.last)}`)))) : null,
      bought.length ? block('Bought before', 'most often first', ...bought.map(([id, item]) => fresh(`bought/${id}`, item.count, thing(id, `${item.count}× · ${ago(item.last)}`)))) : null,
      entries(profile.cart).length ? block('Basket', '', ...entries(profile.cart).map(([id, line]) => fresh(`cart/${id}`, line.quantity, thing(id, `${line.quantity} ×`)))) : null,
      block('Orders', '', chips([['count', orders.count], ['value', typeof orders.value === 'number' ? orders.value.toFixed(2) : orders.value], ['last', orders.last ? ago(orders.last) : '']])),
    ]
  }

  const draw = () => {
    const top = panel.scrollTop
    seen = new Map()
    const close = make('button', 'panel-close', '×')
    close.type = 'button'
    close.setAttribute('aria-label', 'Close')
    close.addEventListener('click', () => show(false))
    const tell = offerBlocks().filter(Boolean)
    const body = [
      make('header', 'panel-head', make('h2', '', 'What does Habitue know?'), close),
      make('p', 'panel-lead', 'This is all of it, live. Click around and watch.'),
      make('h2', 'panel-part', 'Why these offers'),
      ...(tell.length ? tell : [make('p', 'know-empty', 'No offers on this page yet.')]),
      make('h2', 'panel-part', 'Your profile'),
      ...profileBlocks().filter(Boolean),
    ]
    panel.replaceChildren(...body)
    panel.scrollTop = top
    before = seen
  }

  const refresh = async () => {
    try {
      const answer = await fetch(`${root}/panel`, { headers: { accept: 'application/json' } })
      const told = await answer.json()
      profile = told.profile
      items = told.items || {}
      message = told.message || ''
    } catch (error) {
      message = 'The shop does not answer.'
    }
    if (!panel.hidden) draw()
  }

  const soon = () => {
    if (panel.hidden) return
    clearTimeout(timer)
    timer = setTimeout(refresh, 120)
  }

  const show = (open) => {
    panel.hidden = !open
    document.body.classList.toggle('with-panel', open)
    toggle.setAttribute('aria-expanded', String(open))
    try {
      if (!covers.matches) localStorage.setItem(store, open ? '1' : '0')
    } catch (error) {
      /* without storage the panel stays as it is on this page */
    }
    if (open) {
      draw()
      refresh()
    }
  }

  document.addEventListener('habitue:offers', (event) => {
    const slot = event.target.getAttribute && event.target.getAttribute('data-habitue-slot')
    if (!slot || !event.detail) return
    offers.set(slot, event.detail)
    for (const offer of event.detail.offers || []) known.set(offer.item_id, offer)
    if (!panel.hidden) draw()
  })
  document.addEventListener('habitue:sent', soon)
  toggle.addEventListener('click', () => show(panel.hidden))
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !panel.hidden) show(false)
  })

  let open = new URLSearchParams(location.search).get('panel')
  try {
    if (!covers.matches) open ??= localStorage.getItem(store)
  } catch (error) {
    /* private windows may have no storage */
  }
  if (open === '1') show(true)
})()
