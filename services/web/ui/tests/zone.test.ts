// Dates stand in the company's zone, in whatever zone the browser is (this test runs in New York).
import { describe, expect, it } from 'vitest'
import { beginOf, dayAfter, endOf, instant, wall, weekdayOf } from '@/lib/zone'
import { daysBetween, hourMinute } from '@/lib/format'
import { weekNumber } from '@/pages/week/sentence'

const utc = (text: string) => new Date(`${text}Z`)

describe('the company’s clock', () => {
  it('is not the browser’s', () => {
    expect(new Date('2026-03-10T12:00:00Z').getHours()).toBe(8)
    expect(hourMinute(utc('2026-03-10T16:30:00'))).toBe('00:30')
    expect(wall(utc('2026-12-31T16:00:00'))).toMatchObject({ year: 2027, month: 1, day: 1, hour: 0 })
  })
  it('gives a day its beginning and its end', () => {
    expect(beginOf('2026-03-11').toISOString()).toBe('2026-03-10T16:00:00.000Z')
    expect(endOf('2026-03-11').toISOString()).toBe('2026-03-11T15:59:59.000Z')
    expect(instant(2026, 2, 29).toISOString()).toBe('2026-02-28T16:00:00.000Z')
  })
  it('counts days where the company is', () => {
    expect(daysBetween(utc('2026-03-10T15:59:00'), utc('2026-03-10T16:01:00'))).toBe(1)
    expect(dayAfter(utc('2026-03-10T20:00:00'), 1).toISOString()).toBe('2026-03-11T16:00:00.000Z')
  })
  it('begins its week on Monday', () => {
    expect(weekdayOf(utc('2026-03-08T16:00:00'))).toBe(1)
    expect(weekdayOf(utc('2026-03-08T15:59:00'))).toBe(7)
    expect(weekNumber(utc('2027-01-03T15:59:00'))).toBe(53)
    expect(weekNumber(utc('2027-01-03T16:00:00'))).toBe(1)
  })
})
