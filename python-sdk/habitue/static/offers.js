/* Of offers that the shop's server rendered: which were seen and followed, as the tag tells of its own. */
(function () {
  if (window.habitueOffers) return
  window.habitueOffers = true
  function about(card) {
    var slot = card.closest('[data-habitue-rendered]')
    var cards = slot && slot.querySelectorAll('[data-habitue-offer]')
    return slot && {
      decision_id: slot.getAttribute('data-habitue-decision') || undefined,
      slot: slot.getAttribute('data-habitue-rendered'),
      item_id: card.getAttribute('data-habitue-offer'),
      position: Array.prototype.indexOf.call(cards, card) + 1
    }
  }
  function tell(name, card) {
    try {
      var what = about(card)
      if (what && window.habitue) window.habitue('track', name, what)
    } catch (error) {}
  }
  function price(element) {
    try {
      var style = { style: 'currency', currency: element.getAttribute('data-currency') }
      var amount = Number(element.getAttribute('data-amount'))
      element.textContent = new Intl.NumberFormat(document.documentElement.lang || undefined, style).format(amount)
    } catch (error) {}
  }
  var timers = new WeakMap()
  var observer = new IntersectionObserver(
    function (entries) {
      entries.forEach(function (entry) {
        clearTimeout(timers.get(entry.target))
        if (entry.intersectionRatio >= 0.5) timers.set(entry.target, setTimeout(seen, 1000, entry.target))
      })
    },
    { threshold: 0.5 }
  )
  function seen(card) {
    if (document.visibilityState === 'hidden') {
      timers.set(card, setTimeout(seen, 1000, card))
      return
    }
    observer.unobserve(card)
    tell('Offer Viewed', card)
  }
  function follow(event) {
    if (event.button < 2) tell('Offer Clicked', event.currentTarget)
  }
  function start() {
    document.querySelectorAll('[data-habitue-rendered] [data-habitue-offer]').forEach(function (card) {
      observer.observe(card)
      card.addEventListener('click', follow)
      card.addEventListener('auxclick', follow)
    })
    document.querySelectorAll('[data-habitue-rendered] [data-amount]').forEach(price)
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start)
  else start()
})()
