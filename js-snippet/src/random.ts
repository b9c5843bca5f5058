/** 128 random bits as text; `crypto.randomUUID` exists only on https, and a shop on a test host has none. */
export const random = (): string => crypto.getRandomValues(new Uint32Array(4)).join('')
