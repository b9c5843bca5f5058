/** What the core fetches beside s-more.js where a page has a consent tool that must be asked, or somebody asks us. */
import { readChoices } from './choices'
import { core, doors, load } from './lent'

core._hooks.push(readChoices)

doors.doctor = () => (core.doctor ? core.doctor() : load('debug', DEBUG, () => core.doctor?.()))
