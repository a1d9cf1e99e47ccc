// The wall's scale always holds the baseline, and says nothing of too few samples.
import { describe, expect, it } from 'vitest'
import { againstBaseline, daysOf, scaleOf } from '@/pages/wall/trend'

describe('the trend on the wall', () => {
  it('is in hours, by day, without days that have no figure', () => {
    const trend = [
      { day: '2026-03-02', n: 1, open: 0, median: 7200, p90: 10_800 },
      { day: '2026-03-01', n: 1, open: 1, median: null, p90: null },
      { day: '2026-02-27', n: 2, open: 0, median: 3600, p90: 3600 },
    ]
    expect(daysOf({ trend })).toEqual([
      { day: '2026-02-27', n: 2, median: 1, p90: 1 },
      { day: '2026-03-02', n: 1, median: 2, p90: 3 },
    ])
  })
  it('keeps the baseline on the scale', () => {
    expect(scaleOf([], 72)).toEqual({ step: 24, end: 96 })
    expect(scaleOf([{ day: 'd', n: 1, median: 50, p90: 180 }], 72)).toEqual({ step: 48, end: 192 })
  })
  it('says how far below it is', () => expect(againstBaseline(41, 72)).toBe(-43))
})
