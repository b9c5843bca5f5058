/**
 * localStorage, where it may be used at all: full, forbidden or absent storage only means less safety. Asked for only
 * after consent; everything we keep carries our prefix.
 */
import { writeKey } from './config'

const PREFIX = 'habitue.' + writeKey + '.'

export function read(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name)
  } catch (error) {
    return null
  }
}

/** True when it is kept. */
export function write(name: string, value: string): boolean {
  try {
    localStorage.setItem(PREFIX + name, value)
    return true
  } catch (error) {
    return false
  }
}

export function remove(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name)
  } catch (error) {
    // Nothing is kept there, then.
  }
}

/** Names of everything we keep, without the prefix. */
export function names(): string[] {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => name.slice(PREFIX.length))
  } catch (error) {
    return []
  }
}
