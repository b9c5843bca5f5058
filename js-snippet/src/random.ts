/** 128 random bits as text; `crypto.randomUUID` exists only on https, shops on a test host have none. */
export function random(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('')
}
