/**
 * For pages with Segment's snippet whose host was changed to this one: the calls that wait in its queue, and all that
 * follow, go to Habitue's tag, which this file loads. It is none of Segment's code: there are no destinations, plugins
 * and middlewares. The collector puts in where the tag is and what holds before the visitor was asked.
 */
;(function () {
  'use strict'
  var TAG = '{tag}'
  var CONSENT = '{consent}'
  var own = document.currentScript || document.querySelector('script[src*="/analytics.min.js"]')
  var source = own && new URL(own.src)
  var name = (own && own.getAttribute('data-global-segment-analytics-key')) || 'analytics'
  var analytics = (window[name] = window[name] || [])
  if (!source || analytics.initialized) return

  if (!window.habitue) {
    var queue = (window.habitue = function () {
      var call = [].slice.call(arguments)
      call.t = Date.now()
      ;(queue.q = queue.q || []).push(call)
    })
  }
  var user
  var traits = {}
  var isReady = false
  var listeners = {}

  function is(type, value) {
    return typeof value === type
  }

  function tell() {
    window.habitue.apply(null, arguments)
  }

  function emit(event, given) {
    ;(listeners[event] || []).slice().forEach(function (listener) {
      try {
        listener.apply(analytics, given)
      } catch (error) {
        setTimeout(function () {
          throw error
        })
      }
    })
  }

  /** Words, objects and the callback of a call; what the snippet notes of the page is known to the tag. */
  function read(given) {
    var said = { words: [], objects: [], done: function () {} }
    given.forEach(function (one) {
      if (is('function', one)) said.done = one
      else if (is('string', one) || is('number', one)) said.words.push(String(one))
      else if (one && is('object', one) && one.__t !== 'bpc') said.objects.push(one)
    })
    return said
  }

  function page(given) {
    var said = read(given)
    var properties = Object.assign({}, said.objects[0])
    if (said.words.length > 1) properties.category = said.words.shift()
    tell('page', said.words[0], properties)
    return said
  }

  /** A link or form, a list of them (or jQuery's), and what to tell when it is used. */
  function watch(type) {
    return function (given) {
      var elements = given[0] && given[0].addEventListener ? [given[0]] : [].slice.call(given[0] || [])
      elements.forEach(function (element) {
        element.addEventListener(type, function () {
          var told = given.slice(1, 3).map(function (one) {
            return is('function', one) ? one(element) : one
          })
          calls.track(told)
        })
      })
    }
  }

  function listen(given, once) {
    var event = given[0]
    var listener = given[1]
    function heard() {
      if (once) calls.off([event, heard])
      listener.apply(this, arguments)
    }
    heard.of = listener
    ;(listeners[event] = listeners[event] || []).push(heard)
  }

  var calls = {
    track: function (given) {
      var said = read(given)
      if (said.words.length) tell('track', said.words[0], said.objects[0] || {})
      return said
    },
    page: page,
    pageview: page,
    screen: page,
    identify: function (given) {
      var said = read(given)
      if (said.words.length && said.words[0] !== user) {
        user = said.words[0]
        traits = {}
      }
      Object.assign(traits, said.objects[0])
      var options = said.objects[1] || {}
      var proof = options.user_hash || (options.context && options.context.user_hash)
      tell('identify', user, said.objects[0] || {}, proof ? { user_hash: proof } : undefined)
      return said
    },
    alias: function (given) {
      var said = read(given)
      user = said.words[0] || user
      if (user) tell('identify', user)
      return said
    },
    group: function (given) {
      var said = read(given)
      tell('track', 'group', { groupId: said.words[0], traits: said.objects[0] })
      return said
    },
    reset: function () {
      user = undefined
      traits = {}
      tell('reset')
    },
    ready: function (given) {
      if (!is('function', given[0])) return
      if (isReady) given[0]()
      else listen(['ready', given[0]], true)
    },
    on: function (given) {
      listen(given)
    },
    once: function (given) {
      listen(given, true)
    },
    off: function (given) {
      listeners[given[0]] = (listeners[given[0]] || []).filter(function (one) {
        return given[1] && one !== given[1] && one.of !== given[1]
      })
    },
    trackLink: watch('click'),
    trackClick: watch('click'),
    trackForm: watch('submit'),
    trackSubmit: watch('submit')
  }

  /** One call: of the snippet's queue, of a stub that somebody kept, or of now. */
  function call(method, given) {
    var said = calls[method] && calls[method](given)
    if (!said) return analytics
    emit(method, said.words.concat(said.objects))
    setTimeout(said.done)
    return Promise.resolve({ event: { type: method } })
  }

  var waiting = analytics.splice(0)
  var methods = Object.keys(calls).concat(analytics.methods || [])
  methods.forEach(function (method) {
    analytics[method] = function () {
      return call(method, [].slice.call(arguments))
    }
  })
  analytics.push = function (one) {
    return call(one[0], [].slice.call(one, 1))
  }
  analytics.user = function () {
    return {
      id: function () {
        return user || null
      },
      traits: function () {
        return Object.assign({}, traits)
      },
      anonymousId: function () {
        return null // it is the server's, in a cookie that no script can read
      }
    }
  }
  analytics.load = function () {
    return Promise.resolve(analytics)
  }
  analytics.initialize = analytics.initialized = true

  function ready() {
    isReady = true
    emit('ready', [])
  }

  if (document.querySelector('script[data-key]')) ready()
  else {
    var tag = document.createElement('script')
    tag.async = true
    tag.src = source.origin + TAG
    tag.nonce = own.nonce || ''
    tag.setAttribute('data-key', decodeURIComponent(source.pathname.split('/').slice(-2)[0]))
    tag.setAttribute('data-consent', CONSENT)
    tag.setAttribute('data-pages', 'manual')
    tag.onload = ready
    document.head.appendChild(tag)
  }
  waiting.forEach(analytics.push)
})()
