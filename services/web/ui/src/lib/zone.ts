// The company's clock: every date and time on a page stands in its zone, wherever the reader's browser is.

/** The zone the services count working days in, too. */
export const ZONE = 'Asia/Shanghai'

export interface Wall {
  year: number
  /** 1 to 12. */
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

const digits = new Intl.DateTimeFormat('en-US', { timeZone: ZONE, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' })

/** What the company's clock and calendar show at an instant. */
export function wall(date: Date): Wall {
  const there = new Date(date.getTime() + offset(date.getTime()))
  return {
    year: there.getUTCFullYear(),
    month: there.getUTCMonth() + 1,
    day: there.getUTCDate(),
    hour: there.getUTCHours(),
    minute: there.getUTCMinutes(),
    second: there.getUTCSeconds(),
  }
}

/** The instant at which the company's clock shows this; a day beyond its month counts on into the next. */
export function instant(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): Date {
  const wanted = Date.UTC(year, month - 1, day, hour, minute, second)
  // the offset may differ on the two sides of a clock change: the second look decides
  const first = wanted - offset(wanted)
  return new Date(wanted - offset(first))
}

// clocks change on a quarter of an hour: one look into the zone's table serves every time within it
const QUARTER = 15 * 60_000
const offsets = new Map<number, number>()

/** Milliseconds that the company's clock is ahead of UTC at an instant. */
function offset(time: number): number {
  const quarter = Math.floor(time / QUARTER)
  let known = offsets.get(quarter)
  if (known === undefined) {
    const found: Record<string, number> = {}
    for (const { type, value } of digits.formatToParts(quarter * QUARTER)) found[type] = Number(value)
    known = Date.UTC(found.year!, found.month! - 1, found.day!, found.hour!, found.minute!) - quarter * QUARTER
    if (offsets.size > 20_000) offsets.clear()
    offsets.set(quarter, known)
  }
  return known
}

/** Days since 1970 of the calendar day that an instant falls on. */
export function dayNumber(date: Date): number {
  const { year, month, day } = wall(date)
  return Date.UTC(year, month - 1, day) / 86_400_000
}

/** 1 (Monday) to 7. */
export const weekdayOf = (date: Date): number => ((dayNumber(date) + 3) % 7) + 1

/** Midnight some days later. */
export function dayAfter(date: Date, days: number): Date {
  const { year, month, day } = wall(date)
  return instant(year, month, day + days)
}

/** The instant at which a day of a date field (2026-03-11) begins, or the last second of it. */
export function beginOf(isoDay: string): Date {
  const [year, month, day] = isoDay.split('-').map(Number) as [number, number, number]
  return instant(year, month, day)
}
export const endOf = (isoDay: string): Date => new Date(dayAfter(beginOf(isoDay), 1).getTime() - 1000)
