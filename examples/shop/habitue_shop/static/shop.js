/* The shop's own script: forms work without it; with it, the basket answers at once. Habitue's tag is /h/s.js. */
(() => {
  const count = document.getElementById('cart-count')
  const toast = document.getElementById('toast')
  let hiding

  const say = (text) => {
    toast.textContent = text
    toast.classList.add('shown')
    clearTimeout(hiding)
    hiding = setTimeout(() => toast.classList.remove('shown'), 2400)
  }

  const send = async (form) => {
    const answer = await fetch(form.action, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams(new FormData(form)),
    })
    if (!answer.ok) throw new Error(String(answer.status))
    const { cart_count: number, call, name } = await answer.json()
    if (call) window.habitue(...call)
    count.textContent = number
    count.hidden = !number
    return { name, changed: Boolean(call) }
  }

  document.addEventListener('submit', (event) => {
    const form = event.target
    if (!form.matches('.js-add')) return
    event.preventDefault()
    const button = form.querySelector('button')
    button.disabled = true
    send(form)
      .then(({ name, changed }) => say(changed ? `In your basket: ${name}` : 'Your basket is full'))
      .catch(() => form.submit())
      .finally(() => {
        button.disabled = false
      })
  })

  document.addEventListener('change', (event) => {
    const form = event.target.closest('.js-line')
    if (form) form.requestSubmit()
  })

  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest && event.target.closest('input, textarea, select')
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault()
      document.getElementById('search-input').focus()
    }
  })

  /* On a phone the filters begin closed. */
  const box = document.querySelector('.filter-box')
  if (box && matchMedia('(max-width: 60rem)').matches) box.removeAttribute('open')

  const current = document.querySelector('.aisles [aria-current]')
  if (current) current.parentElement.parentElement.scrollLeft = current.offsetLeft - 80
})()
